/** What became of the rows that were read. What is neither new nor superseded had arrived before, or twice. */
export default /* sql */ `
SELECT lidas AS rows_read, novas AS rows_new, ineditas - novas AS rows_superseded, lidas - ineditas AS rows_duplicate
FROM (SELECT COUNT(*) AS lidas FROM raw) r
CROSS JOIN (SELECT COALESCE(SUM(vistas - conhecidas), 0) AS ineditas FROM origens) o
CROSS JOIN (SELECT COUNT(*) AS novas FROM disputa WHERE posicao = 1 AND conhecida = 0) d
`;
