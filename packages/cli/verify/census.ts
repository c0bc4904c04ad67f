import type { Dataset } from "../../core/dataset.ts";
import { inList, keyOf, type Open, quote, rowsOf, rowTables } from "../lake.ts";
import type { Place } from "../place.ts";
import type { RawTable } from "../raw.ts";
import type { Expected } from "./expected.ts";
import { type Ids, isId, newIds } from "./ids.ts";
import type { Refused, Replayed } from "./letters.ts";
import { type Completes, completesOf, type Days, isBelow, justified, refusedObjects } from "./superseded.ts";

/** Where an event was seen. */
const SETTLED = 1;
const OPEN = 2;
const PUBLISHED = 4;
const WAITING = 8;
const TWICE = 16;
const LETTER = 32;
const WITHDRAWN = 64;
const SUPERSEDED = 128;
const REFUSED = 256;
const STALE = 512;
/** Of a record that was refused: it was sent again. Of an event: a replay made it of a dead letter. */
const REPLAYED = 1024;
/** Of an event made by a replay: the queue took it, so it must be somewhere. */
const CERTAIN = 2048;
/** In a raw object that waits for a person, or for another try. */
const STOPPED = 4096;
/** In a raw object that was refused as a whole. */
const TURNED_AWAY = 8192;
const RAW = SETTLED | OPEN | STOPPED | REFUSED | TURNED_AWAY;
const TABLES = PUBLISHED | WAITING;
const ARRIVED: Record<Open, number> = { pending: OPEN, held: STOPPED, failed: STOPPED, refused: TURNED_AWAY };

/** Ids that a document names; of more it has the number. */
export const NAMED = 1000;

export type Named = { count: number; ids: string[] };
export type Problems = {
  /** Not where it must be: not in raw, or in raw and without its place in a table or a reason for that. */
  missing: Named;
  /** In more than one row of the tables. */
  doubled: Named;
  /** In raw or a table, and not in the origin's file nor made of a dead letter of it. */
  invented: Named;
  /** Still in a table although it was withdrawn, or a greater origin of its session is complete. */
  stale: Named;
};

/** Where the rows of an origin are. `sent` is the sum of the others from `repeated` on. */
export type Census = {
  sent: number;
  /** Lines that say the same as another line of the file: one event. */
  repeated: number;
  /** Rows that stand in a table, and in which. */
  published: number;
  waiting: number;
  superseded: number;
  rejected: number;
  /** Rejected once, then sent again with other content. */
  replayed: number;
  withdrawn: number;
  inFlight: number;
  missing: number;
  /** Distinct events in raw. */
  raw: number;
  tables: Record<string, number>;
  /** Of those in flight, the ones that wait for a person, or for another try, by what stops them. */
  stopped: { held: number; failed: number };
  problems: Problems;
  /** Of the missing those that raw has: a rebuild gives them their place, and nothing has to be sent for it. */
  unrefined: number;
  /** Ids of the rows that raw has not, and of the missing records that the judge refuses: what a repair sends again. */
  gone: { events: ReadonlySet<string>; records: ReadonlySet<string> };
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
  const odd: string[] = [];
  const openIn = { held: 0, failed: 0 };
  /** Sets bits of an event wherever it belongs. @returns the bits that it had. */
  const note = (id: string, bits: number): number => {
    const before = events.mark(id, bits);
    if (before !== null) return before;
    if (!isId(id)) {
      if (!odd.includes(id) && odd.length < NAMED) odd.push(id);
      return 0;
    }
    const had = extra.bits(id) ?? 0;
    extra.add(id, bits);
    return had;
  };

  /** Records that a replay sent and that were refused again. */
  const again = newIds();
  for (const { records, events: made, certain, refused: back } of look.replayed) {
    for (const id of records)
      if (expected) refused.mark(id, REPLAYED);
      else refused.add(id, REPLAYED);
    for (const { id, session } of made)
      if ((look.session === undefined || look.session === session) && events.bits(id) === null)
        extra.add(id, REPLAYED | (certain ? CERTAIN : 0));
    for (const id of back) if (refused.mark(id, 0) === null) again.add(id, certain ? CERTAIN : 0);
    for (const id of records) again.mark(id, REPLAYED);
  }
  for (const letter of look.refused) {
    for (const id of letter.events) if (events.mark(id, LETTER) === null) extra.mark(id, LETTER);
    for (const id of letter.records)
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
  const { published, waiting } = rowTables(dataset);
  const dayColumn = dataset.sessions?.column ?? null;
  for (const table of [...published, ...waiting]) {
    const day = dayColumn && table.columns[dayColumn] ? dayColumn : null;
    const bit = published.includes(table) ? PUBLISHED : WAITING;
    let rows = 0;
    for await (const [id, of] of rowsOf(
      place,
      dataset,
      `SELECT event_id${day ? `, ${day}` : ""} FROM ${table.name} WHERE ${scope.where({ session: day, raw: false })}`,
    )) {
      const before = note(id ?? "", bit);
      if (before & TABLES) note(id ?? "", TWICE);
      if (before & WITHDRAWN || (bit === PUBLISHED && expected && of && isBelow(expected, of, completes)))
        note(id ?? "", STALE);
      rows++;
    }
    tables[table.name] = rows;
  }
  await explainAbsent(place, look, [events, extra], completes, days);
  return counted(look, { events, refused, again, extra, odd, tables, openIn });
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

type Seen = {
  events: Ids;
  refused: Ids;
  again: Ids;
  extra: Ids;
  odd: readonly string[];
  tables: Record<string, number>;
  openIn: { held: number; failed: number };
};

/** The place of an event. A row in a table that raw does not have would not survive being made anew. */
const placeOf = (
  bits: number,
  quiet: boolean,
): "published" | "waiting" | "superseded" | "rejected" | "withdrawn" | "inFlight" | "missing" => {
  if (bits & WITHDRAWN) return "withdrawn";
  if (bits & TABLES && bits & RAW) return bits & PUBLISHED ? "published" : "waiting";
  if (bits & OPEN) return "inFlight";
  if (bits & SUPERSEDED) return "superseded";
  if (bits & STOPPED && !(bits & SETTLED)) return "inFlight";
  if (bits & REFUSED || (bits & TURNED_AWAY && !(bits & SETTLED))) return "rejected";
  if (bits & LETTER && !(bits & SETTLED)) return "rejected";
  return quiet ? "missing" : "inFlight";
};

const counted = (look: Look, { events, refused, again, extra, odd, tables, openIn }: Seen): Census => {
  const { expected, quiet } = look;
  const named = () => ({ count: 0, ids: [] as string[] });
  const problems: Problems = { missing: named(), doubled: named(), invented: named(), stale: named() };
  const name = (kind: keyof Problems, id: string) => {
    if (problems[kind].count++ < NAMED) problems[kind].ids.push(id);
  };
  const gone = { events: new Set<string>(), records: new Set<string>() };
  const sums = {
    published: 0,
    waiting: 0,
    superseded: 0,
    rejected: 0,
    withdrawn: 0,
    inFlight: 0,
    missing: 0,
    replayed: 0,
  };
  let raw = 0;
  let unrefined = 0;
  const all = (id: string, bits: number): ReturnType<typeof placeOf> => {
    if (bits & RAW) raw++;
    if (bits & TWICE) name("doubled", id);
    if (bits & STALE) name("stale", id);
    const at = placeOf(bits, quiet);
    if (at === "missing") {
      name("missing", id);
      if (bits & RAW) unrefined++;
      else gone.events.add(id);
    }
    return at;
  };
  events.each((id, bits) => {
    sums[all(id, bits)]++;
  });
  extra.each((id, bits) => {
    // What a replay made is counted as the record that it was made of; it must have its place all the same.
    if (bits & REPLAYED) {
      if (bits & CERTAIN || bits & (RAW | TABLES)) all(id, bits);
    } else name("invented", id);
  });
  for (const id of odd) name("invented", id);
  refused.each((id, bits) => {
    if (bits & LETTER) sums.rejected++;
    else if (bits & REPLAYED) sums.replayed++;
    else if (!quiet) sums.inFlight++;
    else {
      sums.missing++;
      name("missing", id);
      gone.records.add(id);
    }
  });
  again.each((id, bits) => {
    if (quiet && bits & CERTAIN && !(bits & (LETTER | REPLAYED))) name("missing", id);
  });
  const distinct = events.size() + refused.size();
  const sent = expected?.sent ?? distinct;
  return { sent, repeated: sent - distinct, ...sums, raw, unrefined, tables, stopped: openIn, problems, gone };
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
