/** The OpenX JSON SerDe itself, which Firehose's JSON conversion is documented to be, as a process that answers. */
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { ParquetColumn } from "../../packages/engines/duckdb/parquet.ts";
import { onLine } from "./lines.ts";
import { cache } from "./python.ts";

/** One value as Hive's standard objects print it, null, or why it cannot be read. */
export type SerdeValue = string | null | { error: string };
export type SerdeAnswer = { values: SerdeValue[] } | { error: string };

export type Serde = {
  /** What it makes of each document, in order. */
  ask: (documents: readonly string[]) => Promise<SerdeAnswer[]>;
  stop: () => void;
};

const HADOOP = /^(hadoop-client-(api|runtime)|slf4j-api|jcl-over-slf4j|commons-lang-2|guava|log4j-(1\.2-api|api|core))/;

const classPath = (): string => {
  const lib = join(cache, "python/lib/python3.11/site-packages/pyspark/jars");
  const hadoop = readdirSync(lib).filter((name) => HADOOP.test(name));
  return [join(cache, "serde/classes"), join(cache, "serde/lib/*"), ...hadoop.map((name) => join(lib, name))].join(
    delimiter,
  );
};

/** Starts it for a table of these columns. */
export const startSerde = (columns: readonly ParquetColumn[]): Serde => {
  const java = process.env.JAVA_HOME === undefined ? "java" : join(process.env.JAVA_HOME, "bin/java");
  const child = spawn(java, ["-Xmx256m", "-Duser.timezone=UTC", "-cp", classPath(), "Oracle"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const waiting: { resolve: (answer: SerdeAnswer) => void; reject: (error: Error) => void }[] = [];
  const fail = (error: Error) => {
    for (const one of waiting.splice(0)) one.reject(error);
  };
  child.once("error", fail);
  child.once("close", (code) => fail(new Error(`the SerDe ended with ${code}`)));
  child.stdin.on("error", () => {});
  onLine(child.stdout, (line) => waiting.shift()?.resolve(JSON.parse(line) as SerdeAnswer));
  child.stdin.write(`${columns.map((c) => c.name).join(",")}\n${columns.map((c) => c.type).join(",")}\n`);
  return {
    ask: (documents) => {
      const answers = documents.map(
        () => new Promise<SerdeAnswer>((resolve, reject) => waiting.push({ resolve, reject })),
      );
      child.stdin.write(documents.map((text) => `${Buffer.from(text).toString("base64")}\n`).join(""));
      return Promise.all(answers);
    },
    stop: () => void child.kill("SIGKILL"),
  };
};
