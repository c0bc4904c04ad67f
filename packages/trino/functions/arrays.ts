import { castTo, coerce, unify } from "../casts.ts";
import { withoutNaN } from "../operators.ts";
import { type Position, refuse, unsupported } from "../refusal.ts";
import {
  type ArrayType,
  arrayOf,
  bigint,
  boolean,
  duckdb,
  integer,
  orderable,
  rowOf,
  show,
  type Type,
  varchar,
} from "../types.ts";
import { made, raise, type Value } from "../value.ts";
import type { Built } from "./table.ts";

const MANY = 127;
const element = (list: Value): Type => (list.type as ArrayType).element;
const isArray = (value: Value | undefined): boolean => value?.type.name === "array";
const first = ([list]: readonly Value[]): boolean => isArray(list);
const position = (list: string, item: string): string => `list_position(${list}, ${item})`;
/** Whether NULL is among the elements. */
const hole = (list: Value): string => `${position(list.sql, `CAST(NULL AS ${duckdb(element(list))})`)} IS NOT NULL`;
const none = (values: readonly Value[]): string => values.map(({ sql }) => `${sql} IS NULL`).join(" OR ");

/** Elements that are compared or ordered must be scalars, and no NaN, which the engines compare differently. */
const comparable = (list: Value, what: string): Value => {
  const type = element(list);
  if (!orderable(type)) unsupported(`${what} of ${show(list.type)}`, list.at);
  if (type.name !== "double") return list;
  const doubt = raise(`NaN in ${what} is not answered locally`);
  return {
    ...list,
    sql: `CASE WHEN list_contains(${list.sql}, CAST('NaN' AS DOUBLE)) THEN ${doubt} ELSE ${list.sql} END`,
  };
};

/** An array and a value as arrays of the type common to both. */
const fitted = ([list, value]: readonly Value[], what: string): [Value, Value] => {
  const { type, values } = unify([{ ...list!, type: element(list!) }, value!], what);
  return [comparable(castTo(list!, arrayOf(type)), what), withoutNaN(values[1]!)];
};
/** Arrays of one type. */
const alike = (lists: readonly Value[], what: string): { type: Type; values: Value[] } => {
  const { type, values } = unify(lists, what);
  if (type.name !== "array") unsupported(`${what} of ${show(type)}`, lists[0]!.at);
  return { type, values };
};

const distinct = (list: string): string => `list_filter(${list}, lambda "e", "i": ${position(list, '"e"')} = "i")`;
/** DuckDB takes a NULL list for an empty one. */
const concatenated = (values: readonly Value[]): string => {
  const sql = values.map((value) => value.sql).reduce((left, right) => `list_concat(${left}, ${right})`);
  return `CASE WHEN ${none(values)} THEN NULL ELSE ${sql} END`;
};

/** `array || array`, `array || element`, `element || array`. */
export const joined = (sides: readonly Value[], at: Position): Value => {
  if (sides.some((side) => isArray(side) && element(side).name === "unknown"))
    unsupported("|| with an array of NULLs or of nothing", at);
  const lists = sides.map((side) => {
    if (isArray(side)) return side;
    if (side.type.name === "unknown") unsupported("an array || a bare NULL", at);
    return { ...side, sql: `list_value(${side.sql})`, type: arrayOf(side.type) };
  });
  const { type, values } = alike(lists, "||");
  // An element that is NULL makes all of it NULL.
  const bare = sides.filter((side) => !isArray(side));
  const whole = concatenated(values);
  const sql = bare.length ? `CASE WHEN ${none(bare)} THEN NULL ELSE ${whole} END` : whole;
  return { ...made(sides), sql, type, at };
};

const text = (list: Value, other: Value | undefined, at: Position): string => {
  const item: Value = { sql: '"e"', type: element(list), at, loose: [] };
  const written = castTo(item, varchar).sql;
  const filled = other ? `coalesce(${written}, ${coerce(other, varchar, "array_join").sql})` : written;
  return filled === '"e"' ? list.sql : `list_transform(${list.sql}, lambda "e": ${filled})`;
};

/** From a place (from the end if negative), as many as there are. */
const sliced = (list: string, start: string, length: string): string => {
  const from = `CASE WHEN ${start} < 0 THEN len(${list}) + ${start} + 1 ELSE ${start} END`;
  const bad = `${start} = 0 THEN ${raise("SQL array indices start at 1")} WHEN ${length} < 0 THEN ${raise("length must be greater than or equal to 0")}`;
  return `CASE WHEN ${bad} WHEN ${from} < 1 THEN list_slice(${list}, 1, 0) ELSE list_slice(${list}, ${from}, ${from} + ${length} - 1) END`;
};

const of = (
  name: string,
  takes: readonly [number, number],
  says: string,
  build: (args: Value[], at: Position) => { sql: string; type: Type },
): Built => ({
  name,
  takes,
  says,
  when: first,
  build: (args, at) => ({ ...made(args), at, ...build(args, at) }),
});

export const arrays: readonly Built[] = [
  of("cardinality", [1, 1], "bigint", ([list]) => ({ sql: `len(${list!.sql})`, type: bigint })),
  of("element_at", [2, 2], "the element, or NULL; from the end if negative", ([list, index]) => {
    const i = coerce(index!, bigint, "element_at").sql;
    const sql = `CASE WHEN ${i} = 0 THEN ${raise("SQL array indices start at 1")} ELSE list_extract(${list!.sql}, ${i}) END`;
    return { sql, type: element(list!) };
  }),
  of("contains", [2, 2], "boolean; NULL if only a NULL could be it", (args) => {
    const [list, value] = fitted(args, "contains");
    const sql = `CASE WHEN ${none([list, value])} THEN NULL WHEN list_contains(${list.sql}, ${value.sql}) THEN true WHEN ${hole(list)} THEN NULL ELSE false END`;
    return { sql, type: boolean };
  }),
  of("array_position", [2, 2], "bigint, 0 where there is none", (args) => {
    const [list, value] = fitted(args, "array_position");
    const found = `coalesce(${position(list.sql, value.sql)}, 0)`;
    return { sql: `CASE WHEN NOT (${none([list, value])}) THEN CAST(${found} AS BIGINT) END`, type: bigint };
  }),
  of("array_remove", [2, 2], "the array", (args) => {
    const [list, value] = fitted(args, "array_remove");
    const kept = `list_filter(${list.sql}, lambda "e": "e" IS DISTINCT FROM ${value.sql})`;
    return { sql: `CASE WHEN ${value.sql} IS NOT NULL THEN ${kept} END`, type: list.type };
  }),
  of(
    "array_join",
    [2, 3],
    "varchar; NULLs are left out or, with a third argument, replaced",
    ([list, by, other], at) => {
      const separator = coerce(by!, varchar, "array_join").sql;
      const whole = `array_to_string(${text(list!, other, at)}, ${separator})`;
      return { sql: `CASE WHEN ${none([list!, by!])} THEN NULL ELSE coalesce(${whole}, '') END`, type: varchar };
    },
  ),
  of("array_distinct", [1, 1], "the array, first occurrences", ([list]) => ({
    sql: distinct(comparable(list!, "array_distinct").sql),
    type: list!.type,
  })),
  of("array_sort", [1, 1], "the array, NULLs last", ([list]) => ({
    sql: `list_sort(${comparable(list!, "array_sort").sql}, 'ASC', 'NULLS LAST')`,
    type: list!.type,
  })),
  ...(["max", "min"] as const).map((name) =>
    of(`array_${name}`, [1, 1], "the element; NULL if one is", ([list]) => ({
      sql: `CASE WHEN ${hole(list!)} THEN NULL ELSE list_${name}(${comparable(list!, `array_${name}`).sql}) END`,
      type: element(list!),
    })),
  ),
  of("array_union", [2, 2], "the array, first occurrences", (args) => {
    const { type, values } = alike(args, "array_union");
    return { sql: distinct(concatenated(values.map((list) => comparable(list, "array_union")))), type };
  }),
  of("array_except", [2, 2], "the array, first occurrences", (args) => {
    const { type, values } = alike(args, "array_except");
    const [left, right] = values.map((list) => comparable(list, "array_except").sql) as [string, string];
    const rest = `list_filter(${left}, lambda "e": ${position(right, '"e"')} IS NULL)`;
    return { sql: `CASE WHEN ${none(values)} THEN NULL ELSE ${distinct(rest)} END`, type };
  }),
  of("arrays_overlap", [2, 2], "boolean; NULL if only a NULL could be common", (args) => {
    const { values } = alike(args, "arrays_overlap");
    const [left, right] = values.map((list) => comparable(list, "arrays_overlap")) as [Value, Value];
    const common = `len(list_filter(${left.sql}, lambda "e": "e" IS NOT NULL AND list_contains(${right.sql}, "e"))) > 0`;
    const sql = `CASE WHEN ${none([left, right])} THEN NULL WHEN len(${left.sql}) = 0 OR len(${right.sql}) = 0 THEN false WHEN ${common} THEN true WHEN ${hole(left)} OR ${hole(right)} THEN NULL ELSE false END`;
    return { sql, type: boolean };
  }),
  of("slice", [3, 3], "the array", ([list, start, length]) => {
    const [from, count] = [start!, length!].map((value) => coerce(value, bigint, "slice").sql) as [string, string];
    return { sql: sliced(list!.sql, from, count), type: list!.type };
  }),
  of("reverse", [1, 1], "the array", ([list]) => ({ sql: `list_reverse(${list!.sql})`, type: list!.type })),
  of("concat", [2, MANY], "the arrays' common type", (args) => {
    const { type, values } = alike(args, "concat");
    return { sql: concatenated(values), type };
  }),
  of("flatten", [1, 1], "the inner array's type", ([list], at) => {
    if (element(list!).name !== "array") refuse("invalid", "flatten: expected an array of arrays", at);
    return { sql: `flatten(${list!.sql})`, type: element(list!) };
  }),
  of("zip", [2, 5], "array of rows, as long as the longest", (args) => {
    const fields = args.map(({ sql }, index) => `f${index + 1} := list_extract(${sql}, "e")`).join(", ");
    const most = `greatest(${args.map(({ sql }) => `len(${sql})`).join(", ")})`;
    const rows = `list_transform(range(1, 1 + ${most}), lambda "e": struct_pack(${fields}))`;
    const type = arrayOf(rowOf(args.map((list) => ({ name: null, type: element(list) }))));
    return { sql: `CASE WHEN ${none(args)} THEN NULL ELSE ${rows} END`, type };
  }),
  {
    name: "repeat",
    takes: [2, 2],
    says: "array of the value",
    build: ([value, count], at) => {
      if (value!.type.name === "unknown") unsupported("repeat of a bare NULL", at);
      const many = `range(greatest(${coerce(count!, integer, "repeat").sql}, 0))`;
      const sql = `list_transform(${many}, lambda "e": ${value!.sql})`;
      return { ...made([value!, count!]), sql, type: arrayOf(value!.type), at };
    },
  },
  {
    name: "split",
    takes: [2, 2],
    says: "array of varchar",
    build: ([value, by], at) => {
      if (!by!.literal) unsupported("split by anything but a literal of one character or more", at);
      const of = value!.type.name === "varchar" ? value! : coerce(value!, varchar, "split");
      return { ...made([value!]), sql: `string_split(${of.sql}, ${by!.sql})`, type: arrayOf(of.type), at };
    },
  },
  {
    name: "concat_ws",
    takes: [2, MANY],
    says: "varchar; NULLs are left out",
    build: ([by, ...rest], at) => {
      const list: Value = isArray(rest[0])
        ? rest[0]!
        : {
            ...made(rest),
            sql: `list_value(${rest.map((value) => coerce(value, varchar, "concat_ws").sql).join(", ")})`,
            type: arrayOf(varchar),
            at,
          };
      if (element(list).name !== "varchar" || (isArray(rest[0]) && rest.length > 1))
        refuse("type_mismatch", "concat_ws: expected texts or one array of them", at);
      const sql = `CASE WHEN ${none([coerce(by!, varchar, "concat_ws"), list])} THEN NULL ELSE coalesce(array_to_string(${list.sql}, ${by!.sql}), '') END`;
      return { ...made([by!, ...rest]), sql, type: varchar, at };
    },
  },
];
