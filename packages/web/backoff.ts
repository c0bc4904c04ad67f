import { httpDate } from "./dates.ts";

/** No wait of ours is longer. */
const LONGEST_MS = 60_000;

/** A wait that an origin asks for and that is waited; one for longer is reported instead. */
export const PATIENCE_MS = 10 * 60_000;

/**
 * The wait after the `failures`-th answer that was none, ms: it doubles from `first` up to a minute, and lies between half
 * of that and all of it, so that what failed together does not come back together. `random` in [0, 1).
 */
export const backoff = (failures: number, first: number, random: number): number => {
  const whole = Math.min(Math.max(LONGEST_MS, first), first * 2 ** Math.min(failures - 1, 40));
  return Math.round(whole / 2 + (whole / 2) * random);
};

/** Retry-After, in seconds or as a date (RFC 9110, 10.2.3), as ms from `now`; null if there is none that can be read. */
export const retryAfter = (header: string | undefined, now: number): number | null => {
  const text = header?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const at = httpDate(text);
  return at === null ? null : Math.max(0, at - now);
};
