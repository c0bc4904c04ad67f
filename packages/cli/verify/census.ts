import type { Dataset } from "../../core/dataset.ts";
import { inList, keyOf, type Open, quote, rowsOf, rowTables } from "../lake.ts";
import type { Place } from "../place.ts";
import type { RawTable } from "../raw.ts";
import {
  ARRIVED,
  CERTAIN,
  counted,
  LETTER,
  NAMED,
  OPEN,
  PUBLISHED,
  RAW,
  REFUSED,
  REPLAYED,
  SETTLED,
  STALE,
  SUPERSEDED,
  TABLES,
  TWICE,
  WAITING,
  WITHDRAWN,
} from "./count.ts";
import type { Expected } from "./expected.ts";
import { type Ids, isId, newIds } from "./ids.ts";
import type { Refused, Replayed } from "./letters.ts";
import { type Completes, completesOf, type Days, isBelow, justified, refusedObjects } from "./superseded.ts";

export type Named = { count: number; ids: string[] };
export type Problems = {
  /** Not where it must be: not in raw, or in raw and without its place in a table or a reason for that. */
  missing: Named;
  /** In more than one row of the tables. */
  doubled: Named;
  /** In a table and not in raw, and neither in the origin's file nor made of a dead letter of it. */
  invented: Named;
  /** The same, in raw: a rebuild would make it again. */
  inventedInRaw: Named;
  /** Still in a table although it was withdrawn, or a greater origin of its session is complete. */
  stale: Named;
};

/** Where rows are; each is in one place. Those in flight may be in raw, in an object that is not settled. */
export type Places = {
  /** Rows that stand in a table, and in which. */
  published: number;
  waiting: number;
  superseded: number;
  rejected: number;
  withdrawn: number;
  inFlight: number;
  missing: number;
};

/** Where the rows of an origin are; how the numbers add up: account.ts, `identities`. */
export type Census = Places & {
  sent: number;
  /** Lines that say the same as another line of the file: one event. */
  repeated: number;
  /** Rejected once, then sent again with other content: counted on among those `made`. */
  replayed: number;
  /** What replays made of dead letters of it: rows, and records that were refused again. */
  made: Places & { count: number; replayed: number };
  /** Distinct events in raw. */
  raw: number;
  inRaw: Places & { invented: number };
  /** Rows by table. */
  tables: Record<string, number>;
  /** Of those in flight, the ones that wait for a person, or for another try, by what stops them. */
  stopped: { held: number; failed: number };
  problems: Problems;
  /** The raw objects of what is invented in raw, and how they stand; null: settled. At most 1,000. */
  objects: { key: string; is: Open | null }[];
  /** Of the missing those that raw has: a rebuild gives them their place, and nothing has to be sent for it. */
  unrefined: number;
  /** Of the missing those that a repair sends again. */
  repairable: number;
  /**
   * Ids of the rows that raw has not, and of the missing records that the judge refuses: what a repair sends again from
   * the archive. `made`: what it sends again from the documents of replays.
   */
  gone: { events: ReadonlySet<string>; records: ReadonlySet<string>; made: ReadonlySet<string> };
};

/** Of which rows: SQL for raw and for a table. */
export type Scope = { where: (columns: { session: string | null; raw: boolean }) => string };

export type Look = {
  dataset: Dataset;
  scope: Scope;
  /** Absent for rows of which no file is archived: raw is then what must be somewhere. */
  expected: Expected | null;
  refused: readonly Refused[];
  replayed: readonly Replayed[];
  withdrawn: ReadonlySet<string>;
  open: ReadonlyMap<string, Open>;
  raw: RawTable;
  /** Nothing is on its way: what is not found is missing. */
  quiet: boolean;
  session: string | undefined;
};

/** Finds every row of an origin. Memory: some 25 bytes a row. */
export const census = async (place: Place, look: Look): Promise<Census> => {
  const { dataset, scope, expected, withdrawn, open } = look;
  const raw = dataset.raw!;
  const events = expected?.events ?? newIds();
  const refused = expected?.refused ?? newIds();
  /** Events that are not of the file. */
  const extra = newIds();
  /** Ids that are none, with their bits. */
  const odd = new Map<string, number>();
  const openIn = { held: 0, failed: 0 };
  /** Sets bits of an event wherever it belongs. @returns the bits that it had. */
  const note = (id: string, bits: number): number => {
    const before = events.mark(id, bits);
    if (before !== null) return before;
    if (!isId(id)) {
      const had = odd.get(id) ?? 0;
      if (odd.size < NAMED || odd.has(id)) odd.set(id, had | bits);
      return had;
    }
    const had = extra.bits(id) ?? 0;
    extra.add(id, bits);
    return had;
  };

  /** Records that a replay sent and that were refused again. */
  const again = newIds();
  for (const { records, events: made, certain, refused: back } of look.replayed) {
    for (const { id } of records)
      if (expected || again.bits(id) !== null) refused.mark(id, REPLAYED);
      else refused.add(id, REPLAYED);
    // Which of several sessions it is of may not be known: then it is only what it is seen to be.
    const known = (session: string | null) => certain && (look.session === undefined || session !== null);
    for (const { id, session } of made)
      if (events.bits(id) === null) extra.add(id, REPLAYED | (known(session) ? CERTAIN : 0));
    for (const { id, session } of back) if (refused.mark(id, 0) === null) again.add(id, known(session) ? CERTAIN : 0);
    for (const { id } of records) again.mark(id, REPLAYED);
  }
  for (const letter of look.refused) {
    for (const { id } of letter.events) if (events.mark(id, LETTER) === null) extra.mark(id, LETTER);
    for (const { id } of letter.records)
      if (again.mark(id, LETTER) === null && refused.mark(id, LETTER) === null && !expected) refused.add(id, LETTER);
  }
  for (const id of withdrawn) if (events.mark(id, WITHDRAWN) === null) extra.mark(id, WITHDRAWN);

  // Upstream first: what moves meanwhile is then seen on its way or at its end.
  const opens = open.size > 0;
  const where = scope.where({ session: raw.session, raw: true });
  for await (const [id, path] of look.raw.rows(
    (readable) =>
      `SELECT DISTINCT event_id${opens ? ', "$path"' : ""} FROM ${raw.table.name} WHERE ${readable} AND ${where}`,
  )) {
    const why = path ? open.get(keyOf(place, path)) : undefined;
    if (!expected && id && isId(id) && extra.bits(id) === null) events.add(id, 0);
    const before = note(id ?? "", why ? ARRIVED[why] : SETTLED);
    if ((why === "held" || why === "failed") && !(before & RAW)) openIn[why]++;
  }
  const days = await daysOf(look);
  const completes: Completes = days ? await completesOf(place, look, days) : new Map();
  const tables: Record<string, number> = {};
  // Raw that is gone cannot say of which rows it was.
  const torn = !expected && look.raw.gone().length > 0;
  const { published, waiting } = rowTables(dataset);
  const dayColumn = dataset.sessions?.column ?? null;
  for (const table of [...published, ...waiting]) {
    const day = dayColumn && table.columns[dayColumn] ? dayColumn : null;
    const bit = published.includes(table) ? PUBLISHED : WAITING;
    let rows = 0;
    for await (const [id, of, ...parts] of rowsOf(
      place,
      dataset,
      `SELECT ${["event_id", ...(day ? [day, ...(raw.whole ?? [])] : [])].join(", ")} FROM ${table.name} WHERE ${scope.where({ session: day, raw: false })}`,
    )) {
      if (torn && id && isId(id) && extra.bits(id) === null) events.add(id, 0);
      const before = note(id ?? "", bit);
      if (before & TABLES) note(id ?? "", TWICE);
      if (before & WITHDRAWN || (bit === PUBLISHED && expected && of && isBelow(expected, [of, ...parts], completes)))
        note(id ?? "", STALE);
      rows++;
    }
    tables[table.name] = rows;
  }
  await explainAbsent(place, look, [events, extra], completes, days);
  const found = counted(look, { events, refused, again, extra, odd, tables, openIn });
  return { ...found, objects: await objectsOf(place, look, found.problems.inventedInRaw.ids) };
};

/** In which raw objects these events are. */
const objectsOf = async (place: Place, look: Look, ids: readonly string[]): Promise<Census["objects"]> => {
  if (ids.length === 0) return [];
  const { name } = look.dataset.raw!.table;
  const rows = await look.raw.all(
    (readable) =>
      `SELECT DISTINCT "$path" AS path FROM ${name} WHERE ${readable} AND event_id IN ${inList(ids)} LIMIT ${NAMED}`,
  );
  return rows
    .map(({ path }) => keyOf(place, path ?? ""))
    .sort()
    .map((key) => ({ key, is: look.open.get(key) ?? null }));
};

/** The first and the last session that these rows are of; null if there are none. */
const daysOf = async ({ dataset, expected, scope, session, raw }: Look): Promise<Days | null> => {
  if (session) return [session, session];
  const known = [...(expected?.sessions.keys() ?? [])].sort();
  if (known[0]) return [known[0], known.at(-1)!];
  const column = dataset.raw!.session;
  const where = scope.where({ session: null, raw: true });
  const [row] = await raw.all(
    (readable) =>
      `SELECT min(${column}) AS first, max(${column}) AS last FROM ${dataset.raw!.table.name} WHERE ${readable} AND ${where}`,
  );
  return row?.first && row.last ? [row.first, row.last] : null;
};

/** What is in raw and in no table: superseded, or in an object that was refused. */
const explainAbsent = async (
  place: Place,
  look: Look,
  all: readonly Ids[],
  completes: Completes,
  days: Days | null,
): Promise<void> => {
  const isAbsent = (id: string): boolean =>
    all.some((ids) => {
      const bits = ids.bits(id) ?? 0;
      return (bits & SETTLED) !== 0 && (bits & (TABLES | WITHDRAWN | SUPERSEDED | OPEN)) === 0;
    });
  const mark = (id: string, bits: number) => all.some((ids) => ids.mark(id, bits) !== null);
  const absent = (): string[] => {
    const found: string[] = [];
    for (const ids of all) ids.each((id) => isAbsent(id) && found.push(id));
    return found;
  };
  if (!days || absent().length === 0) return;
  for await (const id of justified(look, completes, days, isAbsent)) mark(id, SUPERSEDED);
  const rest = absent();
  if (rest.length === 0) return;
  for (const id of await refusedObjects(place, look, rest)) mark(id, REFUSED);
};

/** The rows of some origins, perhaps of one session only. */
export const rowsOfOrigins = (origins: readonly string[], session: string | undefined, since?: string): Scope => ({
  where: (of) =>
    [
      origins.length === 1 ? `origin_sha256 = ${quote(origins[0]!)}` : `origin_sha256 IN ${inList(origins)}`,
      ...(session && of.session ? [`${of.session} = DATE ${quote(session)}`] : []),
      ...(since && of.raw ? [`ingest_date >= DATE ${quote(since)}`] : []),
    ].join(" AND "),
});
