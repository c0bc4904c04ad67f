import { castTo, coerce, unify } from "../casts.ts";
import { arithmetic, compare, withoutNaN } from "../operators.ts";
import { refuse } from "../refusal.ts";
import { boolean, date, show, varchar } from "../types.ts";
import { made, type Value } from "../value.ts";
import type { Built } from "./table.ts";

const MANY = 127;
const list = (values: readonly Value[]): string => values.map(({ sql }) => sql).join(", ");

/** NULL when one of them is NULL, in Trino; DuckDB's passes NULL over. */
const extreme = (name: "greatest" | "least"): Built => ({
  name,
  takes: [1, MANY],
  says: "the arguments' common type; NULL if one of them is",
  build: (args, at) => {
    const { type, values } = unify(args.map(withoutNaN), name);
    if (type.name === "boolean") refuse("unsupported", `${name} of booleans is not answered locally`, at);
    const nulls = values.map(({ sql }) => `${sql} IS NULL`).join(" OR ");
    return { ...made(args), sql: `CASE WHEN ${nulls} THEN NULL ELSE ${name}(${list(values)}) END`, type, at };
  },
});

export const conditions: readonly Built[] = [
  extreme("greatest"),
  extreme("least"),
  {
    name: "coalesce",
    takes: [2, MANY],
    says: "the arguments' common type",
    build: (args, at) => {
      const { type, values } = unify(args, "coalesce");
      return { ...made(args), sql: `coalesce(${list(values)})`, type, at };
    },
  },
  {
    name: "nullif",
    takes: [2, 2],
    says: "the first argument's type; compared in the common type",
    build: (args, at) => {
      const [a, b] = args as [Value, Value];
      const equal = compare("=", a, b, at);
      return { ...made(args), sql: `CASE WHEN ${equal.sql} THEN NULL ELSE ${a.sql} END`, type: a.type, at };
    },
  },
  {
    name: "if",
    takes: [2, 3],
    says: "the common type of the second and third argument",
    build: ([condition, ...branches], at) => {
      const { type, values } = unify(branches, "if");
      const test = coerce(condition!, boolean, "if");
      const otherwise = values[1] ? ` ELSE ${values[1].sql}` : "";
      return {
        ...made([condition!, ...branches]),
        sql: `CASE WHEN ${test.sql} THEN ${values[0]!.sql}${otherwise} END`,
        type,
        at,
      };
    },
  },
  {
    name: "concat",
    takes: [2, MANY],
    says: "varchar; NULL if one of them is",
    build: (args, at) => {
      const values = args.map((arg) => coerce(arg, varchar, "concat"));
      return { ...made(args), sql: `(${values.map(({ sql }) => sql).join(" || ")})`, type: varchar, at };
    },
  },
  {
    name: "date",
    takes: [1, 1],
    says: "date: as CAST(value AS date)",
    build: ([value], at) => ({ ...castTo(value!, date), at }),
  },
  {
    name: "mod",
    takes: [2, 2],
    says: "as the operator %",
    build: ([a, b], at) => arithmetic("%", a!, b!, at),
  },
  {
    name: "typeof",
    takes: [1, 1],
    says: "varchar: the name of the argument's type",
    build: ([value], at) => ({ ...made([value!]), sql: `'${show(value!.type)}'`, type: varchar, at }),
  },
];
