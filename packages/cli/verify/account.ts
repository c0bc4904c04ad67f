import { originKey } from "../../../functions/origin.ts";
import type { Dataset } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import { tickerColumn } from "../lake.ts";
import type { Place } from "../place.ts";
import { type Census, census, type Look, type Places, rowsOfOrigins, type Scope } from "./census.ts";
import { type Expected, expectedOf, type Reopened, recordId, reopen } from "./expected.ts";
import type { Letters } from "./letters.ts";

/** A missing row or record as a person looks for it. `id`: its event id, or the digest of a record that is refused. */
export type Lost = { id: string; ticker: string; session: string; message: string; refused: boolean };

/** The account of one archived origin, or of all rows of which no file is archived (`sha256` null). */
export type Account = Omit<Census, "gone"> & {
  sha256: string | null;
  /** Of how many origins these are the rows. */
  origins: number;
  source: string | null;
  version: string | null;
  scraped_at: string | null;
  /** First and last. */
  sessions: [string, string] | null;
  archive: "whole" | "damaged" | "none";
  /** What is wrong with the archived bytes. */
  damage: string | null;
  /** At most 1,000. */
  lost: Lost[];
  /** A row of it, to be explained. */
  example: { ticker: string; session: string } | null;
};

/** What adds up: `total` is the sum of its terms, each more than 0, with the name that a screen gives it. */
export type Identity = { name: string; total: number; terms: { name: string; n: number }[] };

const places: Record<keyof Places, string> = {
  ...{ published: "published", waiting: "waiting", superseded: "superseded", rejected: "rejected" },
  ...{ withdrawn: "withdrawn", inFlight: "in flight", missing: "missing" },
};

/**
 * The numbers of an account, every one of them. Each counts distinct events and records, but for `sent` and the tables,
 * which count lines and rows:
 *
 *   sent   = repeated + the places of the file's own rows and records + sent again otherwise
 *   made   = the places of what replays made of those sent again + sent again otherwise (refused once more, then replayed)
 *   in raw = the places of all that is in raw, of the file or made + what is in raw and of neither
 *   in tables = rows by table
 *
 * So a record that was put right is one `sent again otherwise` of what was sent, and one row made, wherever that is; put
 * right twice, with an undo in between, two: one withdrawn and one published.
 */
export const identities = (a: Account): Identity[] => {
  const placed = (of: Places) =>
    (Object.keys(places) as (keyof Places)[]).map((at) => ({ name: places[at], n: of[at] }));
  const identity = (name: string, total: number, terms: Identity["terms"]) => ({
    ...{ name, total },
    terms: terms.filter(({ n }) => n > 0),
  });
  const otherwise = (n: number) => ({ name: "sent again otherwise", n });
  const tables = Object.entries(a.tables).map(([name, n]) => ({ name: `in ${name}`, n }));
  return [
    identity(a.archive === "whole" ? "sent" : "arrived", a.sent, [
      ...placed(a),
      otherwise(a.replayed),
      { name: "repeated", n: a.repeated },
    ]),
    identity("made by replays", a.made.count, [...placed(a.made), otherwise(a.made.replayed)]),
    identity("in raw", a.raw, [...placed(a.inRaw), { name: "of no file", n: a.inRaw.invented }]),
    identity(
      "in tables",
      tables.reduce((sum, { n }) => sum + n, 0),
      tables,
    ),
  ];
};

/** All that is the same for every origin of one look. */
export type Facts = Pick<Look, "open" | "withdrawn" | "quiet" | "raw"> & { letters: Letters; commit: number };

export const isAmiss = ({ problems, damage }: Account): boolean =>
  damage !== null || Object.values(problems).some(({ count }) => count > 0);

/** The account of an archived origin; null if nothing of it is of the session. */
export const accountOf = async (
  place: Place,
  dataset: Dataset,
  sha256: string,
  session: string | undefined,
  facts: Facts,
): Promise<Account | null> => {
  const opened = await openOr(place, dataset, sha256);
  if ("damage" in opened) {
    const account = await withoutFile(place, dataset, [sha256], session, facts);
    const none = { sha256, archive: "damaged" as const, damage: opened.damage };
    return account ? { ...account, ...none } : null;
  }
  const days = [...opened.sessions.keys()].sort();
  if (session !== undefined && !opened.sessions.has(session)) return null;
  const expected = await derive(place, opened, session);
  const { gone, ...found } = await census(place, {
    dataset,
    expected,
    scope: rowsOfOrigins([sha256], session),
    session,
    ...facts,
    ...facts.letters.of(sha256, session),
  });
  const { version, scraped_at } = opened.origin;
  return {
    ...found,
    sha256,
    origins: 1,
    source: opened.source,
    version,
    scraped_at,
    sessions: days[0] ? [days[0], days.at(-1)!] : null,
    archive: "whole",
    damage: null,
    lost: found.problems.missing.count > 0 ? await lostOf(opened, session, found.problems.missing.ids, dataset) : [],
    example: expected.example,
  };
};

const openOr = async (place: Place, dataset: Dataset, sha256: string): Promise<Reopened | { damage: string }> => {
  try {
    return await reopen(place.aws, dataset, sha256);
  } catch (error) {
    if (error instanceof PregaoError) return { damage: error.message };
    // The store answers, and not with these bytes. An outage stops the queries that follow.
    if ((error as { $metadata?: unknown }).$metadata === undefined) throw error;
    const key = originKey(dataset.name, sha256);
    return { damage: `${key} in the bucket origin could not be read: ${(error as Error).message}` };
  }
};

export const derive = async (place: Place, opened: Reopened, session: string | undefined): Promise<Expected> => {
  const bar = place.output.bar("derive", opened.rows);
  try {
    return await expectedOf(opened, session, (rows) => bar.at(rows));
  } finally {
    bar.done();
  }
};

/** Rows of which no file is archived, as `publish` makes them: from raw and the dead letters on. */
export const withoutFile = async (
  place: Place,
  dataset: Dataset,
  origins: readonly string[],
  session: string | undefined,
  facts: Facts,
): Promise<Account | null> => {
  const letters = origins.map((sha256) => facts.letters.of(sha256, session));
  const scope = rowsOfOrigins(origins, session);
  const { gone: _, ...found } = await census(place, {
    ...{ dataset, expected: null, scope, session },
    ...facts,
    refused: letters.flatMap((of) => of.refused),
    replayed: letters.flatMap((of) => of.replayed),
  });
  const nothing = found.sent + found.made.count + found.raw === 0;
  if (nothing && Object.values(found.problems).every(({ count }) => count === 0)) return null;
  return {
    ...found,
    sha256: origins.length === 1 ? origins[0]! : null,
    origins: origins.length,
    source: null,
    version: null,
    scraped_at: null,
    sessions: null,
    archive: "none",
    damage: null,
    lost: [],
    example: found.raw > 0 ? await exampleOf(dataset, scope, facts) : null,
  };
};

const exampleOf = async (dataset: Dataset, scope: Scope, { raw }: Facts): Promise<Account["example"]> => {
  const { table, session } = dataset.raw!;
  const [row] = await raw.all(
    (readable) =>
      `SELECT ${tickerColumn(dataset)} AS ticker, ${session} AS session FROM ${table.name} WHERE ${readable} AND ${scope.where({ session, raw: true })} LIMIT 1`,
  );
  return row?.ticker && row.session ? { ticker: row.ticker, session: row.session } : null;
};

/** Of what is missing the ticker, session and message. */
const lostOf = async (
  opened: Reopened,
  session: string | undefined,
  ids: readonly string[],
  dataset: Dataset,
): Promise<Lost[]> => {
  const left = new Set(ids);
  const lost: Lost[] = [];
  const column = dataset.raw!.session;
  for await (const { message, rows, letters } of opened.messages(session)) {
    const of = { ticker: message.group, message: message.id };
    for (const row of rows) if (left.delete(row.id)) lost.push({ ...row, ...of, refused: false });
    for (const record of letters.flatMap((letter) => letter.records)) {
      const id = recordId(record);
      const day = String((record as Record<string, unknown> | null)?.[column] ?? "");
      if (left.delete(id)) lost.push({ id, session: day, ...of, refused: true });
    }
    if (left.size === 0) break;
  }
  return lost;
};
