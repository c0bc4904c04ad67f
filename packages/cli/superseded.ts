import type { Dataset } from "../core/dataset.ts";
import { dayBefore, ingestDate } from "../core/run.ts";
import type { Look } from "./census.ts";
import type { Expected } from "./expected.ts";
import { askAll, commitNumber, inList, keyOf, newestCommit, pathOf, quote, rowsOf, rowTables } from "./lake.ts";
import type { Place } from "./place.ts";

/** An origin's place in the order of origins (RUNS.md, "Merging"). */
export type Order = { version: string; at: string; sha256: string; rows: number };

/** Of each session the greatest origin that is complete. */
export type Completes = ReadonlyMap<string, Order>;

const compare = (a: Order, b: Order): number => {
  const pairs: [string | number, string | number][] = [
    [a.version, b.version],
    [a.at, b.at],
    [a.sha256, b.sha256],
    [a.rows, b.rows],
  ];
  for (const [x, y] of pairs) if (x !== y) return x < y ? -1 : 1;
  return 0;
};

/** Ids and objects named in a statement at most: Athena takes 256 KiB. */
const IN_STATEMENT = 1000;

/** The first and the last of some sessions. */
export type Days = readonly [string, string];

const within = (column: string, [first, last]: Days): string =>
  `${column} BETWEEN DATE ${quote(first)} AND DATE ${quote(last)}`;

/**
 * The greatest complete origin of each of these sessions, counted anew from raw: as many distinct events as it has rows,
 * of objects that are settled, without those withdrawn.
 */
export const completesOf = async (
  place: Place,
  { dataset, open, withdrawn }: Pick<Look, "dataset" | "open" | "withdrawn">,
  days: Days,
): Promise<Completes> => {
  const raw = dataset.raw!;
  const completes = new Map<string, Order>();
  const [paths, ids] = [[...open.keys()].map((key) => pathOf(place, key)), [...withdrawn]];
  const conditions = [
    within(raw.session, days),
    "origin_rows IS NOT NULL",
    ...(paths.length > 0 && paths.length <= IN_STATEMENT ? [`"$path" NOT IN ${inList(paths)}`] : []),
    ...(ids.length > 0 && ids.length <= IN_STATEMENT ? [`event_id NOT IN ${inList(ids)}`] : []),
  ];
  for await (const [day, version, at, sha256, rows] of rowsOf(
    place,
    dataset,
    `SELECT ${raw.session}, source_version, scraped_at, origin_sha256, origin_rows FROM ${raw.table.name}
     WHERE ${conditions.join(" AND ")}
     GROUP BY ${raw.session}, source_version, scraped_at, origin_sha256, origin_rows
     HAVING count(DISTINCT event_id) >= origin_rows`,
  )) {
    const order = { version: version ?? "", at: at ?? "", sha256: sha256 ?? "", rows: Number(rows) };
    const known = completes.get(day ?? "");
    if (!known || compare(known, order) < 0) completes.set(day ?? "", order);
  }
  return completes;
};

/** Whether a session's complete origin is greater than this one. */
export const isBelow = ({ origin, sessions }: Expected, session: string, completes: Completes): boolean => {
  const complete = completes.get(session);
  const { version, scraped_at: at, sha256 } = origin;
  return !!complete && compare({ version, at, sha256, rows: sessions.get(session) ?? 0 }, complete) < 0;
};

/**
 * Of the events asked about those that are rightly in no table: a greater origin of their session is complete, or a
 * greater row of their key is published.
 */
export async function* justified(
  place: Place,
  { dataset, scope }: Look,
  completes: Completes,
  days: Days,
  isAbsent: (id: string) => boolean,
): AsyncGenerator<string> {
  const raw = dataset.raw!;
  const where = scope.where({ session: raw.session, raw: true });
  let left = 0;
  if (completes.size > 0)
    for await (const [id, day, version, at, sha256, rows] of rowsOf(
      place,
      dataset,
      `SELECT DISTINCT event_id, ${raw.session}, source_version, scraped_at, origin_sha256, origin_rows
       FROM ${raw.table.name} WHERE ${where}`,
    )) {
      if (!id || !isAbsent(id)) continue;
      const complete = completes.get(day ?? "");
      const order = { version: version ?? "", at: at ?? "", sha256: sha256 ?? "", rows: Number(rows) };
      // Who does not say of how many rows it is one is superseded by key alone.
      if (rows !== null && complete && compare(order, complete) < 0) yield id;
      else left++;
    }
  if (completes.size > 0 && left === 0) return;
  const { published } = rowTables(dataset);
  const { table } = raw;
  const same = table.key.map((name) =>
    table.columns[name]?.wire.safeParse(null).success
      ? `w.${name} IS NOT DISTINCT FROM l.${name}`
      : `w.${name} = l.${name}`,
  );
  const columns = [...table.key, "source_version", "scraped_at", "origin_sha256", "origin_rows", "event_id"];
  const order = ["source_version", "scraped_at", "origin_sha256", "coalesce(#origin_rows, 0)", "event_id"];
  for await (const [id] of rowsOf(
    place,
    dataset,
    `SELECT DISTINCT l.event_id
     FROM (SELECT DISTINCT ${columns.join(", ")} FROM ${table.name} WHERE ${where}) l
     JOIN (SELECT ${columns.join(", ")} FROM ${table.name} WHERE ${within(raw.session, days)}) w ON ${same.join(" AND ")}
     JOIN (${published.map((t) => `SELECT event_id FROM ${t.name}`).join(" UNION ALL ")}) p ON p.event_id = w.event_id
     WHERE ${greater("w", "l", order)}`,
  ))
    if (id && isAbsent(id)) yield id;
}

/** `a` comes after `b` in the order of these expressions, `#` standing for the alias. */
const greater = (a: string, b: string, expressions: readonly string[]): string => {
  const [first, ...rest] = expressions;
  const of = (alias: string) => (first!.includes("#") ? first!.replace("#", `${alias}.`) : `${alias}.${first}`);
  const more = `${of(a)} > ${of(b)}`;
  return rest.length === 0 ? more : `(${more} OR (${of(a)} = ${of(b)} AND ${greater(a, b, rest)}))`;
};

/** Of these events those all of whose raw objects were refused. */
export const refusedObjects = async (
  place: Place,
  { dataset }: Pick<Look, "dataset">,
  ids: readonly string[],
): Promise<string[]> => {
  const keys = new Map<string, Set<string>>();
  for (let at = 0; at < ids.length; at += IN_STATEMENT)
    for (const { event_id, path } of await askAll(
      place,
      dataset,
      `SELECT DISTINCT event_id, "$path" AS path FROM ${dataset.raw!.table.name} WHERE event_id IN ${inList(ids.slice(at, at + IN_STATEMENT))}`,
    )) {
      const of = keys.get(event_id ?? "") ?? new Set();
      keys.set(event_id ?? "", of.add(keyOf(place, path ?? "")));
    }
  const asked = new Set([...keys.values()].flatMap((of) => [...of]));
  const refused = await refusedOf(place, dataset, asked);
  return [...keys].filter(([, of]) => [...of].every((key) => refused.has(key))).map(([id]) => id);
};

/** Which of these raw objects a commit refused. */
const refusedOf = async (place: Place, dataset: Dataset, keys: ReadonlySet<string>): Promise<ReadonlySet<string>> => {
  const refused = new Set<string>();
  // None was refused before it came.
  const dates = [...keys].map((key) => ingestDate(key) ?? "").sort();
  const since = dates[0] ? dayBefore(dates[0]) : "";
  for (
    let commit = await newestCommit(place, dataset.name);
    commit && commit.at >= since && refused.size < keys.size;
  ) {
    for (const { key } of commit.rejected) if (keys.has(key)) refused.add(key);
    commit = commit.commit > 1 ? await commitNumber(place, dataset.name, commit.commit - 1) : null;
  }
  return refused;
};
