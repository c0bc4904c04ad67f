import { linha } from "./columns.sql.ts";

/** bovespa_derivativos: every market but the cash one, merged in the same way. */
export default /* sql */ `
SELECT ${linha} FROM disputa WHERE posicao = 1 AND a_vista = 0
UNION ALL
SELECT ${linha} FROM atual_bovespa_derivativos LEFT JOIN tocadas ON tocada = data_pregao WHERE tocada IS NULL
`;
