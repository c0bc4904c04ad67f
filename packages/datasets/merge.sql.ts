/**
 * The part of merging (rows of files that each state a session as a whole; docs/architecture.md) that is the same text
 * for every dataset. A dataset gives its steps `derivadas` and `linhas` in the shape said below, and its own tables.
 */
export type Merge = {
  dataset: string;
  /**
   * What a file states as a whole: a session, or a part of one. The date first. `raw` names it in the raw table, `column`
   * in the refined ones, `touched` in the step `tocadas`, `of` in the step `origens`.
   */
  whole: readonly [Whole, ...Whole[]];
  /** Of a row: the refined tables' columns that it is known by. */
  key: readonly string[];
  /** The columns of a row on its way, in the one order in which rows of several tables are put together. */
  linha: string;
  /** Columns that the steps carry besides, each with its comma and blank after it. */
  besides: string;
};
export type Whole = { raw: string; column: string; touched: string; of: string };

/** A table's rows of the touched sessions; {@link untouched}: of all others. */
export const touched = ({ whole }: Pick<Merge, "whole">): string => `JOIN tocadas ON ${same(whole)}`;
export const untouched = ({ whole }: Pick<Merge, "whole">): string =>
  `LEFT JOIN tocadas ON ${same(whole)} WHERE ${whole[0].touched} IS NULL`;

const same = (whole: Merge["whole"]): string => whole.map((w) => `${w.touched} = ${w.column}`).join(" AND ");
const list = (names: readonly string[]): string => names.join(", ");

/** tocadas: the sessions that this run has something new about. Merging never looks beyond one, so the others pass as they are. */
export const tocadas = ({ whole }: Merge): string => /* sql */ `
SELECT DISTINCT ${list(whole.map((w) => `${w.raw} AS ${w.touched}`))} FROM raw
`;

/**
 * origens: the origins of each touched session in their order, from 1, and the greatest complete one: it has as many
 * distinct events as it says it has rows, now or when a run before this one looked; so it never goes back. A row without
 * origin_rows has its place in the order (`o_declaradas` 0) and completes nothing. More events than stated are complete,
 * too: were they not, it would depend on what arrived first.
 *
 * `linhas` has what is known of the touched sessions: what arrived now (`fonte` 0) and what is kept (`fonte` 1), a row
 * possibly more than once. `declaradas` is origin_rows, 0 for a row that does not say of how many it is one.
 */
export const origens = (merge: Merge): string => {
  const of = list(merge.whole.map((w) => w.of));
  const columns = list(merge.whole.map((w) => w.column));
  return /* sql */ `
SELECT ${of}, o_versao, o_instante, o_sha256, o_declaradas, vistas, conhecidas, completa, ordem,
  MAX(CASE WHEN completa = 1 THEN ordem END) OVER (PARTITION BY ${of}) AS ordem_completa
FROM (
  SELECT ${of}, o_versao, o_instante, o_sha256, o_declaradas, vistas, conhecidas,
    CASE WHEN o_declaradas > 0 AND (vistas >= o_declaradas OR era_completa = 1) THEN 1 ELSE 0 END AS completa,
    ROW_NUMBER() OVER (PARTITION BY ${of} ORDER BY o_versao NULLS FIRST, o_instante NULLS FIRST, o_sha256 NULLS FIRST, o_declaradas NULLS FIRST) AS ordem
  FROM (
    SELECT ${of}, o_versao, o_instante, o_sha256, o_declaradas,
      SUM(vistas) AS vistas, SUM(conhecidas) AS conhecidas, MAX(era_completa) AS era_completa
    FROM (
      SELECT ${list(merge.whole.map((w) => `${w.column} AS ${w.of}`))}, source_version AS o_versao, scraped_at AS o_instante, origin_sha256 AS o_sha256,
        declaradas AS o_declaradas, COUNT(DISTINCT event_id) AS vistas, SUM(fonte) AS conhecidas, 0 AS era_completa
      FROM linhas
      GROUP BY ${columns}, source_version, scraped_at, origin_sha256, declaradas
      UNION ALL
      SELECT ${columns}, source_version, scraped_at, origin_sha256, linhas_esperadas, 0, 0,
        CASE WHEN estado = 'completa' THEN 1 ELSE 0 END
      FROM atual_${merge.dataset}_sessoes ${touched(merge)}
    ) chegaram_ou_constam
    GROUP BY ${of}, o_versao, o_instante, o_sha256, o_declaradas
  ) juntas
) ordenadas
`;
};

/**
 * disputa: the rows that count (without origin_rows, or of an origin at or above its session's complete one), from the
 * best of each key (`posicao` 1: it is published) down. `copia`: the row before it is the same row. `avulsas`: which one
 * it is among the rows of its key without origin_rows. `conhecida`, of the best only: it was kept before this run.
 *
 * Copies of one row tie. The first three windows are spelled alike, so that an engine sorts once and they agree on
 * which copy is which: spelled in two ways, a row could be published and wait as well.
 */
export const disputa = ({ whole, key, linha, besides }: Merge): string => /* sql */ `
SELECT ${linha}, ${besides}fonte, declaradas, ordem, ordem_completa,
  ROW_NUMBER() OVER (PARTITION BY ${list(key)} ORDER BY ordem DESC, event_id DESC, fonte) AS posicao,
  CASE
    WHEN LAG(ordem) OVER (PARTITION BY ${list(key)} ORDER BY ordem DESC, event_id DESC, fonte) = ordem
      AND LAG(event_id) OVER (PARTITION BY ${list(key)} ORDER BY ordem DESC, event_id DESC, fonte) = event_id
    THEN 1 ELSE 0
  END AS copia,
  SUM(CASE WHEN declaradas = 0 THEN 1 ELSE 0 END) OVER (
    PARTITION BY ${list(key)} ORDER BY ordem DESC, event_id DESC, fonte
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS avulsas,
  MAX(fonte) OVER (
    PARTITION BY ${list(key)} ORDER BY ordem DESC, event_id DESC
    RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS conhecida
FROM linhas
JOIN origens ON ${whole.map((w) => `${w.of} = ${w.column}`).join(" AND ")} AND o_versao = source_version AND o_instante = scraped_at
  AND o_sha256 = origin_sha256 AND o_declaradas = declaradas
WHERE declaradas = 0 OR ordem_completa IS NULL OR ordem >= ordem_completa
`;

/** accounts: what became of the rows that were read. What is neither new nor superseded had arrived before, or twice. */
export const accounts = /* sql */ `
SELECT lidas AS rows_read, novas AS rows_new, ineditas - novas AS rows_superseded, lidas - ineditas AS rows_duplicate
FROM (SELECT COUNT(*) AS lidas FROM raw) r
CROSS JOIN (SELECT COALESCE(SUM(vistas - conhecidas), 0) AS ineditas FROM origens) o
CROSS JOIN (SELECT COUNT(*) AS novas FROM disputa WHERE posicao = 1 AND conhecida = 0) d
`;

/**
 * The table of what lost its key and is still needed. A row of an origin above the complete one counts as arrived until
 * that origin or a greater one is complete; the best row of a key without origin_rows comes back when the row that beat
 * it is superseded. No other loser can come back: what beat it is of a greater origin and outlives it.
 */
export const espera = (merge: Merge): string => /* sql */ `
SELECT ${merge.linha} FROM disputa
WHERE posicao > 1 AND copia = 0
  AND ((declaradas > 0 AND (ordem_completa IS NULL OR ordem > ordem_completa)) OR (declaradas = 0 AND avulsas = 1))
UNION ALL
SELECT ${merge.linha} FROM atual_${merge.dataset}_espera ${untouched(merge)}
`;

/**
 * The table of origins. What is below the complete origin is not counted any more, so that a row here depends on what
 * arrived and not on when. A complete origin has all its rows, whatever became of them since.
 */
export const sessoes = (merge: Merge): string => /* sql */ `
SELECT ${list(merge.whole.map((w) => `${w.of} AS ${w.column}`))}, o_versao AS source_version, o_instante AS scraped_at, o_sha256 AS origin_sha256,
  o_declaradas AS linhas_esperadas,
  CAST(CASE WHEN ordem_completa IS NULL OR ordem > ordem_completa THEN vistas WHEN ordem = ordem_completa THEN o_declaradas END AS INT) AS linhas_vistas,
  CASE WHEN ordem_completa IS NULL OR ordem > ordem_completa THEN 'parcial' WHEN ordem = ordem_completa THEN 'completa' ELSE 'superada' END AS estado,
  MAX(CASE WHEN ordem > ordem_completa THEN 1 ELSE 0 END) OVER (PARTITION BY ${list(merge.whole.map((w) => w.of))}) = 1 AS mista,
  SUBSTR(CAST(${merge.whole[0].of} AS STRING), 1, 4) AS year
FROM origens
WHERE o_declaradas > 0
UNION ALL
SELECT ${list(merge.whole.map((w) => w.column))}, source_version, scraped_at, origin_sha256, linhas_esperadas, linhas_vistas, estado, mista, year
FROM atual_${merge.dataset}_sessoes ${untouched(merge)}
`;
