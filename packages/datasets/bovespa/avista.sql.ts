import { vista } from "./columns.sql.ts";

/** The cash market of the unit after the merge: the winners of the touched sessions, the other sessions as they are. */
export default /* sql */ `
SELECT ${vista} FROM disputa WHERE posicao = 1 AND a_vista = 1
UNION ALL
SELECT ${vista} FROM atual_bovespa_refined LEFT JOIN tocadas ON tocada = data_pregao WHERE tocada IS NULL
`;
