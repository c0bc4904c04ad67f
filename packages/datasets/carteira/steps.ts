import type { Step } from "../../core/dataset.ts";
import { accounts, disputa, espera, origens, sessoes, tocadas } from "../merge.sql.ts";
import derivadas from "./derivadas.sql.ts";
import linhas from "./linhas.sql.ts";
import { merge } from "./merge.ts";
import refined from "./refined.sql.ts";

/** From raw to the tables: derive per row, then merge per portfolio. */
export const steps: readonly Step[] = [
  { name: "derivadas", sql: derivadas, inline: true },
  { name: "tocadas", sql: tocadas(merge) },
  { name: "linhas", sql: linhas, inline: true },
  { name: "origens", sql: origens(merge) },
  { name: "disputa", sql: disputa(merge) },
  { name: "accounts", sql: accounts },
  { name: "carteira_refined", sql: refined, table: true },
  { name: "carteira_espera", sql: espera(merge), table: true },
  { name: "carteira_sessoes", sql: sessoes(merge), table: true },
];
