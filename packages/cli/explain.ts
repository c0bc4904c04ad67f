import { digest } from "../../functions/river.ts";
import { type Archived, openArchived, originKey } from "../../functions/scrape.ts";
import { eachLetter } from "../aws/letters.ts";
import { withdrawnOf } from "../aws/replays.ts";
import { head } from "../aws/store.ts";
import type { Dataset, Origin, WireRecord } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { judgeOf } from "../core/judge.ts";
import { messages } from "../core/message.ts";
import { attribute, carried, recordId } from "./expected.ts";
import { screen } from "./explained.ts";
import { runsOf, type Taken } from "./history.ts";
import { askAll, inList, keyOf, newestCommit, openObjects, quote, rowTables } from "./lake.ts";
import type { Place } from "./place.ts";
import { type Completes, completesOf } from "./superseded.ts";
import { isDay } from "./verify.ts";

/** Where a row came from. `lines`: of the archived file, the header being 1; null without one. */
export type From = {
  sha256: string;
  source: string | null;
  version: string;
  scraped_at: string;
  lines: number[] | null;
  /** Why there are no lines. */
  archive: "whole" | "damaged" | "none";
};

/** One row of a ticker's session, from its file to where it stands. */
export type Row = {
  event_id: string;
  is: "published" | "waiting" | "superseded" | "withdrawn" | "inFlight" | "refused" | "missing";
  table: string | null;
  key: Record<string, string | null>;
  record: WireRecord;
  origin: From;
  /** Of how many rows of its session it is one; null: a message that does not say. */
  origin_rows: number | null;
  arrivals: { message_id: string; object: string; runs: Taken[] }[];
  /** The row that stands in its place, or the file whose session replaced its own as a whole. */
  superseded_by: { event_id: string | null; sha256: string; version: string } | null;
  supersedes: string[];
};

export type Rejected = {
  id: string;
  reason: string;
  message: string;
  path: string;
  seen: string;
  attempts: number;
  at: "queue" | "archive";
  records: { record: unknown; lines: number[] | null }[];
  origin: string;
};

export type Explained = { dataset: string; ticker: string; session: string; rows: Row[]; rejected: Rejected[] };

/** Rows that one look explains: a ticker's session has a handful in each file. */
const MOST_ROWS = 1000;

/** `pregao explain`: all that is known of a ticker's rows of a session. */
export const explain = async (place: Place, dataset: Dataset, ticker: string, session: string): Promise<void> => {
  const rows = await arrived(place, dataset, ticker, session);
  const letters = await refusedOf(place, dataset, ticker, session);
  if (rows.length + letters.length === 0)
    throw new PregaoError(
      "not_found",
      `nothing of ${ticker} on ${session} has arrived in ${dataset.name}: expected a ticker and a session that a file held. pregao verify ${dataset.name} --session ${session} says whether anything is missing`,
    );
  await locate(place, dataset, { ticker, session }, rows, letters);
  const explained: Explained = { dataset: dataset.name, ticker, session, rows, rejected: letters };
  place.output.result(explained, () => screen(explained));
};

/** What is wrong whatever has arrived. @throws PregaoError `usage`. */
export const check = (ticker: string, session: string): void => {
  if (!isDay(session)) throw new PregaoError("usage", `expected a session YYYY-MM-DD, came ${JSON.stringify(session)}`);
  if (ticker === "" || ticker.length > 64) throw new PregaoError("usage", "expected a ticker of 1 to 64 characters");
};

/** The column of the raw key that a record's ticker is in. */
const tickerColumn = (dataset: Dataset): string =>
  dataset.raw!.table.key.find((name) => name !== dataset.raw!.session)!;

const arrived = async (place: Place, dataset: Dataset, ticker: string, session: string): Promise<Row[]> => {
  const raw = dataset.raw!;
  const columns = Object.keys(raw.table.columns);
  const found = await askAll(
    place,
    dataset,
    `SELECT ${columns.join(", ")}, "$path" AS object FROM ${raw.table.name}
     WHERE ${tickerColumn(dataset)} = ${quote(ticker)} AND ${raw.session} = DATE ${quote(session)}
     ORDER BY source_version, scraped_at, origin_sha256, event_id LIMIT ${MOST_ROWS}`,
  );
  if (found.length === 0) return [];
  const commit = await newestCommit(place, dataset.name);
  const open = await openObjects(place, dataset, commit);
  const withdrawn = await withdrawnOf(place.aws, dataset.name);
  const runs = await runsOf(place, dataset.name, new Set(found.map((row) => keyOf(place, row.object ?? ""))));
  const standing = await standingOf(place, dataset, [...new Set(found.map((row) => row.event_id ?? ""))]);
  const completes = await completesOf(place, { dataset, open, withdrawn }, [session, session]);
  const rows = [...Map.groupBy(found, (row) => row.event_id ?? "").values()].map((same): Row => {
    const row = same[0]!;
    const event = row.event_id ?? "";
    const keys = [...new Set(same.map((one) => keyOf(place, one.object ?? "")))];
    const refused = keys.every((key) => runs.get(key)?.some((t) => t.commit?.status === "rejected"));
    const at = standing.get(event);
    return {
      event_id: event,
      is: withdrawn.has(event)
        ? "withdrawn"
        : at
          ? at.is
          : keys.every((key) => open.has(key))
            ? "inFlight"
            : refused
              ? "refused"
              : "missing",
      table: at?.table ?? null,
      key: Object.fromEntries(raw.table.key.map((name) => [name, row[name] ?? null])),
      record: Object.fromEntries(Object.keys(raw.record).map((name) => [name, row[name] ?? null])),
      origin: {
        sha256: row.origin_sha256 ?? "",
        source: null,
        version: row.source_version ?? "",
        scraped_at: row.scraped_at ?? "",
        lines: null,
        archive: "none",
      },
      origin_rows: row.origin_rows == null ? null : Number(row.origin_rows),
      arrivals: same.map((one) => {
        const object = keyOf(place, one.object ?? "");
        return { message_id: one.message_id ?? "", object, runs: runs.get(object) ?? [] };
      }),
      superseded_by: null,
      supersedes: [],
    };
  });
  return ordered(superseding(rows, completes, session));
};

/** Of events that stand in a table, in which, and whether as the row of their key. */
const standingOf = async (
  place: Place,
  dataset: Dataset,
  events: readonly string[],
): Promise<ReadonlyMap<string, { is: "published" | "waiting"; table: string }>> => {
  const standing = new Map<string, { is: "published" | "waiting"; table: string }>();
  const tables = rowTables(dataset);
  for (const is of ["published", "waiting"] as const)
    for (const { name } of tables[is])
      for (const { event_id } of await askAll(
        place,
        dataset,
        `SELECT event_id FROM ${name} WHERE event_id IN ${inList(events)}`,
      ))
        standing.set(event_id ?? "", { is, table: name });
  return standing;
};

/** Who stands where a row does not: the row of its key that is published, or a greater file that is complete. */
const superseding = (rows: Row[], completes: Completes, session: string): Row[] => {
  const winners = new Map(rows.filter((row) => row.is === "published").map((row) => [JSON.stringify(row.key), row]));
  const complete = completes.get(session);
  for (const row of rows) {
    if (row.is !== "missing" && row.is !== "waiting") continue;
    const winner = winners.get(JSON.stringify(row.key));
    const { sha256, version, scraped_at } = row.origin;
    const order = (o: { version: string; scraped_at: string; sha256: string }) =>
      [o.version, o.scraped_at, o.sha256].join("\n");
    const below =
      complete &&
      row.origin_rows !== null &&
      order({ sha256, version, scraped_at }) < order({ ...complete, scraped_at: complete.at });
    if (!winner && !below) continue;
    if (row.is === "missing") row.is = "superseded";
    row.superseded_by = winner
      ? { event_id: winner.event_id, sha256: winner.origin.sha256, version: winner.origin.version }
      : { event_id: null, sha256: complete!.sha256, version: complete!.version };
    winner?.supersedes.push(row.event_id);
  }
  return rows;
};

/** What stands first, then what is amiss or on its way, then what it replaced, the newest first. */
const ordered = (rows: Row[]): Row[] => {
  const rank = ["published", "missing", "refused", "inFlight", "waiting", "withdrawn", "superseded"];
  return rows.reverse().sort((a, b) => rank.indexOf(a.is) - rank.indexOf(b.is));
};

const refusedOf = async (place: Place, dataset: Dataset, ticker: string, session: string): Promise<Rejected[]> => {
  const column = dataset.raw!.session;
  const found: Rejected[] = [];
  await eachLetter(place.aws, dataset.name, (letter) => {
    const of = carried(letter.body);
    if (!of || letter.ticker !== ticker) return;
    const records = of.records.filter((r) => (r as Record<string, unknown> | null)?.[column] === session);
    if (records.length === 0) return;
    const { id, reason, message, path, seen, attempts, at } = letter;
    found.push({
      ...{ id, reason, message, path, seen, attempts, at },
      records: records.map((record) => ({ record, lines: null })),
      origin: of.sha256,
    });
  });
  return found.sort((a, b) => (a.seen < b.seen ? -1 : 1));
};

/** Looks each archived file through once for the lines of these rows and records. */
const locate = async (
  place: Place,
  dataset: Dataset,
  of: { ticker: string; session: string },
  rows: readonly Row[],
  letters: readonly Rejected[],
): Promise<void> => {
  for (const sha256 of new Set([...rows.map((row) => row.origin.sha256), ...letters.map((l) => l.origin)])) {
    const mine = rows.filter((row) => row.origin.sha256 === sha256);
    if (!(await head(place.aws, "origin", originKey(dataset.name, sha256)))) continue;
    const opened = await openArchived(place.aws, dataset, sha256).catch((error: unknown) => {
      if (error instanceof PregaoError || (error as { $metadata?: unknown }).$metadata) return null;
      throw error;
    });
    for (const row of mine) row.origin.archive = opened ? "whole" : "damaged";
    if (!opened) continue;
    const lines = await linesOf(dataset, opened, sha256, of);
    for (const row of mine) {
      row.origin.source = opened.archived.source;
      row.origin.lines = lines.get(row.event_id) ?? [];
    }
    for (const letter of letters.filter((l) => l.origin === sha256))
      for (const one of letter.records) one.lines = lines.get(bareId(one.record)) ?? [];
  }
};

/** A record without the number of rows of its session, which its line does not say. */
const bareId = (record: unknown): string => recordId({ ...(record as WireRecord), origin_rows: null });

/** Lines by the event id of their row, and by the name of their record. */
const linesOf = async (
  dataset: Dataset,
  { archived, bytes }: Awaited<ReturnType<typeof openArchived>>,
  sha256: string,
  { ticker, session }: { ticker: string; session: string },
): Promise<ReadonlyMap<string, number[]>> => {
  const judge = judgeOf(dataset, digest);
  const { source, scraped_at, version } = archived as Archived;
  // An event id is of the record and the file; which version the file is plays no part in it.
  const origin: Origin = { sha256, version: version || "0", scraped_at };
  const lines = new Map<string, number[]>();
  const note = (id: string, line: number) => lines.set(id, [...(lines.get(id) ?? []), line]);
  for await (const { line, record } of dataset.raw!.format.find(bytes, { subject: ticker, session })) {
    note(bareId(record), line);
    const [message] = messages(dataset, { source, origin }, { subject: ticker, records: [record] }, digest);
    for (const row of judge({ receipt: "", body: message!.body, sentAt: 0 }).rows)
      note(attribute(row, "event_id"), line);
  }
  return lines;
};
