import { spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter, dirname, join } from "node:path";
import { onLine } from "./lines.ts";
import { python } from "./python.ts";

/** One Spark session in a Python process of its own, for as many runs as a test file has. */
export type Spark = {
  /** Carries out a run of the lake in `dir` (folders `lake` and `state`). */
  refine: (request: {
    dir: string;
    dataset: string;
    run: number;
    attempt: string;
  }) => Promise<{ report: unknown; seconds: number } | { code: string; message: string }>;
  /** Each text cast to each type as the datasets' SQL does it; null where it does not fit. */
  casts: (texts: readonly string[], types: readonly string[]) => Promise<Record<string, (string | null)[]>>;
  close: () => Promise<void>;
};

type Waiting = { resolve: (answer: Record<string, unknown>) => void; reject: (error: Error) => void };

export const startSpark = async (): Promise<Spark> => {
  const child = spawn(python, [join(import.meta.dirname, "refine_server.py")], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PATH: [dirname(python), process.env.PATH].join(delimiter),
      HOME: process.env.HOME,
      ...(process.env.JAVA_HOME === undefined ? {} : { JAVA_HOME: process.env.JAVA_HOME }),
      TZ: "UTC",
      SPARK_LOCAL_IP: "127.0.0.1",
      PYTHONDONTWRITEBYTECODE: "1",
    },
  });
  const said: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said.push(text);
    if (said.length > 200) said.splice(0, 100);
  });
  const waiting: Waiting[] = [];
  let ended: Error | null = null;
  const end = (why: string) => {
    ended ??= new Error(`the Spark server ended (${why}):\n${said.join("").slice(-4000)}`);
    for (const { reject } of waiting.splice(0)) reject(ended);
  };
  child.once("error", (error) => end(error.message));
  child.once("close", (code, signal) => end(`${signal ?? code}`));
  child.stdin.on("error", () => {});
  // It answers in the order in which it was asked, one line each.
  onLine(child.stdout, (line) => {
    waiting.shift()?.resolve(JSON.parse(line) as Record<string, unknown>);
  });
  const ask = (request: Record<string, unknown>) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      if (ended) return reject(ended);
      waiting.push({ resolve, reject });
      child.stdin.write(`${JSON.stringify(request)}\n`);
    });
  return {
    refine: async (request) => (await ask({ do: "refine", ...request })) as { report: unknown; seconds: number },
    casts: async (texts, types) =>
      (await ask({ do: "casts", texts, types })).casts as Record<string, (string | null)[]>,
    close: async () => {
      if (ended) return;
      child.stdin.end();
      await once(child, "close");
    },
  };
};
