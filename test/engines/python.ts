/**
 * The Python that the engines' tests run: the virtual environment that install.ts makes.
 * Whoever calls it names its own environment variables; PATH alone is inherited.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** Where the engines are installed; not in git, kept between runs. */
export const cache = join(root, ".cache");

const bin = join(cache, "python", process.platform === "win32" ? "Scripts" : "bin");

/** The path of the environment's interpreter. */
export const python = join(bin, "python");

/** The path of a program that a package brought, such as `aws` or `moto_server`. */
export const program = (name: string): string => join(bin, name);

export type Ran = { code: number; stdout: string; stderr: string };

export type RunOptions = {
  /** Added to PATH, HOME, a UTC clock and UTF-8; nothing else of ours is seen by it. */
  env?: Record<string, string>;
  cwd?: string;
  /** Written to its standard input, which is then closed. */
  input?: string;
  signal?: AbortSignal;
  /** Killed after this, with what it said in the error. 240 s unless told. */
  timeoutMs?: number;
  /** A code other than 0 is returned, not thrown. */
  mayFail?: boolean;
};

/** Runs one program until it ends. Throws with its last words when it fails, unless `mayFail`. */
export const runProgram = (path: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> =>
  new Promise((resolve, reject) => {
    if (!existsSync(path)) {
      reject(new Error(`expected ${path}, which is not there; run: node test/engines/install.ts`));
      return;
    }
    const child = spawn(path, args, {
      cwd: options.cwd,
      env: {
        PATH: [bin, process.env.PATH].join(delimiter),
        HOME: process.env.HOME,
        ...(process.env.JAVA_HOME === undefined ? {} : { JAVA_HOME: process.env.JAVA_HOME }),
        TZ: "UTC",
        SPARK_LOCAL_IP: "127.0.0.1",
        // A JVM that Python starts takes its default charset from here.
        LANG: "C.UTF-8",
        PYTHONUNBUFFERED: "1",
        PYTHONDONTWRITEBYTECODE: "1",
        VIRTUAL_ENV: join(cache, "python"),
        ...options.env,
      },
      stdio: ["pipe", "pipe", "pipe"],
      signal: options.signal,
      killSignal: "SIGKILL",
      timeout: options.timeoutMs ?? 240_000,
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    // A program that ends without reading its input is judged by its code.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const ran = {
        code: code ?? -1,
        stdout: Buffer.concat(stdout).toString("utf8"),
        stderr: Buffer.concat(stderr).toString("utf8"),
      };
      if (ran.code === 0 || (options.mayFail && signal === null)) resolve(ran);
      else reject(new Error(`${path} ${args.join(" ")} ended with ${signal ?? ran.code}:\n${ran.stderr.slice(-4000)}`));
    });
  });

/** Runs a script of Python with the environment's packages. */
export const runPython = (script: string, args: readonly string[] = [], options: RunOptions = {}): Promise<Ran> =>
  runProgram(python, [script, ...args], options);
