import type { Letter } from "../../aws/letters.ts";
import type { Dataset } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import { expected } from "../../core/issue.ts";
import { instantOf } from "../age.ts";
import { count, plural } from "../output.ts";

export type DlqOptions = {
  reason?: string;
  ticker?: string;
  olderThan?: string;
  since?: string;
  limit?: string;
  patch?: string[];
  again?: boolean;
  dryRun?: boolean;
  yes?: boolean;
};

/** What has dead letters: a dataset with a queue, or a queue of the river's own. */
export type Letterbox = Pick<Dataset, "name" | "raw">;

/** Bells that nobody understood, and raw objects that were refused as a whole. */
export const landed: Letterbox = { name: "landed" };

/** What can be wrong with the options, found before anything is started. @throws PregaoError `usage`. */
export const check = (box: Letterbox, options: DlqOptions): void => {
  limitOf(options);
  chosen(options, Date.now());
  patches(box, options.patch);
};

/** Whether a letter is one that was asked for. `now` in ms since 1970. */
export const chosen = (options: DlqOptions, now: number): ((letter: Letter) => boolean) => {
  // A letter's `seen` is ISO 8601, which sorts by time.
  const instant = (option: string, text: string | undefined): string | null =>
    text === undefined ? null : new Date(instantOf(option, text, now)).toISOString();
  const before = instant("--older-than", options.olderThan);
  const since = instant("--since", options.since);
  return ({ reason, ticker, seen }) =>
    (options.reason === undefined || reason === options.reason) &&
    (options.ticker === undefined || ticker === options.ticker) &&
    (before === null || seen < before) &&
    (since === null || seen >= since);
};

export const limitOf = ({ limit }: DlqOptions): number => {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  const n = Number(limit);
  if (!Number.isSafeInteger(n) || n < 1 || limit.trim() === "")
    throw new PregaoError("usage", `expected --limit N with a whole N above 0, came ${limit}`);
  return n;
};

/** Fields and the values they are to have, as they travel; checked as the consumer will check them. */
export const patches = (box: Letterbox, options: readonly string[] = []): Record<string, unknown> =>
  Object.fromEntries(
    options.map((option) => {
      const at = option.indexOf("=");
      const field = option.slice(0, at);
      const columns = box.raw?.record ?? {};
      if (!box.raw) throw new PregaoError("usage", `${box.name} has no records to patch: expected no --patch`);
      const column = Object.hasOwn(columns, field) ? columns[field] : undefined;
      if (at < 1 || !column)
        throw new PregaoError(
          "usage",
          `expected --patch FIELD=VALUE with a FIELD of ${Object.keys(columns).join(", ")}; came ${option}`,
        );
      const text = option.slice(at + 1);
      // Only `int` columns are numbers on the wire; decimals and 64-bit integers are text.
      const value = text === "null" ? null : column.type === "int" && text.trim() !== "" ? Number(text) : text;
      const parsed = column.wire.safeParse(value);
      if (!parsed.success)
        throw new PregaoError("usage", `--patch ${field}: ${expected(parsed.error.issues[0])}; came ${text}`);
      return [field, value];
    }),
  );

type Aged = { seen: string; id: string };
/** The oldest first. */
export const byAge = (a: Aged, b: Aged): number => compare(a.seen, b.seen) || compare(a.id, b.id);
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** What the letters of a box carry. */
export const thing = (box: Letterbox): "record" | "object" => (box.raw ? "record" : "object");

export const none = (box: Letterbox, all: number): string =>
  all > 0
    ? `None of the ${plural(all, "dead letter")} of ${box.name} is like that.\n`
    : `No dead letters in ${box.name}.\n`;

/** How long letters in the hands of another look are waited for, ms: a look takes seconds. */
export const PATIENCE_MS = 5_000;

/** What a look did not see; null if it saw all. */
export const unseen = (hidden: number, whole: boolean): string | null =>
  hidden > 0
    ? `${plural(hidden, "dead letter")} not seen: another command is looking at them, or one was interrupted; they are back within a minute`
    : whole
      ? null
      : `there are more dead letters than SQS shows at once (about ${count(120_000)}); these are some of them`;
