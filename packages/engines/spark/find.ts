import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PregaoError } from "../../core/errors.ts";

/** What a Spark job needs on this machine: a Python that has PySpark and boto3, and where its PySpark is. */
export type Spark = { python: string; home: string; version: string };

/** Glue 5.1's version; rows are the same as DuckDB's with this one, tested. */
const VERSION = "3.5";
/** What Spark 3.5 runs on; Glue 5.1 and the tests have 17. */
const JAVAS = [8, 11, 17];
const HOW = `Get them in this project's folder by:
  python3 -m venv .cache/python && .cache/python/bin/pip install pyspark==3.5.6 boto3
and Java 17 by your system's packages (apt-get install openjdk-17-jre-headless, brew install openjdk@17). Another Python is named by PREGAO_PYTHON, another Java by JAVA_HOME. Without Spark: leave out --engine spark`;

const PROBE = [
  "import json, os, boto3, pyspark",
  // Another Spark's programs would not be of the version that was looked at.
  'print(json.dumps({"version": pyspark.__version__, "home": os.path.dirname(pyspark.__file__)}))',
].join("\n");

const own = fileURLToPath(new URL("../../../.cache/python/bin/python", import.meta.url));

/** $PREGAO_PYTHON, else that of the virtual environment that is active, else the project's own, else the system's. */
export const pythonOf = (env: NodeJS.ProcessEnv): string => {
  if (env.PREGAO_PYTHON) return env.PREGAO_PYTHON;
  if (env.VIRTUAL_ENV) return join(env.VIRTUAL_ENV, "bin", "python");
  return existsSync(own) ? own : "python3";
};

/** @throws PregaoError `spark` if PySpark or Java is missing or of another version: what came, and how to get it. */
export const findSpark = async (env: NodeJS.ProcessEnv = process.env): Promise<Spark> => {
  const java = env.JAVA_HOME ? join(env.JAVA_HOME, "bin", "java") : "java";
  const python = pythonOf(env);
  const [probed, ran] = await Promise.all([said(python, ["-c", PROBE], env), said(java, ["-version"], env)]);
  if (!probed.ok)
    throw missing(`expected ${python} to have pyspark ${VERSION} and boto3, ${lastLine(probed.text) ?? "it ended"}`);
  const { version, home } = JSON.parse(probed.text) as { version: string; home: string };
  if (!version.startsWith(`${VERSION}.`))
    throw missing(`expected PySpark ${VERSION} (of AWS Glue 5.1) in ${python}, came ${version}`);
  if (!ran.ok) throw missing(`expected Java 17 as ${java}, ${lastLine(ran.text) ?? "it ended"}`);
  const major = javaOf(ran.text);
  if (!JAVAS.includes(major))
    throw missing(`expected Java 17 (or 8 or 11) as ${java}, came ${major || ran.text.trim().split("\n")[0]}`);
  return { python, home, version };
};

/** The major version in what `java -version` says: 17 of `"17.0.15"`, 8 of `"1.8.0_402"`; 0 if it says none. */
export const javaOf = (text: string): number => Number(/version "(?:1\.)?(\d+)/.exec(text)?.[1] ?? 0);

const missing = (what: string): PregaoError => new PregaoError("spark", `${what}. ${HOW}`);

const lastLine = (text: string): string | undefined => text.trim().split("\n").at(-1) || undefined;

/** What a program prints until it ends, and whether it ended well. */
const said = (
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ ok: boolean; text: string }> =>
  new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    let trouble = "";
    child.stdout.on("data", (chunk) => {
      text += chunk;
    });
    child.stderr.on("data", (chunk) => {
      trouble += chunk;
    });
    child.once("error", (error: NodeJS.ErrnoException) =>
      resolve({ ok: false, text: error.code === "ENOENT" ? "there is none" : error.message }),
    );
    child.once("close", (code) =>
      resolve({ ok: code === 0, text: code === 0 ? text + (text ? "" : trouble) : trouble }),
    );
  });
