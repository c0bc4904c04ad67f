import { refuse, unsupported } from "../refusal.ts";
import { pattern } from "../regex.ts";
import { bigint, boolean, type Type, varchar, varcharOf } from "../types.ts";
import { raise, text } from "../value.ts";
import type { Args, Signature } from "./table.ts";

/** Java's white space (Character.isWhitespace), which Trino trims; DuckDB's trim takes spaces only. */
const WHITE = `chr(9) || chr(10) || chr(11) || chr(12) || chr(13) || chr(28) || chr(29) || chr(30) || chr(31) || ${text(
  " \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028\u2029\u205f\u3000",
)}`;

/** The letters whose case DuckDB maps otherwise than Java 17 (every code point was compared). */
const ODD_CASE = "[ß\\x{2C2F}\\x{2C5F}\\x{A7C0}-\\x{A7D9}\\x{10570}-\\x{105BC}]";
const cased = (name: string) =>
  `CASE WHEN strlen($1) > length($1) AND regexp_matches($1, '${ODD_CASE}') THEN ${raise(`${name}() of this letter is not answered locally`)} ELSE ${name}($1) END`;

/** Combining marks, emoji and line breaks: DuckDB counts what is seen as one character, Trino code points. */
const simple = (name: string, sql: string) =>
  `CASE WHEN regexp_matches($1, '[^\\x00-\\x0C\\x0E-\\x{2FF}]') THEN ${raise(`${name}() of this text is not answered locally`)} ELSE ${sql} END`;

const padded = ({ sql, literals, at }: Args, name: string): string => {
  if (Number(literals[1]) < 0) refuse("invalid", `${name}: expected a size of 0 or more`, at);
  if (literals[2] === "") refuse("invalid", `${name}: expected a padding of one character or more`, at);
  if (/[^\x20-\u02ff]/.test(literals[2]!)) unsupported(`${name} with this padding`, at);
  return simple(name, `${name}($1, ${literals[1]}, $3)`).replace(/\$(\d)/g, (_, i: string) => sql[Number(i) - 1]!);
};

const nonEmpty = ({ literals, at }: Args, index: number, what: string): void => {
  if (literals[index] === "") unsupported(what, at);
};

const substring = ({ sql, literals }: Args): string => {
  const [x, start, length] = sql as [string, string, string | undefined];
  const rest = length === undefined ? "" : `, ${length}`;
  const sure = (value: string | undefined, least: number) => /^\d+$/.test(value ?? "") && Number(value) >= least;
  if (sure(literals[1], 1) && (length === undefined || sure(literals[2], 0))) return `substring(${x}, ${start}${rest})`;
  const none = length === undefined ? "" : ` OR ${length} <= 0`;
  return `CASE WHEN ${start} = 0 OR ${start} > length(${x}) OR -(${start}) > length(${x})${none} THEN CASE WHEN ${x} IS NOT NULL THEN '' END ELSE substring(${x}, ${start}${rest}) END`;
};

const part = (args: Args): string => {
  nonEmpty(args, 1, "split_part with an empty delimiter");
  if (Number(args.literals[2]) < 1) refuse("invalid", "split_part: expected an index of 1 or more", args.at);
  return `string_split(${args.sql[0]}, ${args.sql[1]})[${args.literals[2]}]`;
};

const replaced = (args: Args): string => {
  nonEmpty(args, 1, "replace of an empty text");
  return `replace(${args.sql[0]}, ${args.sql[1]}, ${args.sql[2] ?? "''"})`;
};

/** Java's and RE2's regular expressions agree on a subset, and on lines only where there is but one. */
const matched = (args: Args, make: (re: string) => string): string => {
  const { linewise } = pattern(args.literals[1]!, args.at);
  const sql = make(text(args.literals[1]!));
  if (!linewise) return sql;
  return `CASE WHEN regexp_matches(${args.sql[0]}, '[\\n\\r\\x{85}\\x{2028}\\x{2029}]') THEN ${raise("a regular expression over several lines is not answered locally")} ELSE ${sql} END`;
};
const extracted = (args: Args): string => {
  const { groups, certain } = pattern(args.literals[1]!, args.at);
  const group = Number(args.literals[2] ?? 0);
  if (group < 0 || group > groups) refuse("invalid", `regexp_extract: the pattern has ${groups} groups`, args.at);
  if (group > 0 && !certain) unsupported("regexp_extract of a group that may take no part in the match", args.at);
  return matched(
    args,
    (re) => `CASE WHEN regexp_matches(${args.sql[0]}, ${re}) THEN regexp_extract(${args.sql[0]}, ${re}, ${group}) END`,
  );
};
const substituted = (args: Args): string => {
  const replacement = args.literals[2] ?? "";
  if (pattern(args.literals[1]!, args.at).least === 0) unsupported("regexp_replace of what may be empty", args.at);
  if (/[$\\]/.test(replacement)) unsupported("regexp_replace with $ or \\ in the replacement", args.at);
  return matched(args, (re) => `regexp_replace(${args.sql[0]}, ${re}, ${text(replacement)}, 'g')`);
};

const first = (types: Type[]): Type => types[0]!;
const MAX_LENGTH = 2_147_483_647;
/** Trino's bound on the length of a replacement's result: `more` from the lengths of the text and what is put in. */
const longer =
  (more: (x: number, z: number) => number) =>
  (types: Type[]): Type => {
    const [x, z] = [types[0], types[2]].map((type) => (type?.name === "varchar" ? type.length : 0));
    return typeof x === "number" && typeof z === "number" ? varcharOf(Math.min(MAX_LENGTH, more(x, z))) : varchar;
  };
const replacedType = longer((x, z) => x + z * (x + 1));
const substitutedType = longer((x, z) => x + Math.max(Math.floor((x * z) / 2), z) * (x + 1));

export const strings: readonly Signature[] = [
  { name: "length", takes: ["varchar"], gives: bigint, duckdb: "length($1)" },
  { name: "lower", takes: ["varchar"], gives: first, duckdb: cased("lower") },
  { name: "upper", takes: ["varchar"], gives: first, duckdb: cased("upper") },
  { name: "trim", takes: ["varchar"], gives: first, duckdb: `trim($1, ${WHITE})` },
  { name: "ltrim", takes: ["varchar"], gives: first, duckdb: `ltrim($1, ${WHITE})` },
  { name: "rtrim", takes: ["varchar"], gives: first, duckdb: `rtrim($1, ${WHITE})` },
  { name: "trim", takes: ["varchar", "varchar literal"], gives: first, duckdb: "trim($1, $2)" },
  { name: "ltrim", takes: ["varchar", "varchar literal"], gives: first, duckdb: "ltrim($1, $2)" },
  { name: "rtrim", takes: ["varchar", "varchar literal"], gives: first, duckdb: "rtrim($1, $2)" },
  { name: "substr", takes: ["varchar", "bigint"], gives: first, duckdb: substring },
  { name: "substr", takes: ["varchar", "bigint", "bigint"], gives: first, duckdb: substring },
  { name: "replace", takes: ["varchar", "varchar literal"], gives: first, duckdb: replaced },
  { name: "replace", takes: ["varchar", "varchar literal", "varchar"], gives: replacedType, duckdb: replaced },
  { name: "strpos", takes: ["varchar", "varchar"], gives: bigint, duckdb: "strpos($1, $2)" },
  { name: "starts_with", takes: ["varchar", "varchar"], gives: boolean, duckdb: "starts_with($1, $2)" },
  { name: "split_part", takes: ["varchar", "varchar literal", "integer literal"], gives: first, duckdb: part },
  {
    name: "lpad",
    takes: ["varchar", "integer literal", "varchar literal"],
    gives: varchar,
    duckdb: (a) => padded(a, "lpad"),
  },
  {
    name: "rpad",
    takes: ["varchar", "integer literal", "varchar literal"],
    gives: varchar,
    duckdb: (a) => padded(a, "rpad"),
  },
  { name: "reverse", takes: ["varchar"], gives: first, duckdb: simple("reverse", "reverse($1)") },
  {
    name: "regexp_like",
    takes: ["varchar", "varchar literal"],
    gives: boolean,
    duckdb: (a) => matched(a, (re) => `regexp_matches(${a.sql[0]}, ${re})`),
  },
  { name: "regexp_extract", takes: ["varchar", "varchar literal"], gives: first, duckdb: extracted },
  {
    name: "regexp_extract",
    takes: ["varchar", "varchar literal", "integer literal"],
    gives: first,
    duckdb: extracted,
  },
  { name: "regexp_replace", takes: ["varchar", "varchar literal"], gives: first, duckdb: substituted },
  {
    name: "regexp_replace",
    takes: ["varchar", "varchar literal", "varchar literal"],
    gives: substitutedType,
    duckdb: substituted,
  },
];
