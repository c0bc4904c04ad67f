import { average } from "../decimals.ts";
import { type Position, refuse, unsupported } from "../refusal.ts";
import {
  arrayOf,
  bigint,
  boolean,
  type Decimal,
  daySecond,
  decimal,
  double,
  duckdb,
  mapOf,
  orderable,
  show,
  type Type,
  varchar,
} from "../types.ts";
import { raise } from "../value.ts";
import type { Takes } from "./table.ts";

/** Writes one DuckDB aggregate over the call's DISTINCT, FILTER and OVER. */
export type Over = (name: string, ...args: string[]) => string;

/** The list of `value` of the rows where `by` is not NULL: in its order, and only the first `most`, where those are given. */
export type Chosen = (value: string, by: string, most: string | null, descending: boolean | null) => string;

export type Aggregate = {
  name: string;
  takes: readonly Takes[];
  gives: Type | ((types: Type[]) => Type);
  duckdb: (
    over: Over,
    sql: string[],
    types: Type[],
    more: { chosen: Chosen; literals: string[]; at: Position },
  ) => string;
  /** ORDER BY decides the result; elsewhere it changes nothing. */
  ordered?: boolean;
  /** Not known to agree as a window function. */
  grouped?: boolean;
  /** DISTINCT makes no sense or is not known to agree. */
  plain?: boolean;
  finite?: boolean;
  note?: string;
};

const first = (types: Type[]): Type => types[0]!;
const total = (types: Type[]): Decimal => decimal(38, (types[0] as Decimal).scale);
const d = (types: Type[]): Decimal => types[0] as Decimal;
const checked = (x: string, types: Type[]): string =>
  !orderable(types[0]!)
    ? unsupported(`min, max by ${show(types[0]!)}`)
    : types[0]!.name === "double"
      ? `CASE WHEN isnan(${x}) THEN ${raise("NaN in min, max is not answered locally")} ELSE ${x} END`
      : x;

/** Trino adds integers as doubles: exact, whatever their order, while no partial sum can pass 2^53. */
const meanOfIntegers = (over: Over, x: string): string =>
  `CASE WHEN ${over("sum", `abs(${x})`)} > 9007199254740992 THEN ${raise("avg() of integers this large is not answered locally")} ELSE CAST(${over("sum", x)} AS DOUBLE) / CAST(${over("count", x)} AS DOUBLE) END`;

/** Sums of doubles depend on the order of the rows, in Trino too. */
const note = "the last bits depend on the order of the rows, in Trino too";
const spread = (name: string, duckdb: string): Aggregate => ({
  name,
  takes: ["double"],
  gives: double,
  duckdb: (over, [x]) => over(duckdb, x!),
  plain: true,
  note,
});

/** How many rows max(x, n) and its like keep. */
const MAX_CHOSEN = 10_000;
const most = (literal: string, at: Position): string =>
  Number(literal) >= 1 && Number(literal) <= MAX_CHOSEN
    ? literal
    : refuse("invalid", `expected a number of values from 1 to ${MAX_CHOSEN}, came ${literal}`, at);
const listed = (types: Type[]): Type => arrayOf(types[0]!);
/** LISTAGG fails above this many bytes, in Trino. */
const MAX_LIST = 1_048_576;

const extremes = (["min", "max"] as const).flatMap((name): Aggregate[] => [
  {
    name,
    takes: ["any", "integer literal"],
    gives: listed,
    plain: true,
    grouped: true,
    duckdb: (_, [x], types, { chosen, literals, at }) => {
      const by = checked(x!, types);
      return chosen(by, by, most(literals[1]!, at), name === "max");
    },
  },
  {
    name: `${name}_by`,
    takes: ["any", "any", "integer literal"],
    gives: listed,
    plain: true,
    grouped: true,
    duckdb: (_, [x, y], types, { chosen, literals, at }) =>
      chosen(x!, checked(y!, types.slice(1)), most(literals[2]!, at), name === "max"),
    note: "which of equal rows comes first is not said, in Trino either",
  },
]);
/**
 * Of pairs (y, x) of doubles as they are: of other numbers Trino takes the variant of 32 bits. NULL where the result is
 * no number, and over no pairs.
 */
const paired = (name: string, written?: (over: Over, y: string, x: string) => string): Aggregate => ({
  name,
  takes: ["double itself", "double itself"],
  gives: double,
  plain: true,
  grouped: true,
  duckdb: (over, [y, x]) => {
    const value = written ? written(over, y!, x!) : over(name, y!, x!);
    return `CASE WHEN isfinite(${value}) THEN ${value} END`;
  },
  note,
});

const collected: readonly Aggregate[] = [
  ...extremes,
  {
    name: "array_agg",
    takes: ["any"],
    gives: listed,
    ordered: true,
    duckdb: (over, [x]) => over("list", x!),
    note: "without ORDER BY the order is not said, in Trino either",
  },
  {
    name: "arbitrary",
    takes: ["any"],
    gives: first,
    plain: true,
    duckdb: (over, [x]) => over("any_value", x!),
    note: "which of the values is not said, in Trino either",
  },
  {
    name: "listagg",
    takes: ["varchar", "varchar literal"],
    gives: varchar,
    ordered: true,
    grouped: true,
    duckdb: (over, [x, separator]) => {
      const list = over("string_agg", x!, separator!);
      return `CASE WHEN strlen(${list}) > ${MAX_LIST} THEN ${raise("Concatenated string is too large")} ELSE ${list} END`;
    },
  },
  {
    name: "histogram",
    takes: ["any"],
    gives: ([type]) => mapOf(type!, bigint),
    plain: true,
    grouped: true,
    duckdb: (over, [x], types) =>
      `CAST(${over("histogram", checked(x!, types))} AS ${duckdb(mapOf(types[0]!, bigint))})`,
  },
  {
    name: "map_agg",
    takes: ["any", "any"],
    gives: ([key, value]) => mapOf(key!, value!),
    plain: true,
    grouped: true,
    duckdb: (_, [key, value], types, { chosen }) =>
      `map_from_entries(${chosen(`struct_pack(k := ${checked(key!, types)}, v := ${value})`, key!, null, null)})`,
    note: "two values for one key are an error: which Trino keeps is not said",
  },
  { name: "sum", takes: ["interval"], gives: daySecond, duckdb: (over, [x]) => `CAST(${over("sum", x!)} AS BIGINT)` },
  {
    name: "bitwise_and_agg",
    takes: ["bigint"],
    gives: bigint,
    plain: true,
    duckdb: (over, [x]) => over("bit_and", x!),
  },
  { name: "bitwise_or_agg", takes: ["bigint"], gives: bigint, plain: true, duckdb: (over, [x]) => over("bit_or", x!) },
  paired("covar_pop"),
  paired("covar_samp"),
  // Divided as Trino divides: DuckDB's own corr often differs in the last bit.
  paired("corr", (over, y, x) => {
    const whole = (of: string) => `CASE WHEN ${y} IS NOT NULL AND ${x} IS NOT NULL THEN ${of} END`;
    const n = `CAST(${over("count", whole("1"))} AS DOUBLE)`;
    const root = (of: string) => `sqrt(${over("var_pop", whole(of))} * ${n})`;
    return `(${over("covar_pop", y, x)} * ${n} / ${root(x)} / ${root(y)})`;
  }),
  paired("regr_slope"),
  paired("regr_intercept"),
];

export const aggregates: readonly Aggregate[] = [
  { name: "count", takes: ["any"], gives: bigint, duckdb: (over, [x]) => over("count", x!) },
  {
    name: "count_if",
    takes: ["boolean"],
    gives: bigint,
    plain: true,
    duckdb: (over, [x]) => over("count", `CASE WHEN ${x} THEN 1 END`),
  },
  { name: "sum", takes: ["exact"], gives: bigint, duckdb: (over, [x]) => `CAST(${over("sum", x!)} AS BIGINT)` },
  {
    name: "sum",
    takes: ["decimal"],
    gives: total,
    duckdb: (over, [x], types) => `CAST(${over("sum", x!)} AS DECIMAL(38,${d(types).scale}))`,
  },
  { name: "sum", takes: ["double"], gives: double, duckdb: (over, [x]) => over("sum", x!), note },
  {
    name: "avg",
    takes: ["exact"],
    gives: double,
    finite: true,
    duckdb: (over, [x]) => meanOfIntegers(over, x!),
    note: "an error when the sum of the absolute values passes 2^53: Trino adds doubles",
  },
  {
    name: "avg",
    takes: ["decimal"],
    gives: first,
    duckdb: (over, [x], types) => average(over("sum", x!), over("count", x!), d(types)),
  },
  {
    name: "avg",
    takes: ["double"],
    gives: double,
    duckdb: (over, [x]) => `(${over("sum", x!)} / CAST(${over("count", x!)} AS DOUBLE))`,
    note,
  },
  { name: "min", takes: ["any"], gives: first, duckdb: (over, [x], types) => over("min", checked(x!, types)) },
  { name: "max", takes: ["any"], gives: first, duckdb: (over, [x], types) => over("max", checked(x!, types)) },
  {
    name: "min_by",
    takes: ["any", "any"],
    gives: first,
    plain: true,
    duckdb: (over, [x, y], types) => over("arg_min_null", x!, checked(y!, types.slice(1))),
    note: "which row of equal ones is not said, in Trino either",
  },
  {
    name: "max_by",
    takes: ["any", "any"],
    gives: first,
    plain: true,
    duckdb: (over, [x, y], types) => over("arg_max_null", x!, checked(y!, types.slice(1))),
    note: "which row of equal ones is not said, in Trino either",
  },
  ...collected,
  { name: "bool_and", takes: ["boolean"], gives: boolean, duckdb: (over, [x]) => over("bool_and", x!) },
  { name: "every", takes: ["boolean"], gives: boolean, duckdb: (over, [x]) => over("bool_and", x!) },
  { name: "bool_or", takes: ["boolean"], gives: boolean, duckdb: (over, [x]) => over("bool_or", x!) },
  spread("stddev", "stddev_samp"),
  spread("stddev_samp", "stddev_samp"),
  spread("stddev_pop", "stddev_pop"),
  spread("variance", "var_samp"),
  spread("var_samp", "var_samp"),
  spread("var_pop", "var_pop"),
];

/** Functions that need OVER. `frame`: whether Trino allows a frame (ranking functions and lag, lead take none). */
export type Ranking = {
  name: string;
  takes: readonly Takes[];
  gives: Type | ((types: Type[]) => Type);
  duckdb: string;
  frame: boolean;
  /** Takes IGNORE NULLS. */
  nulls: boolean;
  /** Needs ORDER BY in the window. */
  ordered: boolean;
};

const ranking = (name: string, gives: Type): Ranking => ({
  name,
  takes: [],
  gives,
  duckdb: name,
  frame: false,
  nulls: false,
  ordered: false,
});
const shifting = (name: string, ...takes: Takes[]): Ranking => ({
  name,
  takes,
  gives: first,
  duckdb: name,
  frame: false,
  nulls: true,
  ordered: true,
});
const picking = (name: string, ...takes: Takes[]): Ranking => ({
  name,
  takes,
  gives: first,
  duckdb: name,
  frame: true,
  nulls: true,
  ordered: false,
});

export const rankings: readonly Ranking[] = [
  ranking("row_number", bigint),
  { ...ranking("rank", bigint), ordered: true },
  { ...ranking("dense_rank", bigint), ordered: true },
  ranking("percent_rank", double),
  ranking("cume_dist", double),
  { ...ranking("ntile", bigint), takes: ["integer literal"] },
  shifting("lag", "any"),
  shifting("lag", "any", "integer literal"),
  shifting("lag", "any", "integer literal", "any"),
  shifting("lead", "any"),
  shifting("lead", "any", "integer literal"),
  shifting("lead", "any", "integer literal", "any"),
  picking("first_value", "any"),
  picking("last_value", "any"),
  picking("nth_value", "any", "integer literal"),
];
