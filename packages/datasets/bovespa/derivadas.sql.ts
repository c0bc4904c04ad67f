/**
 * Every arrived row in its final shape: a function of the row and the calendar, nothing else. Prices are multiplied by
 * an exact factor, never divided. A value that does not fit becomes NULL and the audit `contrato` holds the run.
 * `a_vista` says which table a row belongs to; a cash row never has a term, or it is kept among the others.
 */
export default /* sql */ `
SELECT
  r.datpre AS data_pregao,
  r.codneg AS ticker,
  r.tpmerc AS tipo_mercado,
  r.prazot AS prazo_termo,
  r.nomres AS nome_resumido,
  r.especi AS especificacao,
  r.codisi AS isin,
  r.codbdi AS codbdi,
  r.modref AS moeda,
  CAST(TRY_CAST(r.preabe AS DECIMAL(13,2)) * r.fator AS DECIMAL(18,6)) AS preco_abertura,
  CAST(TRY_CAST(r.premax AS DECIMAL(13,2)) * r.fator AS DECIMAL(18,6)) AS preco_maximo,
  CAST(TRY_CAST(r.premin AS DECIMAL(13,2)) * r.fator AS DECIMAL(18,6)) AS preco_minimo,
  CAST(TRY_CAST(r.premed AS DECIMAL(13,2)) * r.fator AS DECIMAL(18,6)) AS preco_medio,
  CAST(TRY_CAST(r.preult AS DECIMAL(13,2)) * r.fator AS DECIMAL(18,6)) AS preco_ultimo,
  CAST(TRY_CAST(r.preofc AS DECIMAL(13,2)) * r.fator AS DECIMAL(18,6)) AS preco_oficial,
  CAST(TRY_CAST(r.preofv AS DECIMAL(13,2)) * r.fator AS DECIMAL(18,6)) AS preco_oferta_venda,
  r.totneg AS total_negocios,
  r.quatot AS quantidade_total,
  TRY_CAST(r.voltot AS DECIMAL(18,2)) AS volume_total,
  CASE WHEN r.a_vista = 0 THEN CAST(TRY_CAST(r.preexe AS DECIMAL(13,2)) * r.fator AS DECIMAL(18,6)) END AS preco_exercicio,
  CASE WHEN r.a_vista = 0 THEN TRY_CAST(r.ptoexe AS DECIMAL(13,6)) END AS preco_exercicio_pontos,
  CASE WHEN r.a_vista = 0 THEN r.indopc END AS indicador_correcao,
  CASE WHEN r.a_vista = 0 THEN r.datven END AS data_vencimento,
  r.fatcot AS fator_cotacao,
  r.dismes AS distribuicao,
  r.scraped_on AS data_processamento,
  chegada.dia - pregao.dia AS dias_corridos,
  chegada.indice_util - pregao.indice_util AS dias_uteis,
  SUBSTR(CAST(r.datpre AS STRING), 1, 4) AS year,
  SUBSTR(CAST(r.datpre AS STRING), 6, 2) AS month,
  SUBSTR(CAST(r.datpre AS STRING), 9, 2) AS day,
  pregao.dia_semana AS dia_semana,
  r.source_version AS source_version,
  r.scraped_at AS scraped_at,
  r.event_id AS event_id,
  r.origin_sha256 AS origin_sha256,
  r.origin_rows AS origin_rows,
  r.a_vista AS a_vista
FROM (
  SELECT raw.*,
    CASE fatcot
      WHEN 1 THEN CAST(1 AS DECIMAL(5,4))
      WHEN 10 THEN CAST(0.1 AS DECIMAL(5,4))
      WHEN 100 THEN CAST(0.01 AS DECIMAL(5,4))
      WHEN 1000 THEN CAST(0.001 AS DECIMAL(5,4))
      WHEN 10000 THEN CAST(0.0001 AS DECIMAL(5,4))
    END AS fator,
    CASE WHEN tpmerc = '010' AND prazot IS NULL THEN 1 ELSE 0 END AS a_vista
  FROM raw
) r
LEFT JOIN calendario pregao ON pregao.data = r.datpre
LEFT JOIN calendario chegada ON chegada.data = r.scraped_on
`;
