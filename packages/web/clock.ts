import { setTimeout as sleep } from "node:timers/promises";

/** Ms since 1970, and a wait. Tests have their own. */
export type Clock = { now: () => number; sleep: (ms: number, signal: AbortSignal) => Promise<unknown> };

/** Node's timers take no longer one. */
export const LONGEST_MS = 2 ** 31 - 1;

export const realClock: Clock = { now: Date.now, sleep: (ms, signal) => sleep(ms, undefined, { signal }) };
