import type { Merge } from "../merge.sql.ts";
import { linha } from "./columns.sql.ts";

/** COTAHIST states a session as a whole; a paper has a row in it for each market and term. */
export const merge: Merge = {
  dataset: "bovespa",
  whole: [{ raw: "datpre", column: "data_pregao", touched: "tocada", of: "o_sessao" }],
  key: ["data_pregao", "ticker", "tipo_mercado", "prazo_termo"],
  linha,
  besides: "a_vista, ",
};
