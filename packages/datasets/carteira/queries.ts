import type { Dataset } from "../../core/dataset.ts";
import { cotados, inteiras } from "./inteiras.sql.ts";

/** Files that have not come whole, though no other complete one stands in their place; see Dataset. */
export const partial = `SELECT data_pregao AS session, origin_sha256 AS origin, indice AS part, scraped_at AS since, linhas_esperadas AS expected, linhas_vistas AS seen
FROM carteira_sessoes
WHERE estado = 'parcial'
ORDER BY scraped_at, data_pregao, indice
LIMIT 1000`;

/** Saved queries, in Trino's dialect: they run on Athena as they stand. */
export const queries: Dataset["queries"] = {
  carteira: {
    means: "A carteira inteira mais nova do Ibovespa, dos maiores pesos",
    sql: `SELECT data_pregao, ticker, nome, classe, quantidade_teorica, participacao
FROM carteira_refined
WHERE indice = 'IBOV' AND data_pregao = (SELECT max(data_pregao) FROM ${inteiras} inteiras WHERE indice = 'IBOV')
ORDER BY participacao DESC, ticker
LIMIT 100`,
  },
  entradas_e_saidas: {
    means: "Papéis que entraram num índice ou saíram dele, dos mais novos",
    sql: `SELECT data_pregao, indice, movimento, ticker, participacao_anterior, participacao
FROM carteira_movimentos
WHERE movimento IN ('entrada', 'saida')
ORDER BY data_pregao DESC, indice, movimento, ticker
LIMIT 100`,
  },
  contribuicao: {
    means:
      "Quanto cada papel do Ibovespa pesou no pregão mais novo com carteira e cotações inteiras: variação do preço vezes participação, em pontos percentuais",
    sql: `SELECT c.data_pregao, c.ticker, c.participacao, v.variacao,
  round(CAST(c.participacao AS double) * v.variacao, 4) AS contribuicao
FROM carteira_refined c
JOIN bovespa_variacao v ON v.ticker = c.ticker AND v.data_pregao = c.data_pregao
WHERE c.indice = 'IBOV' AND NOT v.ex_direitos
  AND c.data_pregao = (
    SELECT max(i.data_pregao) FROM ${inteiras} i JOIN ${cotados} p ON p.data_pregao = i.data_pregao WHERE i.indice = 'IBOV'
  )
ORDER BY contribuicao DESC, c.ticker
LIMIT 100`,
  },
  carteiras: {
    means: "Cada carteira: papéis, o peso dos cinco maiores e o redutor",
    sql: `SELECT data_pregao, indice, count(*) AS papeis, sum(CASE WHEN ordem <= 5 THEN participacao END) AS cinco_maiores,
  max(redutor) AS redutor
FROM (
  SELECT data_pregao, indice, participacao, redutor,
    row_number() OVER (PARTITION BY data_pregao, indice ORDER BY participacao DESC, ticker) AS ordem
  FROM carteira_refined
) papeis
GROUP BY data_pregao, indice
ORDER BY data_pregao DESC, indice
LIMIT 100`,
  },
};
