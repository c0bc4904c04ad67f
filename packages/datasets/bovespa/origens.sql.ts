/**
 * The origins of each touched session in their order, from 1, and the greatest complete one: it has as many distinct
 * events as it says it has rows, now or when a run before this one looked; so it never goes back. A row without
 * origin_rows has its place in the order (`o_declaradas` 0) and completes nothing. More events than stated are complete,
 * too: were they not, it would depend on what arrived first.
 */
export default /* sql */ `
SELECT o_sessao, o_versao, o_instante, o_sha256, o_declaradas, vistas, conhecidas, completa, ordem,
  MAX(CASE WHEN completa = 1 THEN ordem END) OVER (PARTITION BY o_sessao) AS ordem_completa
FROM (
  SELECT o_sessao, o_versao, o_instante, o_sha256, o_declaradas, vistas, conhecidas,
    CASE WHEN o_declaradas > 0 AND (vistas >= o_declaradas OR era_completa = 1) THEN 1 ELSE 0 END AS completa,
    ROW_NUMBER() OVER (PARTITION BY o_sessao ORDER BY o_versao NULLS FIRST, o_instante NULLS FIRST, o_sha256 NULLS FIRST, o_declaradas NULLS FIRST) AS ordem
  FROM (
    SELECT o_sessao, o_versao, o_instante, o_sha256, o_declaradas,
      SUM(vistas) AS vistas, SUM(conhecidas) AS conhecidas, MAX(era_completa) AS era_completa
    FROM (
      SELECT data_pregao AS o_sessao, source_version AS o_versao, scraped_at AS o_instante, origin_sha256 AS o_sha256,
        declaradas AS o_declaradas, COUNT(DISTINCT event_id) AS vistas, SUM(fonte) AS conhecidas, 0 AS era_completa
      FROM linhas
      GROUP BY data_pregao, source_version, scraped_at, origin_sha256, declaradas
      UNION ALL
      SELECT data_pregao, source_version, scraped_at, origin_sha256, linhas_esperadas, 0, 0,
        CASE WHEN estado = 'completa' THEN 1 ELSE 0 END
      FROM atual_bovespa_sessoes JOIN tocadas ON tocada = data_pregao
    ) chegaram_ou_constam
    GROUP BY o_sessao, o_versao, o_instante, o_sha256, o_declaradas
  ) juntas
) ordenadas
`;
