import type { Merge } from "../merge.sql.ts";

/** The columns of one row on its way through the steps, in this order wherever rows of several tables are put together. */
export const linha = `data_pregao, indice, ticker, nome, classe, especificacao, setor,
  quantidade_teorica, participacao, redutor, quantidade_total, participacao_total, year, month, day,
  source_version, scraped_at, event_id, origin_sha256, origin_rows`;

/** A file states the portfolio of one index on one day as a whole: files of other indexes of that day are nothing to it. */
export const merge: Merge = {
  dataset: "carteira",
  whole: [
    { raw: "data", column: "data_pregao", touched: "tocada", of: "o_sessao" },
    { raw: "indice", column: "indice", touched: "tocado_indice", of: "o_indice" },
  ],
  key: ["data_pregao", "indice", "ticker"],
  linha,
  besides: "",
};
