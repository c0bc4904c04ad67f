import { random } from "../synthetic.ts";

/** What can happen to a request. All but the first three are carried out, wholly or in part, before they go wrong. */
export const requestFaults = [
  /** Refused in the service's own words: 429, and S3's 503 SlowDown. */
  "throttle",
  /** 500, nothing was done. */
  "error",
  /** The connection is reset before the request arrives anywhere. */
  "reset",
  /** Done, then the connection is reset: the answer never comes. */
  "cut",
  /** Done, then silence. */
  "silence",
  /** Done, and the answer breaks off in its body. */
  "torn",
  /** Of a batch a part is done, the rest answered as failed. */
  "partial",
  /** All of a batch is done, a part answered as failed. */
  "misreport",
] as const;
export type RequestFault = (typeof requestFaults)[number];

/** What can happen to the call of a function. */
export const callFaults = [
  /** Answered as done, never called: only a doorbell may be lost. */
  "lost",
  /** Called twice, one after the other. */
  "doubled",
  /** Called twice at once. */
  "twice-at-once",
  /** Held until other things have happened. */
  "late",
  /** Called, done, answered as failed: everything comes back. */
  "redelivered",
  /** Answered as timed out in the middle, while it goes on. */
  "timed-out",
] as const;
export type CallFault = (typeof callFaults)[number];

export type Fault = RequestFault | CallFault;
/** The fault of the n-th (from 0) request or call of a name. */
export type Weather<F extends Fault> = (name: string, n: number) => F | null;

export const fair = () => null;

/** FNV-1a: a text as 32 bits. */
const hash = (text: string): number => {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
};

/** Numbers that depend on these words and on nothing else. */
export const dice = (...words: (string | number)[]): (() => number) => random(hash(words.join("\n")));

/** Longer than what one call of the SDK bears (4 attempts). */
const BURST = 8;
/** Each costs as long as a client waits for an answer. */
const SILENCES = 2;

/**
 * A pure function of (seed, name, n), so that a seed can be played again. `rate`: how often a fault begins; one in five
 * is the first of a burst.
 */
export const seeded =
  <F extends Fault>(seed: number, rate: number, kinds: readonly F[] | ((name: string) => readonly F[])): Weather<F> =>
  (name, n) => {
    const of = typeof kinds === "function" ? kinds(name) : kinds;
    for (let start = n; start > n - BURST && start >= 0; start--) {
      const next = dice(seed, name, start);
      if (next() >= rate) continue;
      const kind = of[Math.floor(next() * of.length)];
      if (kind === undefined) return null;
      const most = kind === "silence" ? SILENCES : BURST;
      const length = next() < 0.2 ? 2 + Math.floor(next() * (most - 1)) : 1;
      if (start + length > n) return kind;
    }
    return null;
  };

/** What happened, in order: printed when a seed fails, counted when it does not. */
export type Trace = { name: string; n: number; fault: Fault; burst: boolean }[];

/** Asks the weather, counts per name, and keeps the trace. */
export const chronicle = <F extends Fault>(trace: Trace) => {
  const counts = new Map<string, number>();
  const before = new Map<string, F | null>();
  let weather: Weather<F> = fair;
  return {
    set: (next: Weather<F>) => {
      weather = next;
    },
    next: (name: string): { n: number; fault: F | null } => {
      const n = counts.get(name) ?? 0;
      counts.set(name, n + 1);
      return { n, fault: weather(name, n) };
    },
    /** Only what did happen: a fault that does not suit a request is none. */
    note: (name: string, n: number, fault: F | null): void => {
      if (fault !== null) trace.push({ name, n, fault, burst: before.get(name) === fault });
      before.set(name, fault);
    },
    count: (name: string): number => counts.get(name) ?? 0,
    names: (): string[] => [...counts.keys()].sort(),
  };
};
