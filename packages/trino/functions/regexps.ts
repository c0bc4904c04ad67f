import { refuse, unsupported } from "../refusal.ts";
import { pattern } from "../regex.ts";
import { arrayOf, bigint, boolean, integer, type Type } from "../types.ts";
import { raise, text } from "../value.ts";
import { longer } from "./lengths.ts";
import type { Args, Signature } from "./table.ts";

const read = (args: Args) => pattern(args.literals[1]!, args.at);

/** The engines agree on a subset of patterns, on some of them only over one line, or over ASCII. */
const matched = (args: Args, make: (re: string) => string): string => {
  const { source, linewise, asciiwise } = read(args);
  const sql = make(text(source));
  const over = (bad: string, what: string) =>
    `WHEN regexp_matches(${args.sql[0]}, '${bad}') THEN ${raise(`a regular expression ${what} is not answered locally`)} `;
  const guards =
    (linewise ? over("[\\n\\r\\x{85}\\x{2028}\\x{2029}]", "over several lines") : "") +
    (asciiwise ? over("[^\\x00-\\x7f]", "with (?i) or \\b over text that is not ASCII") : "");
  return guards ? `CASE ${guards}ELSE ${sql} END` : sql;
};

const groupOf = (args: Args): number => {
  const { groups, certain } = read(args);
  const group = Number(args.literals[2] ?? 0);
  if (group < 0 || group > groups) refuse("invalid", `the pattern has ${groups} groups, came group ${group}`, args.at);
  if (group > 0 && !certain) unsupported("a group of a regular expression that may take no part in the match", args.at);
  return group;
};
/** Empty matches are found in other places by each engine. */
const never = (args: Args, what: string): void => {
  if (read(args).least === 0) unsupported(`${what} of what may be empty`, args.at);
};

const extracted = (args: Args): string => {
  const group = groupOf(args);
  return matched(
    args,
    (re) => `CASE WHEN regexp_matches(${args.sql[0]}, ${re}) THEN regexp_extract(${args.sql[0]}, ${re}, ${group}) END`,
  );
};
const extractedAll = (args: Args): string => {
  never(args, "regexp_extract_all");
  const group = groupOf(args);
  return matched(args, (re) => `regexp_extract_all(${args.sql[0]}, ${re}, ${group})`);
};
const counted = (args: Args): string => {
  never(args, "regexp_count");
  return matched(args, (re) => `len(regexp_extract_all(${args.sql[0]}, ${re}))`);
};
const split = (args: Args): string => {
  never(args, "regexp_split");
  return matched(args, (re) => `regexp_split_to_array(${args.sql[0]}, ${re})`);
};
const placed = (args: Args): string => {
  never(args, "regexp_position");
  const [x] = args.sql;
  return matched(
    args,
    (re) =>
      `CASE WHEN regexp_matches(${x}, ${re}) THEN CAST(length(list_extract(regexp_split_to_array(${x}, ${re}), 1)) + 1 AS INTEGER) WHEN ${x} IS NOT NULL THEN -1 END`,
  );
};

/** `$1` is RE2's `\1`; a name, or a group that may take no part, is refused. */
const replacement = (args: Args): string => {
  const { groups, certain } = read(args);
  return (args.literals[2] ?? "").replace(/\\([\s\S]?)|\$(\d*)/g, (whole, escaped?: string, group?: string) => {
    if (escaped === "\\") return "\\\\";
    if (escaped !== undefined)
      return /[A-Za-z0-9]|^$/.test(escaped) ? unsupported(`${whole} in a replacement`, args.at) : escaped;
    if (group?.length !== 1) return unsupported(`${whole} in a replacement`, args.at);
    if (Number(group) > groups) refuse("invalid", `Illegal replacement sequence: unknown group ${group}`, args.at);
    if (group !== "0" && !certain) unsupported("a group that may take no part in a replacement", args.at);
    return `\\${group}`;
  });
};
const substituted = (args: Args): string => {
  never(args, "regexp_replace");
  return matched(args, (re) => `regexp_replace(${args.sql[0]}, ${re}, ${text(replacement(args))}, 'g')`);
};

const first = (types: Type[]): Type => types[0]!;
const list = (types: Type[]): Type => arrayOf(types[0]!);
const substitutedType = longer((x, z) => x + Math.max(Math.floor((x * z) / 2), z) * (x + 1));
const two = ["varchar", "varchar literal"] as const;

export const regexps: readonly Signature[] = [
  {
    name: "regexp_like",
    takes: two,
    gives: boolean,
    duckdb: (a) => matched(a, (re) => `regexp_matches(${a.sql[0]}, ${re})`),
  },
  { name: "regexp_extract", takes: two, gives: first, duckdb: extracted },
  { name: "regexp_extract", takes: [...two, "integer literal"], gives: first, duckdb: extracted },
  { name: "regexp_extract_all", takes: two, gives: list, duckdb: extractedAll },
  { name: "regexp_extract_all", takes: [...two, "integer literal"], gives: list, duckdb: extractedAll },
  { name: "regexp_count", takes: two, gives: bigint, duckdb: counted },
  { name: "regexp_split", takes: two, gives: list, duckdb: split },
  { name: "regexp_position", takes: two, gives: integer, duckdb: placed },
  { name: "regexp_replace", takes: two, gives: first, duckdb: substituted },
  { name: "regexp_replace", takes: [...two, "varchar literal"], gives: substitutedType, duckdb: substituted },
];
