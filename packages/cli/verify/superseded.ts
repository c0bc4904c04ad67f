import { commitNumber, newestCommit } from "../../aws/documents.ts";
import type { Dataset } from "../../core/dataset.ts";
import { dayBefore, ingestDate } from "../../core/run.ts";
import { inList, keyOf, pathOf, quote, rowTables } from "../lake.ts";
import type { Place } from "../place.ts";
import type { Look } from "./census.ts";
import type { Expected } from "./expected.ts";

/** An origin's place in the order of origins (RUNS.md, "Merging"). */
export type Order = { version: string; at: string; sha256: string; rows: number };

/** Of each {@link wholeOf} the greatest origin that is complete. */
export type Completes = ReadonlyMap<string, Order>;

/** What a file states as a whole: a session, or the part of it that these columns name (Dataset, `raw.whole`). */
export const wholeOf = (session: string, parts: readonly (string | null | undefined)[]): string =>
  JSON.stringify([session, ...parts]);

/** Negative: `a` is the lesser one. */
export const compare = (a: Order, b: Order): number => {
  const pairs: [string | number, string | number][] = [
    [a.version, b.version],
    [a.at, b.at],
    [a.sha256, b.sha256],
    [a.rows, b.rows],
  ];
  for (const [x, y] of pairs) if (x !== y) return x < y ? -1 : 1;
  return 0;
};

/** Rows of one key: the greatest stands. */
export const compareRows = (a: Order & { event: string }, b: Order & { event: string }): number =>
  compare(a, b) || (a.event === b.event ? 0 : a.event < b.event ? -1 : 1);

/** Ids and objects named in a statement at most: Athena takes 256 KiB. */
const IN_STATEMENT = 1000;

/** The first and the last of some sessions. */
export type Days = readonly [string, string];

const within = (column: string, [first, last]: Days): string =>
  `${column} BETWEEN DATE ${quote(first)} AND DATE ${quote(last)}`;

/**
 * The greatest complete origin of each whole of these sessions, counted anew from raw: as many distinct events as it has rows,
 * of objects that are settled, without those withdrawn. `named`: ids, and objects, that a statement can name.
 */
export const completesOf = async (
  place: Place,
  look: Pick<Look, "dataset" | "open" | "withdrawn" | "raw">,
  days: Days,
  named = IN_STATEMENT,
): Promise<Completes> => {
  const completes = new Map<string, Order>();
  const few = look.open.size <= named && look.withdrawn.size <= named;
  for await (const { whole, ...order } of few ? counted(place, look, days) : streamed(place, look, days)) {
    const known = completes.get(whole);
    if (!known || compare(known, order) < 0) completes.set(whole, order);
  }
  return completes;
};

type Complete = Order & { whole: string };
type Whole = Pick<Look, "dataset" | "open" | "withdrawn" | "raw">;

/** What an origin of a session is told by. */
const groupOf = ({ dataset }: Pick<Look, "dataset">): string =>
  [...wholeColumns(dataset), "source_version", "scraped_at", "origin_sha256", "origin_rows"].join(", ");
const wholeColumns = ({ raw }: Dataset): string[] => [raw!.session, ...(raw!.whole ?? [])];

/** The values of {@link groupOf}. */
const completeOf = (values: (string | null)[]): Complete => {
  const [version, at, sha256, rows] = values.slice(-4);
  const [session, ...parts] = values.slice(0, -4);
  return {
    whole: wholeOf(session ?? "", parts),
    version: version ?? "",
    at: at ?? "",
    sha256: sha256 ?? "",
    rows: Number(rows),
  };
};

/** The complete origins, when what does not count can be named in the statement. */
async function* counted(place: Place, look: Whole, days: Days): AsyncGenerator<Complete> {
  const raw = look.dataset.raw!;
  const paths = [...look.open.keys()].map((key) => pathOf(place, key));
  const conditions = [
    within(raw.session, days),
    "origin_rows IS NOT NULL",
    ...(paths.length > 0 ? [`"$path" NOT IN ${inList(paths)}`] : []),
    ...(look.withdrawn.size > 0 ? [`event_id NOT IN ${inList(look.withdrawn)}`] : []),
  ];
  for await (const row of look.raw.rows(
    (readable) =>
      `SELECT ${groupOf(look)} FROM ${raw.table.name}
       WHERE ${[readable, ...conditions].join(" AND ")}
       GROUP BY ${groupOf(look)} HAVING count(DISTINCT event_id) >= origin_rows`,
  ))
    yield completeOf(row);
}

/** The same for any number: rows come sorted by origin and event, and are counted here, in no memory. */
async function* streamed(place: Place, look: Whole, days: Days): AsyncGenerator<Complete> {
  const raw = look.dataset.raw!;
  let group = "";
  let origin: Complete | null = null;
  let events = 0;
  let last: string | null = null;
  for await (const [event = null, path, ...of] of look.raw.rows(
    (readable) =>
      `SELECT DISTINCT event_id, "$path" AS object, ${groupOf(look)} FROM ${raw.table.name}
       WHERE ${readable} AND ${within(raw.session, days)} AND origin_rows IS NOT NULL
       ORDER BY ${groupOf(look)}, event_id`,
  )) {
    const name = of.join("\n");
    if (name !== group || !origin) {
      if (origin && events >= origin.rows) yield origin;
      [group, origin, events, last] = [name, completeOf(of), 0, null];
    }
    if (event === null || event === last || look.withdrawn.has(event) || look.open.has(keyOf(place, path ?? "")))
      continue;
    last = event;
    events++;
  }
  if (origin && events >= origin.rows) yield origin;
}

/** Whether the complete origin of a row's whole is greater than its own. */
export const isBelow = (
  { origin, sessions }: Expected,
  [session, ...parts]: readonly [string, ...(string | null)[]],
  completes: Completes,
): boolean => {
  const complete = completes.get(wholeOf(session, parts));
  const { version, scraped_at: at, sha256 } = origin;
  return !!complete && compare({ version, at, sha256, rows: sessions.get(session) ?? 0 }, complete) < 0;
};

/**
 * Of the events asked about those that are rightly in no table: a greater origin of their session is complete, or a
 * greater row of their key is published.
 */
export async function* justified(
  { dataset, scope, raw: reader }: Look,
  completes: Completes,
  days: Days,
  isAbsent: (id: string) => boolean,
): AsyncGenerator<string> {
  const raw = dataset.raw!;
  const where = scope.where({ session: raw.session, raw: true });
  let left = 0;
  if (completes.size > 0)
    for await (const [id, ...of] of reader.rows(
      (readable) =>
        `SELECT DISTINCT event_id, ${groupOf({ dataset })} FROM ${raw.table.name} WHERE ${readable} AND ${where}`,
    )) {
      if (!id || !isAbsent(id)) continue;
      const { whole, ...order } = completeOf(of);
      const complete = completes.get(whole);
      // Who does not say of how many rows it is one is superseded by key alone.
      if (of.at(-1) !== null && complete && compare(order, complete) < 0) yield id;
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
  for await (const [id] of reader.rows(
    (readable) => `SELECT DISTINCT l.event_id
     FROM (SELECT DISTINCT ${columns.join(", ")} FROM ${table.name} WHERE ${readable} AND ${where}) l
     JOIN (SELECT ${columns.join(", ")} FROM ${table.name} WHERE ${readable} AND ${within(raw.session, days)}) w ON ${same.join(" AND ")}
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
  { dataset, raw }: Pick<Look, "dataset" | "raw">,
  ids: readonly string[],
): Promise<string[]> => {
  const keys = new Map<string, Set<string>>();
  for (let at = 0; at < ids.length; at += IN_STATEMENT)
    for await (const [id, path] of raw.rows(
      (readable) =>
        `SELECT DISTINCT event_id, "$path" FROM ${dataset.raw!.table.name} WHERE ${readable} AND event_id IN ${inList(ids.slice(at, at + IN_STATEMENT))}`,
    )) {
      const of = keys.get(id ?? "") ?? new Set();
      keys.set(id ?? "", of.add(keyOf(place, path ?? "")));
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
    let commit = await newestCommit(place.aws, dataset.name);
    commit && commit.at >= since && refused.size < keys.size;
  ) {
    for (const { key } of commit.rejected) if (keys.has(key)) refused.add(key);
    commit = commit.commit > 1 ? await commitNumber(place.aws, dataset.name, commit.commit - 1) : null;
  }
  return refused;
};
