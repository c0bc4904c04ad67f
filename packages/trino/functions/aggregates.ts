import { average } from "../decimals.ts";
import { bigint, boolean, type Decimal, decimal, double, type Type } from "../types.ts";
import { raise } from "../value.ts";
import type { Takes } from "./table.ts";

/** Writes one DuckDB aggregate over the call's DISTINCT, FILTER and OVER. */
export type Over = (name: string, ...args: string[]) => string;

export type Aggregate = {
  name: string;
  takes: readonly Takes[];
  gives: Type | ((types: Type[]) => Type);
  duckdb: (over: Over, sql: string[], types: Type[]) => string;
  /** DISTINCT makes no sense or is not known to agree. */
  plain?: boolean;
  finite?: boolean;
  note?: string;
};

const first = (types: Type[]): Type => types[0]!;
const total = (types: Type[]): Decimal => decimal(38, (types[0] as Decimal).scale);
const d = (types: Type[]): Decimal => types[0] as Decimal;
const checked = (x: string, types: Type[]): string =>
  types[0]!.name === "double"
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
