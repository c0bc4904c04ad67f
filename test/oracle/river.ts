import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { scrape } from "../../functions/messages.ts";
import { inMemory } from "../../functions/origin.ts";
import { digest } from "../../functions/river.ts";
import { type Aws, connect } from "../../packages/aws/index.ts";
import { type Outgoing, send } from "../../packages/aws/queues.ts";
import type { Origin } from "../../packages/core/dataset.ts";
import { messages } from "../../packages/core/message.ts";
import { laptop, type Stage } from "../../packages/core/stage.ts";
import { type Topology, topology } from "../../packages/core/topology.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { catalogue } from "../../packages/datasets/index.ts";
import { refineJob } from "../../packages/engines/duckdb/job.ts";
import { type Stack, type StartOptions, start } from "../../packages/local/index.ts";
import { translate } from "../../packages/trino/index.ts";
import { bytesOf } from "../datasets/cotahist.ts";
import { csvOf, type Reader } from "./answers.ts";
import { type Input, keys, type TableName, tableNames } from "./index.ts";

/** Rivers whose waits are none, so that what is sent in pieces lands in pieces. */

const stage: Stage = laptop();
const datasets = catalogue(stage.layouts);

/** `batch`: messages that the consumer is given at a time. `mib`: of a raw object's rows; a record is not cut for it. */
export type Shape = { batch: number; mib?: number; pace?: Stage["pace"] };

const shaped = ({ batch, mib = 64, pace = "daily" }: Shape): Topology => {
  const shape = topology(datasets, pace);
  return {
    ...shape,
    queues: shape.queues.map((q) => ({ ...q, visibility: q.name.endsWith("-dlq") ? q.visibility : 2 })),
    mappings: shape.mappings.map((m) => ({
      ...m,
      window: m.function === "consume" && batch > 10 ? 1 : 0,
      batch: m.function === "consume" ? batch : 10,
    })),
    streams: shape.streams.map((s) => ({ ...s, seconds: 0, mib })),
    clocks: shape.clocks.map((c) => ({ ...c, cron: "0 0 1 1 *" })),
  };
};

export type River = Reader & { stack: Stack; aws: Aws; database: string; dir: string; close: () => Promise<void> };

let template: Promise<string> | undefined;
afterAll(async () => {
  if (template) rmSync(await template, { recursive: true, force: true });
});

/** A state directory in which the calendar is made already; every river starts from a copy of it. */
const calendarMade = async (): Promise<string> => {
  const dir = mkdtempSync(join(tmpdir(), "oracle-template-"));
  const stack = await open(dir, { batch: 10 }, {});
  await stack.invoke("advance", { datasets: datasets.map((d) => d.name) });
  await stack.idle();
  await stack.stop();
  return dir;
};

const open = (dir: string, shape: Shape, options: Partial<StartOptions>): Promise<Stack> =>
  start(
    { topology: shaped(shape), root: new URL("../../", import.meta.url), engine: refineJob, translate },
    { dir, stage, onLog: () => {}, retryDelays: [5, 10], ...options },
  );

export const openRiver = async (shape: Shape, options: Partial<StartOptions> = {}): Promise<River> => {
  template ??= calendarMade();
  const from = await template;
  const dir = mkdtempSync(join(tmpdir(), "oracle-river-"));
  cpSync(from, dir, { recursive: true });
  const stack = await open(dir, shape, options);
  const aws = connect(stage, { AWS_ENDPOINT_URL: stack.url });
  return {
    stack,
    aws,
    database: bovespa.database,
    dir,
    close: async () => {
      aws.close();
      await stack.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};

/** A file as `pregao ingest` sends it; every message must be accepted. */
export const sendFile = async (river: River, bytes: Uint8Array): Promise<void> => {
  const { rows, accepted } = await scrape(river.aws, bovespa, { source: "f", bytes: inMemory(bytes) });
  if (accepted.rows !== rows) throw new Error(`${accepted.rows} of ${rows} rows accepted`);
};

export const sendBodies = async (river: River, outgoing: readonly Outgoing[]): Promise<void> => {
  const sent = await send(river.aws, bovespa.name, outgoing);
  if (sent.some((s) => s.outcome !== "accepted")) throw new Error("not every message was accepted");
};

/** The messages of a file whose origin is given, as the scraper would send them. */
export const outgoing = async (bytes: Uint8Array, at: { scraped_at: string; version: string }): Promise<Outgoing[]> => {
  const format = bovespa.raw!.format;
  const source = bytesOf(bytes);
  const survey = await format.survey(source);
  const origin: Origin = { sha256: digest(Buffer.from(bytes).toString("latin1")), ...at };
  const all: Outgoing[] = [];
  for await (const groups of format.groups(source, survey))
    for (const group of groups) all.push(...messages(bovespa, { source: "f", origin }, group, digest));
  return all;
};

/** The same messages cut into pieces: each record a message of its own. Its rows have the ids that they had. */
export const inPieces = (whole: readonly Outgoing[]): Outgoing[] =>
  whole.flatMap(({ group, body }) => {
    const event = JSON.parse(body) as { data: { records: unknown[] } };
    return event.data.records.map((record) => {
      const id = digest(JSON.stringify([group, record])).slice(0, 32);
      const piece = { ...event, id, data: { ...event.data, records: [record] } };
      return { id, group, body: JSON.stringify(piece) };
    });
  });

export const inputsOf = (sent: readonly Outgoing[]): Input[] => sent.map(({ body }) => ({ message: body }));

/** The refined tables, ordered by their keys, as Athena's CSV. */
export const snapshot = async (river: Reader): Promise<Record<string, string>> => {
  const texts: Record<string, string> = {};
  for (const table of tableNames) {
    // Raw keeps every arrival: its distinct events, whatever message they came in.
    const raw = table === "bovespa_raw";
    const what = raw ? "DISTINCT event_id, datpre, codneg, preult, voltot, scraped_at, origin_rows" : "*";
    const by = raw ? "event_id" : orderOf(table);
    texts[table] = await csvOf(river, `SELECT ${what} FROM ${table} ORDER BY ${by}`);
  }
  return texts;
};

const orderOf = (table: TableName): string => keys[table].join(", ");

/** A shuffle by a generator of its own. */
export const shuffled = <T>(all: readonly T[], next: () => number): T[] => {
  const out = [...all];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
};
