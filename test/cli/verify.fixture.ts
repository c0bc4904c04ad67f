import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { inMemory, originKey } from "../../functions/origin.ts";
import { newestCommit } from "../../packages/aws/documents.ts";
import { type Outgoing, send } from "../../packages/aws/queues.ts";
import { create, put } from "../../packages/aws/store.ts";
import type { Explained } from "../../packages/cli/explain.ts";
import { explain } from "../../packages/cli/explain.ts";
import { flow } from "../../packages/cli/ingest.ts";
import { identities } from "../../packages/cli/verify/account.ts";
import { recordId, reopen } from "../../packages/cli/verify/expected.ts";
import { type Account, type Verified, type VerifyOptions, verify } from "../../packages/cli/verify/index.ts";
import type { Dataset } from "../../packages/core/dataset.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { literal, openSession } from "../../packages/engines/duckdb/session.ts";
import type { testPlace } from "../place.ts";
import { cotahist } from "../synthetic.ts";

export type TestPlace = Awaited<ReturnType<typeof testPlace>>;

/** What verify said, and with which exit status. */
export const verified = async (
  place: TestPlace,
  dataset: Dataset,
  options: VerifyOptions = {},
): Promise<Verified & { status: number; screen: string }> => {
  process.exitCode = 0;
  await verify(place, dataset, options);
  const status = Number(process.exitCode);
  process.exitCode = 0;
  return { ...(place.output.documents.at(-1) as Verified), status, screen: place.output.screens.at(-1)! };
};

/** What verify said of one file, whose account must add up. */
export const accountOf = async (place: TestPlace, bytes: Buffer, options: { repair?: boolean } = {}) => {
  const found = await verified(place, bovespa, { origin: sha256(bytes), ...options });
  expect(found.accounts).toHaveLength(1);
  expect(adds(found.accounts[0]!)).toBe(true);
  return { ...found, account: found.accounts[0]! };
};

export const explained = async (place: TestPlace, dataset: Dataset, ticker: string, session: string) => {
  await explain(place, dataset, ticker, session);
  return { ...(place.output.documents.at(-1) as Explained), screen: place.output.screens.at(-1)! };
};

/** What every account must be: nothing is counted twice, and nothing is left out. */
export const adds = (a: Account): boolean =>
  identities(a).every(({ total, terms }) => total === terms.reduce((sum, { n }) => sum + n, 0));

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** A small file of one session; each test has a day of its own, so that one river serves them all. */
export const fileOf = (day: string, perSession = 30): Buffer => cotahist({ sessions: [day], perSession });

/** The ticker in a line of a file, the header being 1. */
export const tickerOf = (bytes: Buffer, line: number): string =>
  bytes.toString("latin1").split("\r\n")[line - 1]!.slice(12, 24).trim();

/** A file of these bytes through the whole river. */
export const sendBytes = async (place: TestPlace, dataset: Dataset, source: string, bytes: Buffer) =>
  flow(place, dataset, { source, bytes: inMemory(bytes) }, true);

/**
 * Archives bytes as a scrape does, and sends each of their messages as often as `times` says. @returns the ids of the
 * rows, and the names of the records that are refused, of messages never sent.
 */
export const sendSome = async (
  place: TestPlace,
  dataset: Dataset,
  bytes: Buffer,
  times: (at: number) => number,
): Promise<string[]> => {
  const digest = sha256(bytes);
  const metadata = { scraped_at: "2024-12-01 10:00:00.000", modified: "", version: "", source: "some.txt" };
  await create(place.aws, "origin", originKey(dataset.name, digest), bytes, metadata);
  const messages: Outgoing[] = [];
  const [sent, unsent] = [new Set<string>(), new Set<string>()];
  let at = 0;
  for await (const { message, rows, letters } of (await reopen(place.aws, dataset, digest)).messages()) {
    const n = times(at++);
    for (let i = 0; i < n; i++) messages.push(message);
    for (const { id } of rows) (n ? sent : unsent).add(id);
    for (const record of letters.flatMap((l) => l.records)) (n ? sent : unsent).add(recordId(record));
  }
  await send(place.aws, dataset.name, messages);
  await place.stack!.idle();
  return [...unsent].filter((id) => !sent.has(id)).sort();
};

/** A COTAHIST text with some of its lines changed; `null` leaves one out. The trailer is made to fit. */
export const edited = (bytes: Buffer, generated: string, edit: (line: string, at: number) => string | null): Buffer => {
  const lines = bytes.toString("latin1").split("\r\n").slice(0, -1);
  const records = lines.slice(1, -1).flatMap((line, at) => edit(line, at) ?? []);
  const day = generated.replaceAll("-", "");
  const head = lines[0]!.slice(0, 23) + day + lines[0]!.slice(31);
  const tail = lines.at(-1)!.slice(0, 23) + day + String(records.length + 2).padStart(11, "0") + " ".repeat(203);
  return Buffer.from(`${[head, ...records, tail.slice(0, 245)].join("\r\n")}\r\n`, "latin1");
};

/** A line with another text at a position, counted from 1 as the layout does. */
export const withText = (line: string, from: number, text: string): string =>
  line.slice(0, from - 1) + text + line.slice(from - 1 + text.length);

/** Rewrites the one file of a table's partition by hand, behind the river's back. `sql` selects from `t`. */
export const tamper = async (place: TestPlace, dataset: Dataset, table: string, partition: string, sql: string) => {
  const commit = await newestCommit(place.aws, dataset.name);
  const entry = commit!.tables[table]![partition]!;
  const key = entry.folder + entry.files[0]!.name;
  const path = join(place.dir, "tampered.parquet");
  const session = await openSession({ scratch: join(place.dir, "tamper") });
  try {
    const source = `read_parquet(${literal(join(place.dir, "s3/lake", key))}, hive_partitioning = false)`;
    await session.run(`COPY (WITH t AS (SELECT * FROM ${source}) ${sql}) TO ${literal(path)} (FORMAT parquet)`);
  } finally {
    session.close();
  }
  await put(place.aws, "lake", key, readFileSync(path));
  rmSync(path);
};
