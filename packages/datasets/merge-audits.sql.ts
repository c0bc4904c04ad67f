import { type Merge, touched } from "./merge.sql.ts";

// Laws of merging that are the same text for every dataset; see merge.sql.ts. A detail names the part of a session that
// it is about, where a file states no whole session.

const part = ({ whole }: Merge, name: (w: Merge["whole"][number]) => string): string =>
  whole
    .slice(1)
    .map((w) => `${name(w)} || ': ' || `)
    .join("");

/** An origin that replaces, or will replace, a complete one says that it has over 1 % fewer rows. */
export const encolheu = (merge: Merge): string => {
  const of = merge.whole.map((w) => w.of);
  return /* sql */ `
SELECT ${part(merge, (w) => `nova.${w.of}`)}'a origem diz ter ' || CAST(nova.o_declaradas AS STRING) || ' linhas, outra menor e completa tem ' || CAST(MAX(inteira.o_declaradas) AS STRING) AS detalhe,
  CAST(nova.${of[0]} AS STRING) AS sessao, nova.o_sha256 AS origem
FROM origens nova
JOIN origens inteira ON ${of.map((name) => `inteira.${name} = nova.${name}`).join(" AND ")} AND inteira.completa = 1 AND inteira.ordem < nova.ordem
WHERE nova.o_declaradas > 0 AND (nova.ordem_completa IS NULL OR nova.ordem >= nova.ordem_completa)
  AND CAST(nova.o_declaradas AS BIGINT) * 100 < CAST(inteira.o_declaradas AS BIGINT) * 99
GROUP BY ${of.map((name) => `nova.${name}`).join(", ")}, nova.o_sha256, nova.o_declaradas
`;
};

/** More distinct records of an origin came than it says to have. */
export const aMais = (merge: Merge): string => /* sql */ `
SELECT ${part(merge, (w) => w.of)}'esperadas ' || CAST(o_declaradas AS STRING) || ' linhas, vistas ' || CAST(vistas AS STRING) AS detalhe,
  CAST(${merge.whole[0].of} AS STRING) AS sessao, o_sha256 AS origem
FROM origens
WHERE o_declaradas > 0 AND vistas > o_declaradas
`;

/** Not every row of an origin came that none supersedes. */
export const incompleta = (merge: Merge, mista: string): string => /* sql */ `
SELECT ${part(merge, (w) => w.column)}'vistas ' || CAST(linhas_vistas AS STRING) || ' de ' || CAST(linhas_esperadas AS STRING) || ' linhas'
    || CASE WHEN mista THEN '; ${mista}' ELSE '' END AS detalhe,
  CAST(${merge.whole[0].column} AS STRING) AS sessao, origin_sha256 AS origem
FROM ${merge.dataset}_sessoes
${touched(merge)}
WHERE estado = 'parcial'
`;
