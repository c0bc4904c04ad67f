import { refuse, unsupported } from "../refusal.ts";
import { bigint, boolean, type Type, varchar, varcharOf } from "../types.ts";
import { raise, text } from "../value.ts";
import { longer } from "./lengths.ts";
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

/** A code point; the halves of surrogate pairs are none. */
const coded = ({ sql: [x] }: Args): string =>
  `CASE WHEN ${x} < 1 OR ${x} > 1114111 OR ${x} BETWEEN 55296 AND 57343 THEN ${raise("Not a valid Unicode code point")} ELSE chr(CAST(${x} AS INTEGER)) END`;

const first = (types: Type[]): Type => types[0]!;
const replacedType = longer((x, z) => x + z * (x + 1));

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
  { name: "chr", takes: ["bigint"], gives: varcharOf(1), duckdb: coded },
  {
    name: "translate",
    takes: ["varchar", "varchar literal", "varchar literal"],
    gives: varchar,
    duckdb: "translate($1, $2, $3)",
  },
];
