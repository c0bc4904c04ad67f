import { newestCommit } from "../aws/documents.ts";
import { withdrawnOf } from "../aws/replays.ts";
import type { Dataset } from "../core/dataset.ts";
import { nameOf } from "../core/run.ts";
import type { Row } from "./explain.ts";
import { runsOf } from "./history.ts";
import { askAll, inList, isApplied, keyOf, openObjects, quote, rowTables, tickerColumn } from "./lake.ts";
import type { Place } from "./place.ts";
import { type RawTable, refusedIn } from "./raw.ts";
import { compare, compareRows, completesOf, type Order, wholeOf } from "./verify/superseded.ts";

// What became of the rows of a ticker's session that arrived: the part of `explain` that raw and the tables tell.

/** Arrivals that one look explains: a ticker's session has a handful in each file. */
export const MOST_ROWS = 1000;

type Arrival = Record<string, string | null>;

/** A ticker's rows of a session in raw, the greatest first; one more than is explained, if there are more. */
export const arrivals = (raw: RawTable, dataset: Dataset, ticker: string, session: string): Promise<Arrival[]> => {
  const { table, session: day } = dataset.raw!;
  const order = ["source_version", "scraped_at", "origin_sha256", "origin_rows", "event_id"];
  return raw.all(
    (readable) =>
      `SELECT ${Object.keys(table.columns).join(", ")}, "$path" AS object FROM ${table.name}
       WHERE ${readable} AND ${tickerColumn(dataset)} = ${quote(ticker)} AND ${day} = DATE ${quote(session)}
       ORDER BY ${order.map((name) => `${name} DESC NULLS LAST`).join(", ")} LIMIT ${MOST_ROWS + 1}`,
  );
};

/** What became of each row that arrived. Where it stands is asked last: what moves meanwhile is then seen at its end. */
export const rowsFrom = async (
  place: Place,
  dataset: Dataset,
  reader: RawTable,
  session: string,
  found: readonly Arrival[],
): Promise<Row[]> => {
  if (found.length === 0) return [];
  const raw = dataset.raw!;
  const commit = await newestCommit(place.aws, dataset.name);
  const versions = new Set((await refusedIn(place, dataset)).map(nameOf));
  const open = await openObjects(place, dataset, commit, false, versions);
  const withdrawn = await withdrawnOf(place.aws, dataset.name);
  const runs = await runsOf(place, dataset.name, new Set(found.map((row) => keyOf(place, row.object ?? ""))));
  const completes = await completesOf(place, { dataset, open, withdrawn, raw: reader }, [session, session]);
  const parts = ({ record }: Row) => (raw.whole ?? []).map((name) => record[name] as string | null);
  const applied = await isApplied(place, dataset, commit);
  const standing = await standingOf(place, dataset, [...new Set(found.map((row) => row.event_id ?? ""))]);
  const rows = [...Map.groupBy(found, (row) => row.event_id ?? "").values()].map((same): Row => {
    const row = same[0]!;
    const event = row.event_id ?? "";
    const keys = [...new Set(same.map((one) => keyOf(place, one.object ?? "")))];
    const isRefused = (key: string) =>
      open.get(key) === "refused" || runs.get(key)?.runs.some((t) => t.commit?.status === "rejected");
    const at = standing.get(event);
    return {
      event_id: event,
      is: withdrawn.has(event)
        ? "withdrawn"
        : at
          ? at.is
          : keys.every(isRefused)
            ? "refused"
            : keys.every((key) => open.has(key)) || !applied
              ? "inFlight"
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
      arrivals: same
        .map((one) => {
          const object = keyOf(place, one.object ?? "");
          const { runs: taken, all } = runs.get(object) ?? { runs: [], all: false };
          return { message_id: one.message_id ?? "", object, runs: taken, all_runs: all };
        })
        .sort(byRun),
      not_in_raw: null,
      put_right: [],
      withdrawn: null,
      superseded_by: null,
      instead: null,
      supersedes: [],
    };
  });
  return ordered(superseding(rows, (row) => completes.get(wholeOf(session, parts(row)))));
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

/** As they were taken: by their first runs; the keys of objects of one second tell no order. */
const byRun = (a: Row["arrivals"][number], b: Row["arrivals"][number]): number => {
  const [first, second] = [a, b].map(({ runs }) => runs[0]?.run ?? Number.POSITIVE_INFINITY);
  return first !== second ? first! - second! : a.object < b.object ? -1 : 1;
};

const orderOf = ({ origin, origin_rows, event_id }: Row): Order & { event: string } => ({
  version: origin.version,
  at: origin.scraped_at,
  sha256: origin.sha256,
  rows: origin_rows ?? 0,
  event: event_id,
});

/**
 * Who stands where a row does not: the greater row of its key that is published, or a greater file that is complete. A
 * lesser one in its place supersedes nothing: the row is missing.
 */
const superseding = (rows: Row[], completeOf: (row: Row) => Order | undefined): Row[] => {
  const winners = new Map(rows.filter((row) => row.is === "published").map((row) => [JSON.stringify(row.key), row]));
  for (const row of rows) {
    const complete = completeOf(row);
    if (row.is !== "missing" && row.is !== "waiting") continue;
    const stands = winners.get(JSON.stringify(row.key));
    const winner = stands && compareRows(orderOf(row), orderOf(stands)) < 0 ? stands : null;
    const below = complete && row.origin_rows !== null && compare(orderOf(row), complete) < 0 ? complete : null;
    if (winner || below) {
      if (row.is === "missing") row.is = "superseded";
      row.superseded_by = winner
        ? { event_id: winner.event_id, sha256: winner.origin.sha256, version: winner.origin.version }
        : { event_id: null, sha256: below!.sha256, version: below!.version };
      winner?.supersedes.push(row.event_id);
    } else if (stands && row.is === "missing")
      row.instead = { event_id: stands.event_id, sha256: stands.origin.sha256, version: stands.origin.version };
  }
  return rows;
};

/** What stands first, then what is amiss or on its way, then what it replaced; each the newest first, as they came. */
export const ordered = (rows: Row[]): Row[] => {
  const rank = ["published", "missing", "refused", "inFlight", "waiting", "withdrawn", "superseded"];
  return rows.sort((a, b) => rank.indexOf(a.is) - rank.indexOf(b.is));
};
