import { touched } from "../merge.sql.ts";
import { linha, merge } from "./merge.ts";

/** What is known of the touched portfolios, see `origens` in merge.sql.ts. */
export default /* sql */ `
SELECT ${linha}, 0 AS fonte, COALESCE(origin_rows, 0) AS declaradas
FROM derivadas
UNION ALL
SELECT ${linha}, 1 AS fonte, COALESCE(origin_rows, 0) AS declaradas
FROM atual_carteira_refined ${touched(merge)}
UNION ALL
SELECT ${linha}, 1 AS fonte, COALESCE(origin_rows, 0) AS declaradas
FROM atual_carteira_espera ${touched(merge)}
`;
