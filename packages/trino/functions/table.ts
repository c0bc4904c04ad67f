import { castTo } from "../casts.ts";
import { type Position, unsupported } from "../refusal.ts";
import {
  bigint,
  boolean,
  coerces,
  date,
  double,
  integer,
  isInteger,
  show,
  type Type,
  timestamp,
  varbinary,
  varchar,
} from "../types.ts";
import { made, type Value } from "../value.ts";

/**
 * What a function takes: a type (what becomes it by itself is taken too), `exact` (any integer type, as it is),
 * `decimal` (as it is), `any`; with `literal` a constant that is known now.
 */
export type Takes =
  | "varchar"
  | "varbinary"
  | "bigint"
  | "integer"
  | "double"
  | "boolean"
  | "date"
  | "timestamp"
  | "exact"
  | "decimal"
  | "any"
  | "double itself"
  | "interval"
  | "varchar literal"
  | "integer literal";

/** The arguments after coercion: `$1` is `sql[0]`. A literal's value is in `literals`. */
export type Args = { sql: string[]; types: Type[]; literals: string[]; at: Position };

/** One signature of a function: what it takes, what it gives in Trino, and the DuckDB text that gives the same. */
export type Signature = {
  name: string;
  takes: readonly Takes[];
  gives: Type | ((types: Type[]) => Type);
  /** `$1`, `$2` … are the arguments. */
  duckdb: string | ((args: Args) => string);
  /** For doubles: the result is never NaN. */
  finite?: boolean;
  /** How sure the answer is, where it is not the same to the bit. */
  note?: string;
};

/** A function whose type rule is not a list of types: it is built from analysed arguments. */
export type Built = {
  name: string;
  /** Whether it is meant, where a name means several. */
  when?: (args: readonly Value[]) => boolean;
  /** Fewest and most arguments. */
  takes: readonly [number, number];
  says: string;
  build: (args: Value[], at: Position) => Value;
};

const named: Readonly<Record<string, Type>> = {
  varchar,
  varbinary,
  bigint,
  integer,
  double,
  boolean,
  date,
  timestamp: timestamp(3),
};

/** 0: as it is, 1: by coercion, null: not taken. */
export const fits = (takes: Takes, { type, literal }: Value): 0 | 1 | null => {
  if (takes === "any") return 0;
  // A bare NULL makes Trino choose among all signatures, or call it ambiguous.
  if (type.name === "unknown") return null;
  if (takes === "double itself") return type.name === "double" ? 0 : null;
  if (takes === "interval") return type.name === "interval day to second" ? 0 : null;
  if (takes === "exact") return isInteger(type) ? 0 : null;
  if (takes === "decimal") return type.name === "decimal" ? 0 : null;
  if (takes.endsWith(" literal")) {
    const wanted = named[takes.split(" ")[0]!]!;
    return literal !== undefined && type.name === wanted.name ? 0 : null;
  }
  if (type.name === takes) return 0;
  return coerces(type, named[takes]!) ? 1 : null;
};

const coerced = (takes: Takes, value: Value): Value => {
  const target = named[takes];
  if (!target || value.type.name === target.name) return value;
  return castTo(value, target);
};

/** Expands `$1` … `$9` in a template. */
export const fill = (template: string, sql: readonly string[]): string =>
  template.replace(/\$(\d)/g, (_, index: string) => sql[Number(index) - 1] ?? "NULL");

/** Trino's choice among signatures: one that takes the arguments as they are, else the first that takes them coerced. */
export const choose = <S extends { takes: readonly Takes[] }>(
  name: string,
  signatures: readonly S[],
  args: readonly Value[],
  at: Position,
): { signature: S; args: Value[] } => {
  const candidates = signatures.flatMap((signature) => {
    if (signature.takes.length !== args.length) return [];
    const ranks = signature.takes.map((takes, index) => fits(takes, args[index]!));
    return ranks.includes(null) ? [] : [{ signature, rank: ranks.reduce<number>((sum, rank) => sum + (rank ?? 0), 0) }];
  });
  const exact = candidates.find(({ rank }) => rank === 0) ?? candidates[0];
  if (!exact) {
    const came = args.map((arg) => (arg.literal === undefined ? "" : "literal ") + show(arg.type)).join(", ");
    const known = signatures.map((signature) => `${name}(${signature.takes.join(", ")})`).join(" or ");
    return unsupported(`${name}(${came}): what is known is ${known}; it`, at);
  }
  return { signature: exact.signature, args: args.map((arg, index) => coerced(exact.signature.takes[index]!, arg)) };
};

/** A call of a scalar function from its table. */
export const call = (name: string, signatures: readonly Signature[], values: readonly Value[], at: Position): Value => {
  const { signature, args } = choose(name, signatures, values, at);
  const types = args.map((arg) => arg.type);
  const given: Args = { sql: args.map((arg) => arg.sql), types, literals: values.map((v) => v.literal ?? ""), at };
  const sql = typeof signature.duckdb === "string" ? fill(signature.duckdb, given.sql) : signature.duckdb(given);
  return {
    ...made(values),
    // `CAST(a) + b` begins like an atom and is none.
    sql: /^[\w.]+\([^()]*\)$/.test(sql) ? sql : `(${sql})`,
    type: typeof signature.gives === "function" ? signature.gives(types) : signature.gives,
    at,
    ...(signature.finite ? { finite: true } : {}),
  };
};
