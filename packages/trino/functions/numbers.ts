import * as decimals from "../decimals.ts";
import { refuse, unsupported } from "../refusal.ts";
import { bigint, boolean, type Decimal, decimal, double, duckdb, MAX_PRECISION, type Type } from "../types.ts";
import { raise } from "../value.ts";
import type { Args, Signature } from "./table.ts";

const first = (types: Type[]): Type => types[0]!;
const d = (type: Type): Decimal => type as Decimal;
const whole = (types: Type[]): Decimal => {
  const { precision, scale } = d(types[0]!);
  return decimal(precision - scale + Math.min(scale, 1), 0);
};
const roundedType = (types: Type[]): Decimal =>
  decimal(Math.min(MAX_PRECISION, d(types[0]!).precision + 1), d(types[0]!).scale);
const truncatedType = (types: Type[]): Decimal => decimal(Math.max(1, d(types[0]!).precision - d(types[0]!).scale), 0);

/** Trino rounds a double through Math.round, which ends at 2^63; there the answers part. */
const roundDouble = (x: string, places: number): string => {
  const scaled = places === 0 ? x : `(${x} * 1e${places})`;
  const sql = places === 0 ? `round(${x})` : `round(${scaled}) / 1e${places}`;
  return `CASE WHEN abs(${scaled}) >= 9.2e18 AND isfinite(${x}) THEN ${raise("round() of so large a number is not answered locally")} ELSE ${sql} END`;
};
const places = ({ literals, at }: Args): number => {
  const count = Number(literals[1]);
  return Math.abs(count) <= 15
    ? count
    : refuse("unsupported", "round to more than 15 places is not answered locally", at);
};
const roundInteger = (args: Args): string => {
  if (places(args) < 0) refuse("unsupported", "round of an integer to tens is not answered locally", args.at);
  return args.sql[0]!;
};
const roundDecimal = (args: Args, to: (types: Type[]) => Decimal): string =>
  decimals.rounded(args.sql[0]!, d(args.types[0]!), args.sql.length > 1 ? places(args) : 0, to(args.types));
const truncated = (args: Args): string => {
  const from = d(args.types[0]!);
  const kept = places(args);
  if (kept < 0) refuse("unsupported", "truncate to tens is not answered locally", args.at);
  return kept >= from.scale ? args.sql[0]! : `CAST(trunc(${args.sql[0]}, ${kept}) AS ${duckdb(from)})`;
};
const as =
  (template: string, to: (types: Type[]) => Type) =>
  (args: Args): string =>
    `CAST(${template.replace("$1", args.sql[0]!)} AS ${duckdb(to(args.types))})`;

/** Powers are answered where they are exact: Java's pow and the C library's differ in 1 of 100 random results. */
const integerPower = ({ sql, literals, at }: Args): string => {
  if (Number(literals[1]) < 0) unsupported("power with a negative exponent", at);
  const sure = `pow(${sql[0]}, ${literals[1]})`;
  return `CASE WHEN abs(${sure}) >= 9007199254740992 THEN ${raise("a power this large is not answered locally")} ELSE ${sure} END`;
};
const square = ({ sql, literals, at }: Args): string =>
  literals[1] === "2" ? `${sql[0]} * ${sql[0]}` : unsupported("power of a double with another exponent than 2", at);

/** Not log10 and cbrt: Java's and the C library's often differ in the last bit. These did not in thousands of values. */
const note = "the last bit may differ";
const logarithm = (name: string, x: string) =>
  `CASE WHEN ${x} = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN ${x} < 0 THEN CAST('NaN' AS DOUBLE) ELSE ${name}(${x}) END`;

/** Bounds in rising order, as Trino computes it. */
const bucket = ({ sql: [x, low, high, count], literals, at }: Args): string => {
  if (Number(literals[3]) < 1) refuse("invalid", "width_bucket: expected 1 or more buckets", at);
  const odd = raise("width_bucket with these bounds is not answered locally");
  const inside = `CAST(trunc(CAST(${count} AS DOUBLE) * (${x} - ${low}) / (${high} - ${low}) + 1) AS BIGINT)`;
  return `CASE WHEN isnan(${x}) OR isnan(${low}) OR isnan(${high}) OR ${low} >= ${high} OR NOT isfinite(${low}) OR NOT isfinite(${high}) THEN ${odd} WHEN ${x} < ${low} THEN 0 WHEN ${x} >= ${high} THEN CAST(${count} AS BIGINT) + 1 ELSE ${inside} END`;
};

export const numbers: readonly Signature[] = [
  { name: "abs", takes: ["exact"], gives: first, duckdb: "abs($1)" },
  { name: "abs", takes: ["decimal"], gives: first, duckdb: "abs($1)" },
  { name: "abs", takes: ["double"], gives: double, duckdb: "abs($1)" },
  { name: "sign", takes: ["exact"], gives: first, duckdb: as("sign($1)", first) },
  { name: "sign", takes: ["decimal"], gives: decimal(1, 0), duckdb: "CAST(sign($1) AS DECIMAL(1,0))" },
  {
    name: "sign",
    takes: ["double"],
    gives: double,
    duckdb: "CASE WHEN isnan($1) OR $1 = 0 THEN $1 ELSE CAST(sign($1) AS DOUBLE) END",
  },
  { name: "round", takes: ["exact"], gives: first, duckdb: "$1" },
  { name: "round", takes: ["exact", "integer literal"], gives: first, duckdb: roundInteger },
  {
    name: "round",
    takes: ["decimal"],
    gives: (t) => decimal(Math.min(MAX_PRECISION, whole(t).precision), 0),
    duckdb: (a) => roundDecimal(a, whole),
  },
  {
    name: "round",
    takes: ["decimal", "integer literal"],
    gives: roundedType,
    duckdb: (a) => roundDecimal(a, roundedType),
  },
  { name: "round", takes: ["double"], gives: double, duckdb: (a) => roundDouble(a.sql[0]!, 0) },
  {
    name: "round",
    takes: ["double", "integer literal"],
    gives: double,
    duckdb: (a) =>
      places(a) < 0
        ? refuse("unsupported", "round of a double to tens is not answered locally", a.at)
        : roundDouble(a.sql[0]!, places(a)),
  },
  { name: "ceil", takes: ["exact"], gives: first, duckdb: "$1" },
  { name: "ceil", takes: ["decimal"], gives: whole, duckdb: as("ceil($1)", whole) },
  { name: "ceil", takes: ["double"], gives: double, duckdb: "ceil($1)" },
  { name: "floor", takes: ["exact"], gives: first, duckdb: "$1" },
  { name: "floor", takes: ["decimal"], gives: whole, duckdb: as("floor($1)", whole) },
  { name: "floor", takes: ["double"], gives: double, duckdb: "floor($1)" },
  { name: "truncate", takes: ["decimal"], gives: truncatedType, duckdb: as("trunc($1)", truncatedType) },
  { name: "truncate", takes: ["decimal", "integer literal"], gives: first, duckdb: truncated },
  { name: "truncate", takes: ["double"], gives: double, duckdb: "trunc($1)" },
  {
    name: "sqrt",
    takes: ["double"],
    gives: double,
    duckdb: "CASE WHEN $1 < 0 THEN CAST('NaN' AS DOUBLE) ELSE sqrt($1) END",
  },
  { name: "power", takes: ["exact", "integer literal"], gives: double, duckdb: integerPower },
  { name: "power", takes: ["double", "integer literal"], gives: double, duckdb: square },
  { name: "exp", takes: ["double"], gives: double, duckdb: "exp($1)", note },
  { name: "ln", takes: ["double"], gives: double, duckdb: logarithm("ln", "$1"), note },
  { name: "log2", takes: ["double"], gives: double, duckdb: `${logarithm("ln", "$1")} / ln(2e0)`, note },
  {
    name: "log",
    takes: ["double", "double"],
    gives: double,
    duckdb: `${logarithm("ln", "$2")} / ${logarithm("ln", "$1")}`,
    note,
  },
  { name: "is_nan", takes: ["double"], gives: boolean, duckdb: "isnan($1)" },
  { name: "is_finite", takes: ["double"], gives: boolean, duckdb: "isfinite($1)" },
  { name: "is_infinite", takes: ["double"], gives: boolean, duckdb: "isinf($1)" },
  { name: "nan", takes: [], gives: double, duckdb: "CAST('NaN' AS DOUBLE)" },
  { name: "infinity", takes: [], gives: double, duckdb: "CAST('Infinity' AS DOUBLE)", finite: true },
  { name: "pi", takes: [], gives: double, duckdb: "3.141592653589793e0", finite: true },
  { name: "e", takes: [], gives: double, duckdb: "2.718281828459045e0", finite: true },
  { name: "bitwise_and", takes: ["bigint", "bigint"], gives: bigint, duckdb: "$1 & $2" },
  { name: "bitwise_or", takes: ["bigint", "bigint"], gives: bigint, duckdb: "$1 | $2" },
  { name: "bitwise_xor", takes: ["bigint", "bigint"], gives: bigint, duckdb: "xor($1, $2)" },
  { name: "bitwise_not", takes: ["bigint"], gives: bigint, duckdb: "~$1" },
  { name: "random", takes: [], gives: double, duckdb: "random()", finite: true },
  {
    name: "width_bucket",
    takes: ["double", "double", "double", "integer literal"],
    gives: bigint,
    duckdb: bucket,
  },
];
