import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openPlace, stageOn } from "../../packages/cli/place.ts";
import { PregaoError } from "../../packages/core/errors.ts";
import { findSpark, javaOf, pythonOf } from "../../packages/engines/spark/find.ts";
import { sparkJob } from "../../packages/engines/spark/job.ts";
import { silent } from "../place.ts";
import { pregao } from "./command.ts";
import { openRiver } from "./stack.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "pregao-engine-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A program of the test's own. */
const program = (path: string, body: string): string => {
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
  return path;
};
const java = (version = "17.0.1") =>
  program(join(dir, "java", "bin", "java"), `echo 'openjdk version "${version}"' >&2`);
const python = (body: string) => program(join(dir, "python"), body);
const home = () => join(dir, "pyspark");
const answering = (version = "3.5.6") => `echo '{"version": "${version}", "home": "${home()}"}'`;
const env = (over: Record<string, string> = {}) => ({
  PATH: join(dir, "empty"),
  JAVA_HOME: join(dir, "java"),
  ...over,
});

const refusal = (given: Record<string, string>): Promise<PregaoError> =>
  findSpark(given).then(
    () => {
      throw new Error("it was found");
    },
    (error) => error as PregaoError,
  );

describe("--engine spark where Spark cannot run", () => {
  test("says that there is no Python, and how to get what is missing", async () => {
    java();
    const error = await refusal(env({ PREGAO_PYTHON: join(dir, "none") }));
    expect(error).toBeInstanceOf(PregaoError);
    expect(error.code).toBe("spark");
    expect(error.message).toContain(`expected ${join(dir, "none")} to have pyspark 3.5 and boto3, there is none`);
    expect(error.message).toContain("pip install pyspark==3.5.6 boto3");
    expect(error.message).toContain("Java 17");
  });

  test("says what the Python lacks", async () => {
    java();
    const without = python(`echo "ModuleNotFoundError: No module named 'pyspark'" >&2; exit 1`);
    const { code, message } = await refusal(env({ PREGAO_PYTHON: without }));
    expect(code).toBe("spark");
    expect(message).toContain("No module named 'pyspark'");
  });

  test("refuses another Spark than Glue's, whose rows nobody compared", async () => {
    java();
    const { message } = await refusal(env({ PREGAO_PYTHON: python(answering("4.1.1")) }));
    expect(message).toContain("came 4.1.1");
  });

  test("says that Java is missing", async () => {
    const { message } = await refusal(env({ PREGAO_PYTHON: python(answering()) }));
    expect(message).toContain(`expected Java 17 as ${join(dir, "java", "bin", "java")}, there is none`);
  });

  test("refuses a Java that Spark 3.5 does not run on", async () => {
    java("21.0.2");
    const { message } = await refusal(env({ PREGAO_PYTHON: python(answering()) }));
    expect(message).toContain(`expected Java 17 (or 8 or 11) as ${join(dir, "java", "bin", "java")}, came 21`);
    expect(["1.8.0_402", "11.0.22", "17.0.15", "21"].map((version) => javaOf(`java version "${version}" LTS`))).toEqual(
      [8, 11, 17, 21],
    );
  });

  test("takes the Python that is named, then that of the virtual environment", () => {
    expect(pythonOf({ PREGAO_PYTHON: "/a/python", VIRTUAL_ENV: "/b" })).toBe("/a/python");
    expect(pythonOf({ VIRTUAL_ENV: "/b" })).toBe("/b/bin/python");
  });

  test("is found before a state directory is made for it", async () => {
    const state = join(dir, "state");
    for (const words of [["demo"], ["up"], ["ingest", "bovespa", "--file", import.meta.filename]]) {
      const ended = await pregao([...words, "--engine", "spark", "--state", state, "--json"], {
        env: { PREGAO_PYTHON: join(dir, "none") },
      });
      expect(ended.status).toBe(1);
      expect(JSON.parse(ended.out)).toMatchObject({ error: "spark" });
      expect(existsSync(state)).toBe(false);
    }
  });

  test("an engine that there is not is wrong usage", async () => {
    const ended = await pregao(["demo", "--engine", "trino", "--state", join(dir, "state")]);
    expect(ended.status).toBe(2);
    expect(ended.err).toContain("Allowed choices are duckdb, spark");
  });
});

test("a river that runs with another engine is not used as if it had this one", async () => {
  stageOn(dir, {});
  const river = await openRiver({ dir, engineName: "spark" });
  try {
    const asked = openPlace({ state: river.dir, engine: "duckdb" }, silent());
    await expect(asked).rejects.toMatchObject({ code: "engine" });
    for (const engine of ["spark", undefined] as const) {
      const place = await openPlace({ state: river.dir, engine }, silent());
      expect(place.stack).toBeNull();
      await place.close(false);
    }
  } finally {
    await river.close();
  }
});

describe("a Spark job", () => {
  const job = (signal = new AbortController().signal) => ({
    arguments: { "--dataset": "bovespa", "--run": "7", "--state": "state", "--lake": "lake" },
    jobRunId: "jr_1",
    signal,
    endpoint: "http://127.0.0.1:9",
    files: join(dir, "s3"),
    store: { scratch: join(dir, "scratch"), read: () => Promise.reject(new Error("there is none")) },
  });
  /** A python that answers the probe as Spark's and runs what it is to launch, or has the system's do it; a spark-submit. */
  const fake = (submit: string, launcher = `shift; exec "$@"`) => {
    java();
    process.env.PREGAO_PYTHON = python(`if [ "$1" = -c ]; then ${answering()}; else ${launcher}; fi`);
    process.env.JAVA_HOME = join(dir, "java");
    program(join(home(), "bin", "spark-submit"), submit);
  };
  const before = { ...process.env };
  afterEach(() => {
    for (const name of ["PREGAO_PYTHON", "JAVA_HOME"])
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
  });

  test("is given Glue's arguments, its own id, and where files are; and no AWS but the stack", async () => {
    process.env.AWS_PROFILE = "production";
    try {
      fake(`printf '%s\\n' "$@" > ${dir}/words; env > ${dir}/env`);
      await sparkJob(job());
    } finally {
      delete process.env.AWS_PROFILE;
    }
    const words = readFileSync(join(dir, "words"), "utf8").trim().split("\n");
    const script = words.findIndex((word) => word.endsWith("spark/refine.py"));
    const scratch = join(dir, "scratch", "spark", "lake");
    expect(words.slice(script + 1)).toEqual(
      [
        "--dataset bovespa --run 7 --state state --lake lake --JOB_RUN_ID jr_1",
        "--files",
        job().files,
        "--scratch",
        scratch,
      ]
        .join(" ")
        .split(" "),
    );
    const seen = readFileSync(join(dir, "env"), "utf8");
    expect(seen).toContain("AWS_ENDPOINT_URL=http://127.0.0.1:9\n");
    expect(seen).toContain("TZ=UTC\n");
    expect(seen).not.toContain("production");
  });

  test("that refuses keeps its code and words, whatever Spark says around them", async () => {
    fake(
      `echo '26/11/21 INFO noise'; echo '{"code": "base", "message": "[base] refined/a/b.parquet: cut"}' >&2; echo 'Traceback …'; exit 1`,
    );
    await expect(sparkJob(job())).rejects.toMatchObject({ code: "base", message: "[base] refined/a/b.parquet: cut" });
  });

  test("whose machine dies says what it said last", async () => {
    fake("echo 'java.lang.OutOfMemoryError: Java heap space'; kill -9 $$");
    await expect(sparkJob(job())).rejects.toThrow(/before the job did: .*OutOfMemoryError/);
  });

  const hasPython = spawnSync("python3", ["--version"]).status === 0;
  test.skipIf(!hasPython)("that is stopped ends with all that it started", async () => {
    fake(
      `sleep 1000 & echo $! > ${dir}/child; echo $$ > ${dir}/parent; mv ${dir}/parent ${dir}/ready; wait`,
      `exec python3 "$@"`,
    );
    const abort = new AbortController();
    const ready = new Promise<void>((resolve) => {
      const watcher = watch(dir, (_, name) => {
        if (name !== "ready" || !existsSync(join(dir, "ready"))) return;
        watcher.close();
        resolve();
      });
    });
    const ended = sparkJob(job(abort.signal));
    const outcome = expect(ended).rejects.toThrow("the job run was stopped");
    await ready;
    abort.abort(new Error("the job run was stopped"));
    await outcome;
    const pid = Number(readFileSync(join(dir, "child"), "utf8"));
    const lives = (): boolean => {
      try {
        process.kill(pid, 0);
        // A zombie that its new parent has not yet buried is dead.
        return !/^State:\s+Z/m.test(
          existsSync(`/proc/${pid}/status`) ? readFileSync(`/proc/${pid}/status`, "utf8") : "",
        );
      } catch {
        return false;
      }
    };
    expect(lives()).toBe(false);
  });
});
