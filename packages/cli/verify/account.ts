import { originKey } from "../../../functions/scrape.ts";
import type { Dataset } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import type { Place } from "../place.ts";
import { type Census, census, type Look, rowsOfOrigins } from "./census.ts";
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
    ...facts.letters.of(sha256),
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
  const letters = origins.map((sha256) => facts.letters.of(sha256));
  const { gone: _, ...found } = await census(place, {
    dataset,
    expected: null,
    scope: rowsOfOrigins(origins, session),
    session,
    ...facts,
    // A dead letter does not say of which session it is without being judged.
    refused: session === undefined ? letters.flatMap((of) => of.refused) : [],
    replayed: session === undefined ? letters.flatMap((of) => of.replayed) : [],
  });
  if (found.sent === 0 && Object.values(found.problems).every(({ count }) => count === 0)) return null;
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
  };
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
