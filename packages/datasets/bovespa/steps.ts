import type { Step } from "../../core/dataset.ts";
import { accounts, disputa, espera, origens, sessoes, tocadas } from "../merge.sql.ts";
import avista from "./avista.sql.ts";
import derivadas from "./derivadas.sql.ts";
import derivativos from "./derivativos.sql.ts";
import linhas from "./linhas.sql.ts";
import medianas from "./medianas.sql.ts";
import { merge } from "./merge.ts";
import metrics from "./metrics.sql.ts";
import metricsPregao from "./metrics_pregao.sql.ts";
import refined from "./refined.sql.ts";

/** From raw to the tables: derive per row, merge per session, then what looks at its unit as a whole. */
export const steps: readonly Step[] = [
  { name: "derivadas", sql: derivadas, inline: true },
  { name: "tocadas", sql: tocadas(merge) },
  { name: "linhas", sql: linhas, inline: true },
  { name: "origens", sql: origens(merge) },
  { name: "disputa", sql: disputa(merge) },
  { name: "accounts", sql: accounts },
  { name: "avista", sql: avista, inline: true },
  { name: "medianas", sql: medianas },
  { name: "bovespa_refined", sql: refined, table: true },
  { name: "bovespa_derivativos", sql: derivativos, table: true },
  { name: "bovespa_espera", sql: espera(merge), table: true },
  { name: "bovespa_sessoes", sql: sessoes(merge), table: true },
  { name: "bovespa_metrics", sql: metrics, table: true },
  { name: "bovespa_metrics_pregao", sql: metricsPregao, table: true },
];
