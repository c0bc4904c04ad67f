import type { Dataset } from "../../core/dataset.ts";

/** Files that have not come whole, though no other complete one stands in their place; see Dataset. */
export const partial = `SELECT data_pregao AS session, origin_sha256 AS origin, scraped_at AS since, linhas_esperadas AS expected, linhas_vistas AS seen
FROM bovespa_sessoes
WHERE estado = 'parcial'
ORDER BY scraped_at, data_pregao
LIMIT 1000`;

/** Saved queries, in Trino's dialect: they run on Athena as they stand. */
export const queries: Dataset["queries"] = {
  volume_medio: {
    means: "Volume médio diário por papel, os 20 maiores",
    sql: `SELECT ticker, avg(volume_total) AS volume_medio, count(*) AS pregoes
FROM bovespa_refined
GROUP BY ticker
ORDER BY volume_medio DESC, ticker
LIMIT 20`,
  },
  historico: {
    means: "Um papel, dia a dia, dos mais novos",
    sql: `SELECT data_pregao, preco_abertura, preco_maximo, preco_minimo, preco_ultimo, total_negocios, volume_total
FROM bovespa_refined
WHERE ticker = 'PETR4'
ORDER BY data_pregao DESC
LIMIT 30`,
  },
  maiores_altas: {
    means: "Maiores variações da abertura ao último preço no pregão mais novo, com mais de R$ 1 milhão negociado",
    sql: `SELECT ticker, preco_abertura, preco_ultimo,
  round(100 * (CAST(preco_ultimo AS double) / CAST(preco_abertura AS double) - 1), 2) AS variacao_pct, volume_total
FROM bovespa_refined
WHERE data_pregao = (SELECT max(data_pregao) FROM bovespa_refined) AND preco_abertura > 0 AND volume_total > 1000000
ORDER BY variacao_pct DESC, ticker
LIMIT 20`,
  },
  pregoes: {
    means: "Cada pregão: papéis, totais e quanto os dados merecem confiança",
    sql: `SELECT data_pregao, estado, tickers_vista, volume_vista, volume_derivativos, linhas_publicadas, papeis_negocios_suspeitos
FROM bovespa_metrics_pregao
ORDER BY data_pregao DESC
LIMIT 30`,
  },
  volatilidade: {
    means: "Papéis que mais vezes tiveram amplitude de 5% ou mais num dia, entre os negociados em ao menos 10 pregões",
    sql: `SELECT ticker, sum(dias_alta_volatilidade) AS dias_de_alta_volatilidade, sum(pregoes) AS pregoes
FROM bovespa_metrics
GROUP BY ticker
HAVING sum(pregoes) >= 10
ORDER BY dias_de_alta_volatilidade DESC, ticker
LIMIT 20`,
  },
  opcoes: {
    means: "Opções de compra (070) e de venda (080) mais negociadas no pregão mais novo",
    sql: `SELECT ticker, tipo_mercado, preco_exercicio, data_vencimento, preco_ultimo, total_negocios, volume_total
FROM bovespa_derivativos
WHERE tipo_mercado IN ('070', '080') AND data_pregao = (SELECT max(data_pregao) FROM bovespa_derivativos)
ORDER BY volume_total DESC, ticker
LIMIT 20`,
  },
  volume_por_mes: {
    means: "Volume financeiro à vista e nos outros mercados, mês a mês",
    sql: `SELECT year, month, count(*) AS pregoes, sum(volume_vista) AS volume_vista, sum(volume_derivativos) AS volume_derivativos
FROM bovespa_metrics_pregao
GROUP BY year, month
ORDER BY year, month`,
  },
};
