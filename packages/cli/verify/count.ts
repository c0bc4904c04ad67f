import type { Open } from "../lake.ts";
import type { Census, Look, Places, Problems } from "./census.ts";
import type { Ids } from "./ids.ts";

/** Where an event was seen. */
export const SETTLED = 1;
export const OPEN = 2;
export const PUBLISHED = 4;
export const WAITING = 8;
export const TWICE = 16;
export const LETTER = 32;
export const WITHDRAWN = 64;
export const SUPERSEDED = 128;
export const REFUSED = 256;
export const STALE = 512;
/** Of a record that was refused: it was sent again. Of an event: a replay made it of a dead letter. */
export const REPLAYED = 1024;
/** Of an event made by a replay: the queue took it, so it must be somewhere. */
export const CERTAIN = 2048;
/** In a raw object that waits for a person, or for another try. */
export const STOPPED = 4096;
/** In a raw object that was refused as a whole. */
export const TURNED_AWAY = 8192;
export const RAW = SETTLED | OPEN | STOPPED | REFUSED | TURNED_AWAY;
export const TABLES = PUBLISHED | WAITING;
export const ARRIVED: Record<Open, number> = { pending: OPEN, held: STOPPED, failed: STOPPED, refused: TURNED_AWAY };

/** Ids that a document names; of more it has the number. */
export const NAMED = 1000;

type Seen = {
  events: Ids;
  refused: Ids;
  again: Ids;
  extra: Ids;
  odd: ReadonlyMap<string, number>;
  tables: Record<string, number>;
  openIn: { held: number; failed: number };
};

/** The place of an event. A row in a table that raw does not have would not survive being made anew. */
const placeOf = (bits: number, quiet: boolean): keyof Places => {
  if (bits & WITHDRAWN) return "withdrawn";
  if (bits & TABLES && bits & RAW) return bits & PUBLISHED ? "published" : "waiting";
  if (bits & OPEN) return "inFlight";
  if (bits & SUPERSEDED) return "superseded";
  if (bits & STOPPED && !(bits & SETTLED)) return "inFlight";
  if (bits & REFUSED || (bits & TURNED_AWAY && !(bits & SETTLED))) return "rejected";
  if (bits & LETTER && !(bits & SETTLED)) return "rejected";
  return quiet ? "missing" : "inFlight";
};

const nowhere = (): Places => ({
  ...{ published: 0, waiting: 0, superseded: 0, rejected: 0 },
  ...{ withdrawn: 0, inFlight: 0, missing: 0 },
});

/** The place of all that was seen, each once, and how many are in each. */
export const counted = (
  look: Look,
  { events, refused, again, extra, odd, tables, openIn }: Seen,
): Omit<Census, "objects"> => {
  const { expected, quiet } = look;
  const named = () => ({ count: 0, ids: [] as string[] });
  const problems: Problems = {
    ...{ missing: named(), doubled: named(), invented: named() },
    ...{ inventedInRaw: named(), stale: named() },
  };
  const name = (kind: keyof Problems, id: string) => {
    if (problems[kind].count++ < NAMED) problems[kind].ids.push(id);
  };
  const gone = { events: new Set<string>(), records: new Set<string>(), made: new Set<string>() };
  const sums = { ...nowhere(), replayed: 0 };
  const made = { ...nowhere(), count: 0, replayed: 0 };
  const inRaw = { ...nowhere(), invented: 0 };
  let raw = 0;
  let unrefined = 0;
  const place = (id: string, bits: number, into: Places, lost: Set<string>): void => {
    if (bits & TWICE) name("doubled", id);
    if (bits & STALE) name("stale", id);
    const at = placeOf(bits, quiet);
    into[at]++;
    if (bits & RAW) {
      raw++;
      inRaw[at]++;
    }
    if (at !== "missing") return;
    name("missing", id);
    if (bits & RAW) unrefined++;
    else lost.add(id);
  };
  const invented = (id: string, bits: number): void => {
    name(bits & RAW ? "inventedInRaw" : "invented", id);
    if (!(bits & RAW)) return;
    raw++;
    inRaw.invented++;
  };
  events.each((id, bits) => place(id, bits, sums, gone.events));
  extra.each((id, bits) => {
    if (!(bits & REPLAYED)) invented(id, bits);
    else if (bits & CERTAIN || bits & (RAW | TABLES)) {
      place(id, bits, made, gone.made);
      made.count++;
    }
  });
  for (const [id, bits] of odd) invented(id, bits);
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
    if (!(bits & (LETTER | REPLAYED | CERTAIN))) return;
    made.count++;
    if (bits & LETTER) made.rejected++;
    else if (bits & REPLAYED) made.replayed++;
    else if (!quiet) made.inFlight++;
    else {
      made.missing++;
      name("missing", id);
    }
  });
  const distinct = events.size() + refused.size();
  const sent = expected?.sent ?? distinct;
  return {
    ...{ sent, repeated: sent - distinct, ...sums, made, raw, inRaw, tables },
    ...{ stopped: openIn, problems, unrefined, gone },
    repairable: gone.made.size + (expected ? gone.events.size + gone.records.size : 0),
  };
};
