/**
 * bovespa_metrics_pregao. A money volume is divergent when it differs from average price × quantity by more than the
 * average's own rounding, a cent per FATCOT shares, and a cent.
 */
export default /* sql */ `
SELECT p.data_pregao, p.year, p.month,
  CAST(COALESCE(v.tickers, 0) AS INT) AS tickers_vista,
  COALESCE(v.negocios, CAST(0 AS BIGINT)) AS negocios_vista,
  COALESCE(v.quantidade, CAST(0 AS DECIMAL(28,0))) AS quantidade_vista,
  COALESCE(v.volume, CAST(0 AS DECIMAL(28,2))) AS volume_vista,
  CAST(COALESCE(d.linhas, 0) AS INT) AS linhas_derivativos,
  COALESCE(d.volume, CAST(0 AS DECIMAL(28,2))) AS volume_derivativos,
  CASE WHEN s.sessao IS NULL THEN 'avulsa' WHEN s.completas > 0 THEN 'completa' ELSE 'parcial' END AS estado,
  COALESCE(s.mistas, 0) > 0 AS mista,
  CAST(s.esperadas AS INT) AS linhas_esperadas,
  CAST(COALESCE(v.tickers, 0) + COALESCE(d.linhas, 0) AS INT) AS linhas_publicadas,
  CAST(COALESCE(v.avulsas, 0) + COALESCE(d.avulsas, 0) AS INT) AS linhas_avulsas,
  CAST(COALESCE(v.altas, 0) AS INT) AS papeis_alta_volatilidade,
  CAST(COALESCE(v.suspeitos, 0) AS INT) AS papeis_negocios_suspeitos,
  CAST(COALESCE(v.incoerentes, 0) AS INT) AS papeis_preco_incoerente,
  CAST(COALESCE(v.divergentes, 0) AS INT) AS papeis_volume_divergente,
  c.sessao AS dia_de_pregao
FROM (
  SELECT data_pregao, year, month FROM bovespa_refined
  UNION
  SELECT data_pregao, year, month FROM bovespa_derivativos
) p
LEFT JOIN (
  SELECT data_pregao AS sessao,
    COUNT(*) AS tickers,
    CAST(SUM(total_negocios) AS BIGINT) AS negocios,
    CAST(SUM(CAST(quantidade_total AS DECIMAL(18,0))) AS DECIMAL(28,0)) AS quantidade,
    CAST(SUM(volume_total) AS DECIMAL(28,2)) AS volume,
    SUM(CASE WHEN origin_rows IS NULL THEN 1 ELSE 0 END) AS avulsas,
    SUM(CASE WHEN alta_volatilidade THEN 1 ELSE 0 END) AS altas,
    SUM(CASE WHEN negocios_suspeitos THEN 1 ELSE 0 END) AS suspeitos,
    SUM(CASE WHEN preco_abertura < preco_minimo OR preco_abertura > preco_maximo OR preco_medio < preco_minimo
      OR preco_medio > preco_maximo OR preco_ultimo < preco_minimo OR preco_ultimo > preco_maximo THEN 1 ELSE 0 END) AS incoerentes,
    SUM(CASE WHEN ABS(volume_total - CAST(CAST(preco_medio AS DECIMAL(20,6)) * CAST(quantidade_total AS DECIMAL(18,0)) AS DECIMAL(36,6)))
      > CAST(0.01 AS DECIMAL(3,2)) + CAST(CASE fator_cotacao
          WHEN 1 THEN CAST(0.01 AS DECIMAL(20,6))
          WHEN 10 THEN CAST(0.001 AS DECIMAL(20,6))
          WHEN 100 THEN CAST(0.0001 AS DECIMAL(20,6))
          WHEN 1000 THEN CAST(0.00001 AS DECIMAL(20,6))
          ELSE CAST(0.000001 AS DECIMAL(20,6))
        END * CAST(quantidade_total AS DECIMAL(18,0)) AS DECIMAL(36,6)) THEN 1 ELSE 0 END) AS divergentes
  FROM bovespa_refined
  GROUP BY data_pregao
) v ON v.sessao = p.data_pregao
LEFT JOIN (
  SELECT data_pregao AS sessao,
    COUNT(*) AS linhas,
    CAST(SUM(volume_total) AS DECIMAL(28,2)) AS volume,
    SUM(CASE WHEN origin_rows IS NULL THEN 1 ELSE 0 END) AS avulsas
  FROM bovespa_derivativos
  GROUP BY data_pregao
) d ON d.sessao = p.data_pregao
LEFT JOIN (
  SELECT data_pregao AS sessao,
    SUM(CASE WHEN estado = 'completa' THEN 1 ELSE 0 END) AS completas,
    MAX(CASE WHEN estado = 'completa' THEN linhas_esperadas END) AS esperadas,
    SUM(CASE WHEN mista THEN 1 ELSE 0 END) AS mistas
  FROM bovespa_sessoes
  GROUP BY data_pregao
) s ON s.sessao = p.data_pregao
LEFT JOIN calendario c ON c.data = p.data_pregao
`;
