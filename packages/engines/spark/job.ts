import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PregaoError } from "../../core/errors.ts";
import { type Run, runKey } from "../../core/run.ts";
import type { Store } from "../store.ts";
import { findSpark } from "./find.ts";

/**
 * What a job run is given: Glue's arguments (`--dataset`, `--run`, `--state`, `--lake`), its own id, where S3 answers, the
 * folder that has its objects as `<bucket>/<key>`, and a folder for temporary files.
 */
export type SparkJob = {
  arguments: Record<string, string>;
  jobRunId: string;
  signal: AbortSignal;
  endpoint: string;
  files: string;
  store: Pick<Store, "scratch" | "read">;
};

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** Of the JVM's heap. What does not fit spills to the scratch folder. */
const MEMORY = "2g";
/** Of a run that reads no more bytes than this, compiling for speed costs more than it brings: two fifths of it all. */
const LITTLE = 32 * 1024 ** 2;
/** Of what Spark says, so much of its end is kept for an error. */
const SAID = 100_000;

/**
 * Runs refine.py as Glue does, by spark-submit, on all cores of this machine. Nothing of it outlives the signal or this
 * process.
 * @throws PregaoError `spark` if it cannot run here, or with the code that the script gives; the signal's reason
 */
export const sparkJob = async ({
  arguments: given,
  jobRunId,
  signal,
  endpoint,
  files,
  store,
}: SparkJob): Promise<void> => {
  signal.throwIfAborted();
  const { python, home } = await findSpark();
  signal.throwIfAborted();
  const cores = availableParallelism();
  const scratch = join(store.scratch, "spark");
  const temporary = join(scratch, "tmp");
  mkdirSync(temporary, { recursive: true });
  const settings: Record<string, string> = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    // Spark joins small ones; large ones, sorted one at a time, fit in memory.
    "spark.sql.shuffle.partitions": String(16 * cores),
    "spark.sql.warehouse.dir": join(scratch, "warehouse"),
    // A comma would make it two folders.
    ...(scratch.includes(",") ? {} : { "spark.local.dir": scratch }),
  };
  const flags = [
    "-Duser.timezone=UTC",
    // What a JVM that is killed leaves behind goes with the scratch folder. A blank would make it two flags.
    ...(/[\s"'\\]/.test(temporary) ? [] : [`-Djava.io.tmpdir=${temporary}`]),
    cores > 2 ? "-XX:+UseParallelGC" : "-XX:+UseSerialGC",
    ...((await bytesOf(given, store)) < LITTLE ? ["-XX:TieredStopAtLevel=1"] : []),
  ].join(" ");
  const command = [
    join(home, "bin", "spark-submit"),
    ...["--master", `local[${cores}]`, "--driver-memory", MEMORY, "--driver-java-options", flags],
    ...Object.entries(settings).flatMap(([name, value]) => ["--conf", `${name}=${value}`]),
    file("refine.py"),
    ...Object.entries(given).flat(),
    ...["--JOB_RUN_ID", jobRunId, "--files", files, "--scratch", join(scratch, "lake")],
  ];
  const { code, text } = await run(
    [python, file("launch.py"), ...command],
    environment(endpoint, python, home, temporary),
    signal,
  );
  signal.throwIfAborted();
  if (code !== 0) throw failure(text, code);
};

/** What a run reads: its objects and its base. Infinite if that cannot be told: the script will say why. */
const bytesOf = async (given: Record<string, string>, store: SparkJob["store"]): Promise<number> => {
  try {
    const key = runKey(given["--dataset"] ?? "", Number(given["--run"]));
    const { objects, tables } = JSON.parse(await readFile((await store.read("state", key)).path, "utf8")) as Run;
    const base = Object.values(tables).flatMap((parts) => Object.values(parts).flatMap(({ files }) => files));
    return [...objects.map(({ size }) => size), ...base.map(({ bytes }) => bytes)].reduce((a, b) => a + b, 0);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
};

/** Nothing of this process's own that could name another AWS. */
const environment = (endpoint: string, python: string, home: string, temporary: string): Record<string, string> => {
  const kept = ["PATH", "HOME", "JAVA_HOME", "LANG"].flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]!]],
  );
  return {
    ...Object.fromEntries(kept),
    TZ: "UTC",
    TMPDIR: temporary,
    SPARK_HOME: home,
    // It looks up the machine's own name otherwise, which not every machine can.
    SPARK_LOCAL_IP: "127.0.0.1",
    PYSPARK_PYTHON: python,
    PYSPARK_DRIVER_PYTHON: python,
    PYTHONDONTWRITEBYTECODE: "1",
    AWS_ENDPOINT_URL: endpoint,
    // What answers there checks no signature; any region will do.
    AWS_DEFAULT_REGION: "sa-east-1",
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_EC2_METADATA_DISABLED: "true",
  };
};

/** Runs a command until it ends or the signal aborts, which ends all that it started. Returns the end of what it said. */
const run = (
  [program, ...args]: readonly string[],
  env: Record<string, string>,
  signal: AbortSignal,
): Promise<{ code: number; text: string }> =>
  new Promise((resolve, reject) => {
    // Its standard input is what tells it that this process lives.
    const child = spawn(program!, args, { env, stdio: ["pipe", "pipe", "pipe"] });
    let text = "";
    const hear = (chunk: Buffer) => {
      text = (text + chunk.toString("utf8")).slice(-SAID);
    };
    const end = () => child.stdin.end();
    child.stdin.on("error", () => {});
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("error", reject);
    child.once("close", (code, killed) => {
      signal.removeEventListener("abort", end);
      resolve({ code: killed ? -1 : (code ?? -1), text });
    });
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });

/** The script's own last words if it had any: a line of JSON with `code` and `message`. */
const failure = (text: string, code: number): Error => {
  const lines = text.split("\n").reverse();
  for (const line of lines) {
    if (!line.startsWith('{"code": ')) continue;
    const said = JSON.parse(line) as { code: string | null; message: string };
    return said.code === null ? new Error(said.message) : new PregaoError(said.code, said.message);
  }
  const last = lines.filter((line) => line.trim()).slice(0, 5);
  return new Error(`Spark ended with ${code} before the job did: ${last.reverse().join(" / ") || "it said nothing"}`);
};
