import { spawn } from "node:child_process";

/** Runs a bench of this folder in a process of its own, so that peak memory is its own, and returns what it printed. */
export const child = async <T>(file: string, ...args: string[]): Promise<T & { peak_mib: number }> => {
  const process_ = spawn(process.execPath, [new URL(file, import.meta.url).pathname, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  for await (const chunk of process_.stdout) text += chunk;
  const code =
    process_.exitCode ?? (await new Promise<number>((resolve) => process_.once("exit", (c) => resolve(c ?? 1))));
  if (code !== 0) throw new Error(`${file} ${args.join(" ")} ended with ${code}`);
  return JSON.parse(text) as T & { peak_mib: number };
};

/** What such a process prints: its figures, and its peak resident memory with all its threads. */
export const figures = (values: object): void => {
  console.log(JSON.stringify({ ...values, peak_mib: Math.round(process.resourceUsage().maxRSS / 1024) }));
};

export const seconds = (ms: number): number => Math.round(ms) / 1000;

/** The value below which `share` of the values lie, by nearest rank. */
export const percentile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? Number.NaN;
