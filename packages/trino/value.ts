import type { Position } from "./refusal.ts";
import type { Type } from "./types.ts";

/** A column of the query at hand that a value was made of and that GROUP BY does not hold. */
export type Loose = { name: string; at: Position };

/**
 * An expression after analysis: DuckDB SQL that gives Trino's value, its Trino type, and what is known about it.
 * `sql` can stand anywhere in an expression (it is an atom, a call or in parentheses).
 */
export type Value = {
  sql: string;
  type: Type;
  at: Position;
  /** Columns outside GROUP BY. */
  loose: Loose[];
  /** Holds an aggregate, a window function: where those may not stand this is refused. */
  aggregate?: boolean;
  window?: boolean;
  /** Made of columns of a query around this one. */
  outer?: boolean;
  /** A literal's value: text, or an integer's digits. */
  literal?: string;
  /** A double that is never NaN (DuckDB compares NaN as equal and greatest, Trino as unequal to everything). */
  finite?: boolean;
};

/** What a value inherits from those it is made of. */
export const made = (
  of: readonly Value[],
): Pick<Value, "loose"> & Partial<Pick<Value, "aggregate" | "window" | "outer">> => {
  const flags: Partial<Pick<Value, "aggregate" | "window" | "outer">> = {};
  if (of.some((value) => value.aggregate)) flags.aggregate = true;
  if (of.some((value) => value.window)) flags.window = true;
  if (of.some((value) => value.outer)) flags.outer = true;
  return { loose: of.flatMap((value) => value.loose), ...flags };
};

export const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
/** An error at run time, where Trino fails too, or where its answer cannot be given. */
export const raise = (message: string): string => `error(${text(message)})`;
