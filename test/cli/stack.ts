import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../../packages/aws/index.ts";
import { send } from "../../packages/aws/queues.ts";
import { logInto } from "../../packages/cli/log.ts";
import type { Place } from "../../packages/cli/place.ts";
import type { Stuck } from "../../packages/cli/status/index.ts";
import { type Status, status } from "../../packages/cli/status/index.ts";
import type { WireRecord } from "../../packages/core/dataset.ts";
import { instant, messages } from "../../packages/core/message.ts";
import { laptop } from "../../packages/core/stage.ts";
import { type Topology, topology } from "../../packages/core/topology.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { catalogue } from "../../packages/datasets/index.ts";
import { refineJob } from "../../packages/engines/duckdb/job.ts";
import { type River, type Stack, type StartOptions, start } from "../../packages/local/index.ts";
import { translate } from "../../packages/trino/index.ts";
import { silent } from "../place.ts";

export const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

type Options = Partial<StartOptions> & { engine?: River["engine"]; topology?: (built: Topology) => Topology };

/** The whole river in this process but for its clocks, with the seams of `start`, and what `pregao status` says of it. */
export const openRiver = async ({ engine, topology: change, ...options }: Options = {}) => {
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), "pregao-status-"));
  const stage = laptop();
  const datasets = catalogue(stage.layouts);
  const declared = topology(datasets, stage.pace);
  const built = {
    ...declared,
    clocks: [],
    // A second of waiting for company, for each batch, is most of what a test of few messages takes.
    mappings: declared.mappings.map((m) => ({ ...m, batch: Math.min(m.batch, 10), window: 0 })),
  };
  const river = {
    topology: change?.(built) ?? built,
    root: new URL("../../", import.meta.url),
    engine: engine ?? refineJob,
    translate,
  };
  const log: Record<string, unknown>[] = [];
  const stack = await start(river, { stage, onLog: (line) => void log.push(line), graceMs: 0, ...options, dir });
  const aws = connect(stage, { AWS_ENDPOINT_URL: stack.url });
  const output = silent();
  logInto(dir);
  const place: Place = {
    aws,
    stage,
    datasets,
    database: bovespa.database,
    output,
    dir,
    stack: null,
    close: async () => {},
  };
  return {
    ...{ dir, stack, aws, place, log },
    /** Sends records of one file, that says to have `rows` of them in the session. @returns its SHA-256. */
    file: async (
      version: string,
      records: readonly WireRecord[],
      rows: number | null,
      at = Date.now(),
    ): Promise<string> => {
      const origin = { sha256: digest(`${version} ${rows}`), version, scraped_at: instant(at) };
      const group = { subject: String(records[0]?.codneg), records: records.map((r) => ({ ...r, origin_rows: rows })) };
      const sent = await send(aws, "bovespa", messages(bovespa, { source: `${version}.TXT`, origin }, group, digest));
      if (sent.some(({ outcome }) => outcome !== "accepted")) throw new Error("not accepted");
      return origin.sha256;
    },
    idle: () => stack.idle(),
    /** What a clock does for a dataset that comes from no file. */
    make: async (dataset: string) => {
      await stack.invoke("advance", { datasets: [dataset] });
      await stack.idle();
    },
    look: (now?: number, given: Partial<Place> = {}) => look({ ...place, ...given }, now),
    /** Its directory stays if it was given. */
    close: async () => {
      aws.close();
      await stack.stop();
      if (options.dir === undefined) rmSync(dir, { recursive: true, force: true });
    },
  };
};
export type TestRiver = Awaited<ReturnType<typeof openRiver>>;

export type Look = { exit: 0 | 1; status: Status; stuck: Stuck[]; screen: string };

/** `pregao status`, and the exit status it would end with. */
export const look = async (place: Place, now?: number): Promise<Look> => {
  const output = silent();
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await status({ ...place, output }, now);
    const said = output.documents[0] as Status;
    return { exit: process.exitCode ? 1 : 0, status: said, stuck: said.stuck, screen: output.screens[0] ?? "" };
  } finally {
    process.exitCode = before;
  }
};

export type { Stack };

/** A record of a day, valid in every way. */
export const record = (ticker: string, session: string, index: number): WireRecord =>
  bovespa.raw!.sample(ticker, session, index);
