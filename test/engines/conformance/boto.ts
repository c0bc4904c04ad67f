import { spawn } from "node:child_process";
import { join } from "node:path";
import { onLine } from "../lines.ts";
import { cache, python } from "../python.ts";
import type { Client, Outcome } from "./client.ts";

/** The environment's own, and nobody's credentials or configuration. */
const env = {
  PATH: process.env.PATH ?? "",
  TZ: "UTC",
  PYTHONDONTWRITEBYTECODE: "1",
  AWS_EC2_METADATA_DISABLED: "true",
};

/** A script that answers each line with a line, in order; it ends when its standard input does. moto prints its crashes. */
const talk = (script: string, args: readonly string[], stderr: "inherit" | "ignore" = "inherit") => {
  const child = spawn(python, [join(import.meta.dirname, script), ...args], {
    env: { ...env, HOME: cache },
    stdio: ["pipe", "pipe", stderr],
  });
  const waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];
  const lines: string[] = [];
  onLine(child.stdout, (line) => {
    const next = waiting.shift();
    if (next) next.resolve(line);
    else lines.push(line);
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let gone: Error | null = null;
  const end = (error: Error) => {
    gone = error;
    for (const one of waiting.splice(0)) one.reject(error);
  };
  child.once("error", end);
  child.once("close", (code) => end(new Error(`${script} ended with ${code}`)));
  child.stdin.on("error", () => undefined);
  return {
    line: (): Promise<string> =>
      lines.length
        ? Promise.resolve(lines.shift()!)
        : gone
          ? Promise.reject(gone)
          : new Promise((resolve, reject) => waiting.push({ resolve, reject })),
    say: (text: string): void => void child.stdin.write(`${text}\n`),
    stop: (): Promise<void> => {
      child.stdin.end();
      return ended;
    },
  };
};

/** boto3, in a Python of its own. */
export const boto = (endpoint: string, region: string): Client => {
  const runner = talk("runner.py", [endpoint, region]);
  return {
    call: async (service, operation, input) => {
      const answer = runner.line();
      runner.say(JSON.stringify({ service, operation, input }));
      return JSON.parse(await answer) as Outcome;
    },
    stop: runner.stop,
  };
};

/** moto's server. @returns its URL. */
export const moto = async (): Promise<{ url: string; stop: () => Promise<void> }> => {
  const server = talk("serve_moto.py", [], "ignore");
  return { url: await server.line(), stop: server.stop };
};
