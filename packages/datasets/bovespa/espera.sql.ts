import { linha } from "./columns.sql.ts";

/**
 * bovespa_espera: what lost its key and is still needed. A row of an origin above the complete one counts as arrived
 * until that origin or a greater one is complete; the best row of a key without origin_rows comes back when the row
 * that beat it is superseded. No other loser can come back: what beat it is of a greater origin and outlives it.
 */
export default /* sql */ `
SELECT ${linha} FROM disputa
WHERE posicao > 1 AND copia = 0
  AND ((declaradas > 0 AND (ordem_completa IS NULL OR ordem > ordem_completa)) OR (declaradas = 0 AND avulsas = 1))
UNION ALL
SELECT ${linha} FROM atual_bovespa_espera LEFT JOIN tocadas ON tocada = data_pregao WHERE tocada IS NULL
`;
