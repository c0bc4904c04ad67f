import { linha } from "./columns.sql.ts";

/**
 * What is known of the touched sessions: what arrived now (`fonte` 0) and what is kept (`fonte` 1), a row possibly more
 * than once. `declaradas` is origin_rows, 0 for a row that does not say of how many it is one.
 */
export default /* sql */ `
SELECT ${linha}, a_vista, 0 AS fonte, COALESCE(origin_rows, 0) AS declaradas
FROM derivadas
UNION ALL
SELECT data_pregao, ticker, '010' AS tipo_mercado, CAST(NULL AS STRING) AS prazo_termo,
  nome_resumido, especificacao, isin, codbdi, moeda,
  preco_abertura, preco_maximo, preco_minimo, preco_medio, preco_ultimo, preco_oficial, preco_oferta_venda,
  total_negocios, quantidade_total, volume_total,
  CAST(NULL AS DECIMAL(18,6)) AS preco_exercicio, CAST(NULL AS DECIMAL(13,6)) AS preco_exercicio_pontos,
  CAST(NULL AS STRING) AS indicador_correcao, CAST(NULL AS DATE) AS data_vencimento,
  fator_cotacao, distribuicao, data_processamento, dias_corridos, dias_uteis, year, month, day, dia_semana,
  source_version, scraped_at, event_id, origin_sha256, origin_rows,
  1 AS a_vista, 1 AS fonte, COALESCE(origin_rows, 0) AS declaradas
FROM atual_bovespa_refined JOIN tocadas ON tocada = data_pregao
UNION ALL
SELECT ${linha}, 0 AS a_vista, 1 AS fonte, COALESCE(origin_rows, 0) AS declaradas
FROM atual_bovespa_derivativos JOIN tocadas ON tocada = data_pregao
UNION ALL
SELECT ${linha}, CASE WHEN tipo_mercado = '010' AND prazo_termo IS NULL THEN 1 ELSE 0 END AS a_vista, 1 AS fonte,
  COALESCE(origin_rows, 0) AS declaradas
FROM atual_bovespa_espera JOIN tocadas ON tocada = data_pregao
`;
