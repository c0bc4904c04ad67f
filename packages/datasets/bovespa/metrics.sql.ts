/** bovespa_metrics: the mean is a double made from an exact sum of centavos; everything else is exact.
 * It is NULL where that sum has more than 18 digits, which no market has. */
export default /* sql */ `
SELECT ticker, year, month,
  CAST(COUNT(*) AS INT) AS pregoes,
  MIN(data_pregao) AS primeiro_pregao,
  MAX(data_pregao) AS ultimo_pregao,
  CAST(TRY_CAST(CAST(SUM(volume_total) AS DECIMAL(28,2)) * 100 AS BIGINT) AS DOUBLE) / (100 * COUNT(*)) AS volume_medio_diario,
  CAST(SUM(volume_total) AS DECIMAL(28,2)) AS volume_total,
  CAST(SUM(CAST(quantidade_total AS DECIMAL(18,0))) AS DECIMAL(28,0)) AS quantidade_total,
  CAST(SUM(total_negocios) AS BIGINT) AS total_negocios,
  MAX(volume_total) AS volume_maximo,
  MIN(volume_total) AS volume_minimo,
  MAX(CASE WHEN data_pregao = primeiro THEN preco_abertura END) AS preco_abertura,
  MAX(preco_maximo) AS preco_maximo,
  MIN(preco_minimo) AS preco_minimo,
  MAX(CASE WHEN data_pregao = ultimo THEN preco_ultimo END) AS preco_ultimo,
  CAST(SUM(CASE WHEN alta_volatilidade THEN 1 ELSE 0 END) AS INT) AS dias_alta_volatilidade,
  CAST(SUM(CASE WHEN negocios_suspeitos THEN 1 ELSE 0 END) AS INT) AS dias_negocios_suspeitos
FROM (
  SELECT ticker, year, month, data_pregao, volume_total, quantidade_total, total_negocios,
    preco_abertura, preco_maximo, preco_minimo, preco_ultimo, alta_volatilidade, negocios_suspeitos,
    MIN(data_pregao) OVER (PARTITION BY ticker, year, month) AS primeiro,
    MAX(data_pregao) OVER (PARTITION BY ticker, year, month) AS ultimo
  FROM bovespa_refined
) dias
GROUP BY ticker, year, month
`;
