/**
 * bovespa_sessoes. What is below the complete origin is not counted any more, so that a row here depends on what
 * arrived and not on when. A complete origin has all its rows, whatever became of them since.
 */
export default /* sql */ `
SELECT o_sessao AS data_pregao, o_versao AS source_version, o_instante AS scraped_at, o_sha256 AS origin_sha256,
  o_declaradas AS linhas_esperadas,
  CAST(CASE WHEN ordem_completa IS NULL OR ordem > ordem_completa THEN vistas WHEN ordem = ordem_completa THEN o_declaradas END AS INT) AS linhas_vistas,
  CASE WHEN ordem_completa IS NULL OR ordem > ordem_completa THEN 'parcial' WHEN ordem = ordem_completa THEN 'completa' ELSE 'superada' END AS estado,
  MAX(CASE WHEN ordem > ordem_completa THEN 1 ELSE 0 END) OVER (PARTITION BY o_sessao) = 1 AS mista,
  SUBSTR(CAST(o_sessao AS STRING), 1, 4) AS year
FROM origens
WHERE o_declaradas > 0
UNION ALL
SELECT data_pregao, source_version, scraped_at, origin_sha256, linhas_esperadas, linhas_vistas, estado, mista, year
FROM atual_bovespa_sessoes LEFT JOIN tocadas ON tocada = data_pregao WHERE tocada IS NULL
`;
