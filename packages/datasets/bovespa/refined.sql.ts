import { vista } from "./columns.sql.ts";

/**
 * bovespa_refined. Volatility is exact: (high - low) × 20 ≥ low is 5 %, × 100 ≤ low is 1 %. TOTNEG has five digits: money
 * per trade above 50 × the ticker's own median means that it wrapped, if 100,000 trades more would be credible, that is
 * leave at least a tenth of the median each (else it is an illiquid paper with one large trade). Flagged, never corrected.
 * Casts make room before a multiplication: DuckDB keeps a decimal times an integer within 18 digits, and fails.
 */
export default /* sql */ `
SELECT ${vista},
  CASE WHEN preco_minimo > 0 AND CAST(preco_maximo - preco_minimo AS DECIMAL(24,6)) * 20 >= preco_minimo THEN TRUE ELSE FALSE END AS alta_volatilidade,
  CASE WHEN preco_minimo > 0 AND CAST(preco_maximo - preco_minimo AS DECIMAL(24,6)) * 100 <= preco_minimo THEN TRUE ELSE FALSE END AS baixa_volatilidade,
  CASE
    WHEN total_negocios = 0 AND volume_total > 0 THEN TRUE
    WHEN total_negocios > 0 AND CAST(CAST(CAST(volume_total AS DECIMAL(24,2)) * 100 AS BIGINT) AS DOUBLE) / total_negocios > 50 * mediana
      AND CAST(CAST(CAST(volume_total AS DECIMAL(24,2)) * 100 AS BIGINT) AS DOUBLE) / (total_negocios + 100000) * 10 >= mediana THEN TRUE
    ELSE FALSE
  END AS negocios_suspeitos
FROM avista
LEFT JOIN medianas ON m_ticker = ticker
`;
