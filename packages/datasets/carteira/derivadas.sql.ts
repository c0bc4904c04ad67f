/**
 * Every arrived row in its final shape: a function of the row, nothing else. The class is the first word of what B3 calls
 * the type; marks of ex-rights and the listing segment follow it. A value that does not fit becomes NULL and the audit
 * `contrato` holds the run.
 */
export default /* sql */ `
SELECT
  data AS data_pregao,
  indice,
  codigo AS ticker,
  acao AS nome,
  SPLIT_PART(tipo, ' ', 1) AS classe,
  tipo AS especificacao,
  setor,
  qtde_teorica AS quantidade_teorica,
  TRY_CAST(part AS DECIMAL(6,3)) AS participacao,
  TRY_CAST(redutor AS DECIMAL(24,8)) AS redutor,
  qtde_total AS quantidade_total,
  TRY_CAST(part_total AS DECIMAL(6,3)) AS participacao_total,
  SUBSTR(CAST(data AS STRING), 1, 4) AS year,
  SUBSTR(CAST(data AS STRING), 6, 2) AS month,
  SUBSTR(CAST(data AS STRING), 9, 2) AS day,
  source_version,
  scraped_at,
  event_id,
  origin_sha256,
  origin_rows
FROM raw
`;
