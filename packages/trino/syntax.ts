import type { Position } from "./refusal.ts";

/** An identifier. Unquoted ones are case-insensitive; so are quoted ones when they are looked up. */
export type Name = { text: string; quoted: boolean; at: Position };
export type Path = Name[];

export type TypeName = { name: string; parameters: number[]; at: Position };

export type SortItem = { value: Expression; descending: boolean; nullsFirst: boolean };

export type Bound =
  | { kind: "unbounded"; side: "preceding" | "following" }
  | { kind: "current" }
  | { kind: "offset"; side: "preceding" | "following"; value: Expression };

export type Window = {
  base: Name | null;
  partition: Expression[];
  order: SortItem[];
  frame: { unit: "ROWS" | "RANGE" | "GROUPS"; start: Bound; end: Bound } | null;
  at: Position;
};

export type Call = {
  kind: "call";
  name: string;
  args: Expression[];
  star: boolean;
  distinct: boolean;
  order: SortItem[];
  filter: Expression | null;
  nulls: "ignore" | "respect" | null;
  over: Window | null;
};

export type Expression = { at: Position } & (
  | { kind: "null" }
  | { kind: "boolean"; value: boolean }
  | { kind: "number"; type: "integer" | "decimal" | "double"; text: string }
  | { kind: "string"; value: string }
  | { kind: "typed"; type: string; value: string }
  | { kind: "interval"; negative: boolean; value: string; unit: string; to: string | null }
  | { kind: "name"; path: Path }
  | { kind: "star" }
  | Call
  | { kind: "cast"; value: Expression; type: TypeName; attempt: boolean }
  | { kind: "case"; operand: Expression | null; whens: [Expression, Expression][]; otherwise: Expression | null }
  | { kind: "sign"; negative: boolean; value: Expression }
  | { kind: "arithmetic"; op: "+" | "-" | "*" | "/" | "%"; left: Expression; right: Expression }
  | { kind: "concat"; left: Expression; right: Expression }
  | { kind: "compare"; op: "=" | "<>" | "<" | "<=" | ">" | ">="; left: Expression; right: Expression }
  | { kind: "logic"; op: "AND" | "OR"; left: Expression; right: Expression }
  | { kind: "not"; value: Expression }
  | { kind: "between"; value: Expression; low: Expression; high: Expression; not: boolean }
  | { kind: "in"; value: Expression; list: Expression[]; not: boolean }
  | { kind: "inQuery"; value: Expression; query: Query; not: boolean }
  | { kind: "like"; value: Expression; pattern: Expression; escape: Expression | null; not: boolean }
  | { kind: "isNull"; value: Expression; not: boolean }
  | { kind: "distinct"; left: Expression; right: Expression; not: boolean }
  | { kind: "exists"; query: Query }
  | { kind: "subquery"; query: Query }
);

export type Relation = { at: Position } & (
  | { kind: "table"; path: Path; alias: Name | null; columns: Name[] | null }
  | { kind: "derived"; query: Query; alias: Name | null; columns: Name[] | null }
  | {
      kind: "join";
      type: "INNER" | "LEFT" | "RIGHT" | "FULL" | "CROSS";
      left: Relation;
      right: Relation;
      on: Expression | null;
      using: Name[] | null;
    }
);

export type SelectItem = { at: Position } & (
  | { kind: "all"; of: Path | null }
  | { kind: "expression"; value: Expression; alias: Name | null }
);

export type Body = { at: Position } & (
  | {
      kind: "select";
      distinct: boolean;
      items: SelectItem[];
      from: Relation | null;
      where: Expression | null;
      group: Expression[] | null;
      having: Expression | null;
      windows: { name: Name; window: Window }[];
    }
  | { kind: "set"; op: "UNION" | "INTERSECT" | "EXCEPT"; all: boolean; left: Body; right: Body }
  | { kind: "values"; rows: Expression[][] }
  | { kind: "nested"; query: Query }
);

export type Query = {
  at: Position;
  with: { name: Name; columns: Name[] | null; query: Query }[];
  body: Body;
  order: SortItem[];
  offset: string | null;
  limit: string | null;
};

export type Statement = { at: Position } & (
  | { kind: "query"; query: Query }
  | { kind: "describe"; path: Path }
  | { kind: "show columns"; path: Path }
  | { kind: "show partitions"; path: Path }
  | { kind: "show tables"; database: Name | null; pattern: string | null }
  | { kind: "show databases"; pattern: string | null }
);
