import { untouched } from "../merge.sql.ts";
import { linha, merge } from "./merge.ts";

/** carteira_refined: the winners of the touched portfolios, the other portfolios as they are. */
export default /* sql */ `
SELECT ${linha} FROM disputa WHERE posicao = 1
UNION ALL
SELECT ${linha} FROM atual_carteira_refined ${untouched(merge)}
`;
