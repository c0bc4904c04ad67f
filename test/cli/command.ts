import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const bin = fileURLToPath(new URL("../../bin/pregao.js", import.meta.url));

export type Ended = { status: number | null; signal: NodeJS.Signals | null; out: string; err: string };
export type Options = {
  input?: string;
  cwd?: string;
  /** Over this process' own; undefined takes a variable away. */
  env?: Record<string, string | undefined>;
  /** Called with the process as soon as there is one. */
  begun?: (child: ChildProcess) => void;
  /** Called with the process and what it said so far, whenever it says more. */
  watch?: (child: ChildProcess, so: { out: string; err: string }) => void;
};

/** A folder of a test's own; `remove` takes it away. */
export const folder = (): { dir: string; remove: () => void } => {
  const dir = mkdtempSync(join(tmpdir(), "pregao-cli-"));
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
};

/** The command as a person runs it, without a terminal; its own process, so that its exit status is the real one. */
export const pregao = (args: readonly string[], options: Options = {}): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bin, ...args], {
      cwd: options.cwd ?? tmpdir(),
      env: { ...process.env, ...options.env },
    });
    options.begun?.(child);
    const so = { out: "", err: "" };
    for (const [stream, to] of [
      [child.stdout, "out"],
      [child.stderr, "err"],
    ] as const)
      stream.setEncoding("utf8").on("data", (text: string) => {
        so[to] += text;
        options.watch?.(child, so);
      });
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ status, signal, ...so }));
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });

/** A `pregao up` on a state directory. */
export type Up = { url: string; idle: () => Promise<void>; stop: () => Promise<Ended> };

export const up = async (state: string, args: readonly string[] = []): Promise<Up> => {
  let process: ChildProcess | undefined;
  let ended: Promise<Ended> | undefined;
  const url = await new Promise<string>((resolve, reject) => {
    ended = pregao(["up", "--json", "--state", state, ...args], {
      watch: (child, { out }) => {
        process = child;
        if (out.endsWith("}\n")) resolve((JSON.parse(out) as { url: string }).url);
      },
    });
    ended.then((e) => reject(new Error(`up ended: ${e.err}`)), reject);
  });
  return {
    url,
    idle: async () => {
      await (await fetch(`${url}/_pregao/idle`)).text();
    },
    stop: () => {
      process?.kill("SIGINT");
      return ended!;
    },
  };
};

/** Standard output as the one JSON document that it must be. */
export const document = <T = Record<string, unknown>>(ended: Ended): T => JSON.parse(ended.out) as T;

/** Nothing of the inside of the program may reach a person who made a mistake. */
export const stackTrace = /\n\s+at |unexpected: |node:internal/;
