/** The sessions that this run has something new about. Merging never looks beyond one, so the others pass as they are. */
export default /* sql */ `
SELECT DISTINCT datpre AS tocada FROM raw
`;
