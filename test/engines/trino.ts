/**
 * A real Trino whose Hive connector has our Glue for its metastore and our S3 for its files, over the wire: what Athena
 * is made of. Each test file starts its own, on a port of its own; it is gone when the process that started it is.
 */
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cache, python } from "./python.ts";
import { parseRaw, type Raw } from "./raw-json.ts";

/** A type in its parts, as the protocol has it: `decimal` with two LONG arguments, `array` with one TYPE, … */
export type Signature = { rawType: string; arguments: { kind: string; value: unknown }[] };
export type Column = { name: string; type: string; typeSignature: Signature };
export type Failed = { error: string; message: string; line?: number; column?: number };
export type Answered = { columns: Column[]; rows: Raw[][]; updateType?: string };

export type Trino = {
  url: string;
  /** Runs a statement to its end. What Trino refuses is returned; a Trino that does not answer is thrown. */
  ask: (sql: string) => Promise<Answered | Failed>;
  /** The same, where a refusal is the test's failure. */
  run: (sql: string) => Promise<Answered>;
  stop: () => Promise<void>;
};

export type TrinoOptions = {
  /** The stack's own address. */
  endpoint: string;
  region: string;
  /** The schema of names without one. */
  database: string;
};

type Page = {
  nextUri?: string;
  columns?: Column[];
  updateType?: string;
  error?: { errorName: string; message: string; errorLocation?: { lineNumber: number; columnNumber: number } };
};

const home = join(cache, "trino");
const java = process.env.JAVA_HOME === undefined ? "java" : join(process.env.JAVA_HOME, "bin/java");

/** Trino says so while its parts find each other; what is asked then is asked again. */
const STARTING = new Set(["SERVER_STARTING_UP", "NO_NODES_AVAILABLE"]);
const START_MS = 180_000;

const properties = (values: Record<string, string | number>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");

const configure = (dir: string, { endpoint, region }: TrinoOptions): void => {
  const catalogs = join(dir, "catalog");
  mkdirSync(catalogs);
  writeFileSync(
    join(dir, "config.properties"),
    properties({
      coordinator: "true",
      "node-scheduler.include-coordinator": "true",
      "http-server.http.port": 0,
      // The port is not known yet, and one node finds itself without it.
      "discovery.uri": "http://127.0.0.1:1",
      "catalog.management": "static",
      "catalog.config-dir": catalogs,
      "plugin.dir": join(home, "plugin"),
      "query.max-memory": "512MB",
      "query.max-memory-per-node": "512MB",
      "query.max-total-memory": "512MB",
    }),
  );
  // Names are folded to lower case, so this is also "AwsDataCatalog". A property that is not used stops the server.
  writeFileSync(
    join(catalogs, "awsdatacatalog.properties"),
    properties({
      "connector.name": "hive",
      "hive.metastore": "glue",
      "hive.metastore.glue.endpoint-url": endpoint,
      "hive.metastore.glue.region": region,
      "hive.metastore.glue.aws-access-key": "local",
      "hive.metastore.glue.aws-secret-key": "local",
      "hive.partition-projection-enabled": "true",
      "hive.storage-format": "PARQUET",
      "hive.compression-codec": "GZIP",
      "hive.non-managed-table-writes-enabled": "true",
      "hive.allow-drop-table": "true",
      // Our Glue keeps no column statistics: it says that there are none, and refuses to be given some.
      "hive.collect-column-statistics-on-write": "false",
      "fs.hadoop.enabled": "false",
      "fs.native-s3.enabled": "true",
      "s3.endpoint": endpoint,
      "s3.region": region,
      "s3.path-style-access": "true",
      "s3.aws-access-key": "local",
      "s3.aws-secret-key": "local",
    }),
  );
};

/** Starts it and waits until it answers. Throws with the end of its log when it does not within three minutes. */
export const startTrino = async (options: TrinoOptions): Promise<Trino> => {
  if (!existsSync(join(home, "installed")))
    throw new Error(`expected Trino in ${home}, which is not there; run: node test/engines/install.ts`);
  const dir = mkdtempSync(join(tmpdir(), "pregao-trino-"));
  configure(dir, options);
  const log = join(dir, "server.log");
  const out = openSync(log, "w");
  const system = {
    config: join(dir, "config.properties"),
    "node.environment": "test",
    "node.id": "test",
    "node.data-dir": join(dir, "data"),
    "node.bind-ip": "127.0.0.1",
    "node.internal-address": "127.0.0.1",
    "user.timezone": "UTC",
    "file.encoding": "UTF-8",
    "jdk.attach.allowAttachSelf": "true",
    "jdk.nio.maxCachedBufferSize": "2000000",
  };
  // By way of launch.py: of what it starts nothing lives on when this process dies, however it dies.
  const child = spawn(
    python,
    [
      join(import.meta.dirname, "../../packages/engines/spark/launch.py"),
      java,
      `-Djava.io.tmpdir=${dir}`,
      "-Xmx1536m",
      "-XX:TieredStopAtLevel=1",
      "-XX:ReservedCodeCacheSize=256M",
      "-XX:-UsePerfData",
      ...Object.entries(system).map(([name, value]) => `-D${name}=${value}`),
      "-cp",
      [join(home, "classes"), join(home, "lib/*")].join(":"),
      "Start",
    ],
    { cwd: dir, stdio: ["pipe", out, out], env: { PATH: process.env.PATH, TZ: "UTC" } },
  );
  closeSync(out);
  let failure: unknown;
  child.once("error", (error) => {
    failure = error;
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  child.stdin?.on("error", () => {});
  const stop = async (): Promise<void> => {
    // Nothing of it is kept, so nothing is lost by not saying goodbye: it is killed when this is closed.
    child.stdin?.end();
    if (child.pid !== undefined) await ended;
    rmSync(dir, { recursive: true, force: true });
  };
  const patience = AbortSignal.timeout(START_MS);
  /** What `found` finds, asked again until then. */
  const until = async <T>(found: () => Promise<T | undefined> | T | undefined): Promise<T> => {
    for (;;) {
      const answer = await found();
      if (answer !== undefined) return answer;
      if (failure || child.exitCode !== null || child.signalCode !== null || patience.aborted) {
        const last = readFileSync(log, "utf8").slice(-4000);
        const end = child.signalCode ?? child.exitCode;
        const reason = failure ?? (end === null ? `nothing after ${START_MS / 1000} s` : `ended with ${end}`);
        await stop();
        throw new Error(`Trino did not start (${reason}); its log ends:\n${last}`);
      }
      await sleep(50);
    }
  };
  const url = await until(() => {
    const port = /Started http@.*\{127\.0\.0\.1:(\d+)\}/.exec(readFileSync(log, "utf8"))?.[1];
    return port && `http://127.0.0.1:${port}`;
  });
  const once = asker(url, options.database);
  /** A scan needs a node for its catalog, which may come a moment after the first answer. What no node took ran nowhere. */
  const ask: Trino["ask"] = async (sql) => {
    for (;;) {
      const answer = await once(sql);
      if (!("error" in answer && STARTING.has(answer.error)) || patience.aborted) return answer;
      await sleep(50);
    }
  };
  const run = async (sql: string): Promise<Answered> => {
    const answer = await ask(sql);
    if ("error" in answer) throw new Error(`Trino: ${answer.error}: ${answer.message}\n${sql}`);
    return answer;
  };
  await until(async () => {
    const first = await ask("SELECT 1").catch(() => undefined);
    return first && !("error" in first && STARTING.has(first.error)) ? true : undefined;
  });
  return { url, ask, run, stop };
};

const asker = (url: string, database: string): Trino["ask"] => {
  const headers = {
    "X-Trino-User": "test",
    "X-Trino-Catalog": "awsdatacatalog",
    "X-Trino-Schema": database,
    "X-Trino-Time-Zone": "UTC",
    // Without it timestamps are shown without their precision.
    "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
  };
  const text = async (response: Response): Promise<string> => {
    if (!response.ok) throw new Error(`Trino answered ${response.status}: ${await response.text()}`);
    return response.text();
  };
  return async (sql) => {
    let body = await text(await fetch(`${url}/v1/statement`, { method: "POST", body: sql, headers }));
    const rows: Raw[][] = [];
    let columns: Column[] = [];
    let updateType: string | undefined;
    for (;;) {
      const page = JSON.parse(body) as Page;
      if (page.error) {
        const { errorName, message, errorLocation } = page.error;
        return {
          error: errorName,
          message,
          ...(errorLocation && { line: errorLocation.lineNumber, column: errorLocation.columnNumber }),
        };
      }
      columns = page.columns ?? columns;
      updateType = page.updateType ?? updateType;
      const { members } = parseRaw(body) as { members: [string, Raw][] };
      const data = members.find(([name]) => name === "data")?.[1] as Raw[][] | undefined;
      for (const row of data ?? []) rows.push(row);
      if (!page.nextUri) return { columns, rows, ...(updateType && { updateType }) };
      body = await text(await fetch(page.nextUri, { headers }));
    }
  };
};
