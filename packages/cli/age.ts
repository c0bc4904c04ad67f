import { PregaoError } from "../core/errors.ts";
import { printable } from "./output.ts";

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const INSTANT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?Z?)?$/;

/**
 * The instant (ms since 1970) that an option names: an age (`90s`, `10m`, `12h`, `3d`), a day or an instant in UTC.
 * @throws PregaoError `usage` for anything else, and for days that are none.
 */
export const instantOf = (option: string, text: string, now: number): number => {
  const [, n, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const at = unit ? now - Number(n) * UNITS[unit]! : INSTANT.test(text) ? parsed(text) : Number.NaN;
  if (!Number.isFinite(at) || at < 0)
    throw new PregaoError(
      "usage",
      `expected ${option} as an age (90s, 10m, 12h, 3d), a day or an instant in UTC (2025-08-29, 2025-08-29T21:30), came ${printable(text)}`,
    );
  return at;
};

/** `Date.parse` takes a 30th of February for the 1st of March. */
const parsed = (text: string): number => {
  const at = Date.parse(text.length === 10 || text.endsWith("Z") ? text : `${text}Z`);
  return Number.isFinite(at) && new Date(at).toISOString().startsWith(text.slice(0, 10)) ? at : Number.NaN;
};
