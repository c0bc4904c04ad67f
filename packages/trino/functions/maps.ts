import { coerce } from "../casts.ts";
import { type Position, refuse, unsupported } from "../refusal.ts";
import {
  type ArrayType,
  arrayOf,
  bigint,
  type MapType,
  mapOf,
  orderable,
  rowOf,
  show,
  type Type,
  unknown,
} from "../types.ts";
import { made, type Value } from "../value.ts";
import type { Built } from "./table.ts";

const of = (
  name: string,
  takes: readonly [number, number],
  says: string,
  build: (map: Value, type: MapType, args: Value[], at: Position) => { sql: string; type: Type },
): Built => ({
  name,
  takes,
  says,
  when: ([map]) => map?.type.name === "map",
  build: (args, at) => ({ ...made(args), at, ...build(args[0]!, args[0]!.type as MapType, args, at) }),
});

const entry = (key: string, value: string): string =>
  `lambda "e": struct_pack(${key} := struct_extract("e", 'key'), ${value} := struct_extract("e", 'value'))`;

/** A key that is NULL or there twice is an error in both engines. */
export const maps: readonly Built[] = [
  {
    name: "map",
    takes: [0, 2],
    says: "map of the keys to the values at their places",
    build: (args, at) => {
      if (args.length === 0) return { ...made([]), sql: "map([], [])", type: mapOf(unknown, unknown), at };
      const [keys, values] = args.map(({ type }) => (type.name === "array" ? type : null)) as [ArrayType, ArrayType];
      if (!keys || !values) return refuse("type_mismatch", "map: expected an array of keys and one of values", at);
      if (!orderable(keys.element) || keys.element.name === "double")
        unsupported(`a map with keys of type ${show(keys.element)}`, at);
      const [k, v] = args.map(({ sql }) => sql);
      return { ...made(args), sql: `map(${k}, ${v})`, type: mapOf(keys.element, values.element), at };
    },
  },
  of("cardinality", [1, 1], "bigint", ({ sql }) => ({ sql: `CAST(cardinality(${sql}) AS BIGINT)`, type: bigint })),
  of("element_at", [2, 2], "the value, or NULL", (map, type, [, key]) => ({
    sql: `${map.sql}[${coerce(key!, type.key, "element_at").sql}]`,
    type: type.value,
  })),
  of("map_keys", [1, 1], "array", ({ sql }, { key }) => ({ sql: `map_keys(${sql})`, type: arrayOf(key) })),
  of("map_values", [1, 1], "array", ({ sql }, { value }) => ({ sql: `map_values(${sql})`, type: arrayOf(value) })),
  of("map_entries", [1, 1], "array of rows", ({ sql }, { key, value }) => ({
    sql: `list_transform(map_entries(${sql}), ${entry("f1", "f2")})`,
    type: arrayOf(
      rowOf([
        { name: null, type: key },
        { name: null, type: value },
      ]),
    ),
  })),
  {
    name: "map_from_entries",
    takes: [1, 1],
    says: "map",
    build: ([list], at) => {
      const row = list!.type.name === "array" && list!.type.element.name === "row" ? list!.type.element : null;
      if (row?.fields.length !== 2) return refuse("type_mismatch", "map_from_entries: expected rows of two", at);
      const pack = `lambda "e": struct_pack(k := struct_extract("e", 'f1'), v := struct_extract("e", 'f2'))`;
      const type = mapOf(row.fields[0]!.type, row.fields[1]!.type);
      return { ...made([list!]), sql: `map_from_entries(list_transform(${list!.sql}, ${pack}))`, type, at };
    },
  },
];
