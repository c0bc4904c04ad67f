import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Scraped, scrape } from "../../functions/messages.ts";
import { inMemory } from "../../functions/origin.ts";
import { type Aws, connect } from "../../packages/aws/index.ts";
import { all } from "../../packages/aws/queries.ts";
import { depth, send } from "../../packages/aws/queues.ts";
import { getJson, list } from "../../packages/aws/store.ts";
import { type Commit, parseCommit } from "../../packages/core/commit.ts";
import { readDeadLetter } from "../../packages/core/reject.ts";
import { numberOf } from "../../packages/core/run.ts";
import { laptop } from "../../packages/core/stage.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { peek } from "../peek.ts";
import { cotahist } from "../synthetic.ts";

const bin = fileURLToPath(new URL("../../bin/pregao.js", import.meta.url));
export const PRELOAD = new URL("./points.mjs", import.meta.url).href;

export type Ended = { status: number | null; signal: NodeJS.Signals | null; out: string; err: string };
/** A river of another process, as it answers. */
export type Up = {
  child: ChildProcess;
  url: string;
  port: number;
  ended: Promise<Ended>;
  stop: () => Promise<Ended>;
};

/** The command as a child; `env` may name points.mjs's settings, which loads it. */
export const command = (args: readonly string[], env: Record<string, string> = {}, wrap: readonly string[] = []) => {
  const [file, ...rest] = [...wrap, process.execPath, bin, ...args];
  const preload = Object.keys(env).some((name) => name.startsWith("PREGAO_"));
  const child = spawn(file!, rest, {
    cwd: tmpdir(),
    env: { ...process.env, ...env, ...(preload ? { NODE_OPTIONS: `--import=${PRELOAD}` } : {}) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const so = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    so.out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    so.err += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, ...so }));
  });
  return { child, so, ended };
};

/** `pregao up` on a state directory; null if it ended before it answered. */
export const up = async (
  dir: string,
  env: Record<string, string> = {},
  options: { port?: number; wrap?: readonly string[] } = {},
): Promise<Up | null> => {
  const { child, so, ended } = command(
    ["up", "--json", "--state", dir, "--port", String(options.port ?? 0)],
    env,
    options.wrap,
  );
  const url = await new Promise<string | null>((resolve, reject) => {
    child.stdout.on("data", () => {
      const { url, message } = so.out.endsWith("}\n") ? (JSON.parse(so.out) as { url?: string; message?: string }) : {};
      if (url) resolve(url);
      else if (message) reject(new Error(`up: ${message}`));
    });
    void ended.then(() => resolve(null));
  });
  if (url === null) return null;
  const stop = () => {
    child.kill("SIGINT");
    return ended;
  };
  return { child, url, port: Number(new URL(url).port), ended, stop };
};

/** A folder of a test's own with a state directory in it whose calendar is refined already. */
export const template = async (): Promise<{ copy: () => string; remove: () => void }> => {
  const root = mkdtempSync(join(tmpdir(), "pregao-kills-"));
  const first = join(root, "template");
  const river = await up(first);
  if (!river) throw new Error("the template's river did not start");
  await idle(river.url);
  await river.stop();
  let copies = 0;
  return {
    copy: () => {
      const dir = join(root, `state-${++copies}`);
      cpSync(first, dir, { recursive: true });
      return dir;
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
};

export const idle = async (url: string): Promise<void> => {
  const answer = await fetch(`${url}/_pregao/idle`);
  if (answer.status !== 200) throw new Error(`idle: ${answer.status}`);
  await answer.text();
};

/** A stage's clients that can be told to give up at once, as a person does who presses Ctrl-C. */
export const client = (url: string): Aws & { giveUp: () => void } => {
  const aws = connect(laptop(), { AWS_ENDPOINT_URL: url });
  let over = false;
  for (const { middlewareStack } of [aws.sqs, aws.s3, aws.athena])
    (middlewareStack as typeof aws.sqs.middlewareStack).add(
      (next) => (args) => (over ? Promise.reject(new Error("the client was ended")) : next(args)),
      { step: "initialize" },
    );
  return Object.assign(aws, {
    giveUp: () => {
      over = true;
    },
  });
};

/**
 * What is ingested: two sessions, of the second of which three records are refused by the consumer (a high below the
 * low, letters in a price, a quote factor of 7), so that it stays incomplete.
 */
export const cargo = (perSession: number): Uint8Array => {
  const text = cotahist({ sessions: ["2024-03-07", "2024-03-08"], perSession, seed: 7 }).toString("latin1");
  const lines = text.split("\r\n");
  const put = (line: number, at: number, value: string) => {
    const old = lines[line]!;
    lines[line] = old.slice(0, at) + value + old.slice(at + value.length);
  };
  const second = 1 + perSession;
  put(second, 69, "0000000000001");
  put(second + 1, 108, "00000000O0100");
  put(second + 2, 210, "0000007");
  return Buffer.from(lines.join("\r\n"), "latin1");
};

/** Bodies that are no message of ours. */
const NONSENSE = ["not JSON", '{"specversion":"1.0"}'];

/** Sends it all, as `pregao ingest` and `pregao publish` do. Throws unless all of it was accepted, by `until` if given. */
export const ingest = async (aws: Aws, bytes: Uint8Array, until?: number): Promise<Scraped> => {
  const file = { source: "COTAHIST_D08032024.TXT", bytes: inMemory(bytes) };
  const scraped = await scrape(aws, bovespa, file, {}, until);
  const sent = await send(
    aws,
    "bovespa",
    NONSENSE.map((body, i) => ({ id: String(i), group: "NONSENSE", body })),
    until === undefined ? {} : { until },
  );
  if (scraped.accepted.rows !== scraped.rows || sent.some((s) => s.outcome !== "accepted"))
    throw new Error(`not all of it was accepted: ${scraped.reason ?? sent.find((s) => s.reason)?.reason}`);
  return scraped;
};

/** When bytes were first archived differs between two rivers; nothing else may. */
const INSTANTS = new Set(["scraped_at"]);

/** All that a person can see of a river at rest: rows in the order of their keys, dead letters, and what is not at rest. */
export const picture = async (aws: Aws) => {
  const tables: Record<string, string[]> = {};
  for (const t of bovespa.tables) {
    const columns = [...Object.keys(t.columns), ...Object.keys(t.partitions)].filter((name) => !INSTANTS.has(name));
    const key = [...t.key].filter((name) => !INSTANTS.has(name));
    const rows = await all(
      aws,
      `SELECT ${columns.join(", ")} FROM ${t.name} ORDER BY ${key.join(", ")}`,
      bovespa.database,
    );
    tables[t.name] = rows.map((row) => JSON.stringify(row));
  }
  const [raw] = await all(aws, "SELECT count(DISTINCT event_id) AS events FROM bovespa_raw", bovespa.database);
  const letters = await peek(aws, "bovespa-dlq", (messages) => [
    ...new Set(
      messages.map((m) => {
        const letter = readDeadLetter(m.body, m);
        return `${letter.id} ${letter.reason} ${letter.path} ${letter.ticker} ${letter.records.length}`;
      }),
    ),
  ]);
  return { tables, raw: raw?.events, letters: letters.sort(), unrest: await unrest(aws) };
};

/** What would be stuck: empty on a river at rest. */
const unrest = async (aws: Aws): Promise<Record<string, unknown>> => {
  const found: Record<string, unknown> = {};
  for (const queue of ["bovespa", "landed", "landed-dlq"]) {
    const { visible, inFlight } = await depth(aws, queue);
    if (visible + inFlight > 0) found[queue] = { visible, inFlight };
  }
  const last = async (prefix: string): Promise<{ key: string; number: number } | null> => {
    for await (const { key } of list(aws, "state", prefix, { limit: 1 })) return { key, number: numberOf(key) };
    return null;
  };
  const [run, newest] = [await last("runs/bovespa/"), await last("commits/bovespa/")];
  if (run?.number !== newest?.number) found.open = run?.number;
  if (newest) {
    const commit: Commit = parseCommit(await getJson(aws, "state", newest.key), newest.key);
    if (commit.held.length + commit.failed.length + commit.rejected.length > 0) found.commit = commit;
  }
  const dropped = (await (await fetch(`${aws.endpoint}/_pregao/dropped`)).json()) as { count: number };
  if (dropped.count > 0) found.dropped = dropped;
  return found;
};

/** Lines of a count run: how often each point was passed, and in which order they came first. */
export const tally = (text: string): Map<string, number> => {
  const counts = new Map<string, number>();
  for (const name of text.split("\n").filter(Boolean)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
};
