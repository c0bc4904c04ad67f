/**
 * The (lower) median of money per trade of each ticker in the unit, exact: the ratio in the middle, by position. A volume
 * that could not be read (a person may accept that) has no place: one engine sorts it first, the other last.
 */
export default /* sql */ `
SELECT m_ticker, por_negocio AS mediana
FROM (
  SELECT m_ticker, por_negocio,
    ROW_NUMBER() OVER (PARTITION BY m_ticker ORDER BY por_negocio) AS lugar,
    COUNT(*) OVER (PARTITION BY m_ticker) AS quantos
  FROM (
    SELECT ticker AS m_ticker, CAST(CAST(CAST(volume_total AS DECIMAL(24,2)) * 100 AS BIGINT) AS DOUBLE) / total_negocios AS por_negocio
    FROM avista
    WHERE total_negocios > 0 AND volume_total IS NOT NULL
  ) razoes
) lugares
WHERE 2 * lugar = quantos OR 2 * lugar = quantos + 1
`;
