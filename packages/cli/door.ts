import { constants } from "node:os";
import { CommanderError } from "commander";
import { refusalOf } from "../aws/refusals.ts";
import { PregaoError } from "../core/errors.ts";
import { answer, endBars, isAnswered, type Output, printable } from "./output.ts";

/** Exit status: 0 done, 1 failed, 2 wrong usage. */
type Said = { code: string; message: string; details: Record<string, unknown>; status: 0 | 1 | 2 };

/** What only another command line can mend. */
const WRONG_USAGE = new Set(["usage", "unknown_dataset", "no_queue", "no_origin", "layout"]);

/**
 * The one door through which errors reach a person: on standard error, and with --json as the one document on standard
 * output, unless that has its answer already. Returns the exit status.
 */
export const complain = (thrown: unknown, output: Pick<Output, "json" | "here" | "deployed">): number => {
  const { json, here } = output;
  const stage = output.deployed?.();
  const error = (stage === undefined ? null : refusalOf(thrown, stage)) ?? thrown;
  const { code, details, status, ...rest } = said(error, stage !== undefined);
  const message = here(rest.message);
  if (status === 0 || ended) return status;
  if (json && !isAnswered()) {
    const more = Object.keys(details).length ? { details } : {};
    answer({ error: code, message, ...more });
  }
  // Commander has said it, and where to find help.
  if (!(error instanceof CommanderError)) process.stderr.write(`pregao: ${visible(message)}\n`);
  if (code === "internal") process.stderr.write(`${visible((error as Error)?.stack ?? String(error))}\n`);
  return status;
};

const farewells = new Set<() => Promise<unknown>>();
/** The longest that a command that was told to end takes for its farewells. */
const FAREWELL_MS = 1500;
let ended = false;

/** Something to put right first when a signal ends the command. Returns what takes it back. */
export const beforeEnd = (work: () => Promise<unknown>): (() => void) => {
  farewells.add(work);
  return () => farewells.delete(work);
};

/** What a person is told to do next when a signal ends the command. */
let goesOnWith = "pregao status";
/** From now on the command may be ended and goes on with this one. Returns what takes it back. */
export const goesOn = (command: string): (() => void) => {
  const before = goesOnWith;
  goesOnWith = command;
  return () => {
    goesOnWith = before;
  };
};

/** Ctrl-C and SIGTERM end a command; a river of its own survives that as it survives a kill. */
export const endBySignal = (output: Pick<Output, "json" | "here" | "deployed">): void => {
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, async () => {
      endBars();
      const goes = output.deployed?.() === undefined ? "with the next command" : "by itself";
      const message = `ended by ${signal}. What was accepted is kept and goes on ${goes}. Next: ${goesOnWith}`;
      complain(new PregaoError("interrupted", message), output);
      ended = true;
      const late = new Promise((resolve) => setTimeout(resolve, FAREWELL_MS));
      await Promise.race([Promise.allSettled([...farewells].map((work) => work())), late]);
      process.exit(128 + constants.signals[signal]);
    });
};

/** File names and values of other people stand in messages: they must not steer the terminal. */
const visible = (text: string): string => text.split("\n").map(printable).join("\n");

const said = (error: unknown, deployed: boolean): Said => {
  const failed = (code: string, message: string): Said => ({ code, message, details: {}, status: 1 });
  if (error instanceof CommanderError) {
    const message = error.code === "commander.help" ? "expected a command; see pregao --help" : error.message;
    return {
      code: "usage",
      message: message.replace(/^error: /, ""),
      details: {},
      status: error.exitCode === 0 ? 0 : 2,
    };
  }
  if (error instanceof PregaoError)
    return {
      code: error.code,
      message: error.message,
      details: error.details,
      status: WRONG_USAGE.has(error.code) ? 2 : 1,
    };
  const { name, message, code, syscall, path, cause } = error as NodeJS.ErrnoException & {
    cause?: { code?: string; message?: string };
  };
  if (message === "fetch failed")
    return failed(
      "origin",
      `expected the origin's server to answer, came ${cause?.code ?? cause?.message ?? "nothing"}; see to the address and the network, then run the same command again`,
    );
  // packages/local/disk.ts: it says what to do.
  if (name === "InsufficientStorage") return failed("disk_full", message);
  if (isLost(error))
    return failed(
      "gone",
      `the river that this command used stopped answering (${code ?? name}). What it accepted is kept; run the same command again`,
    );
  if (syscall && (path || (code && Object.hasOwn(TROUBLE, code))))
    return failed("file", fileTrouble(code, syscall, path, message));
  return failed(
    "internal",
    `unexpected: ${message ?? String(error)}. Nothing accepted is lost; the details are below${deployed ? "" : " and in log.ndjson of the state directory"}`,
  );
};

const TROUBLE: Record<string, string> = {
  ENOENT: "it does not exist",
  EACCES: "you may not",
  EPERM: "you may not",
  EROFS: "the disk is read-only",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of its path is no folder",
  EEXIST: "a file of that name is in the way",
  ENOSPC: "the disk is full",
  EMFILE: "too many files are open",
};

const fileTrouble = (code = "an error", syscall: string, path: string | undefined, message: string): string =>
  `expected to ${syscall} ${path ?? "what was to be written"}, came ${code}: ${TROUBLE[code] ?? message}. Put that right, or name another path`;

/** A connection that broke or was refused, after the SDK's own retries. */
const isLost = (error: unknown): boolean => {
  const e = error as NodeJS.ErrnoException & { $metadata?: unknown };
  const lost = /^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|UND_ERR_SOCKET)$/.test(e?.code ?? "");
  return Boolean(lost && !e.path) || (e?.$metadata !== undefined && e.name === "TimeoutError");
};
