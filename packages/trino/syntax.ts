import type { Position } from "./refusal.ts";

/** An identifier. Unquoted ones are case-insensitive; so are quoted ones when they are looked up. */
export type Name = { text: string; quoted: boolean; at: Position };
export type Path = Name[];

/** `of`: the types inside an array, a map or a row, whose fields may have names. */
export type TypeName = {
  name: string;
  parameters: number[];
  of?: TypeName[];
  fields?: (Name | null)[];
  at: Position;
};

export type SortItem = { value: Expression; descending: boolean; nullsFirst: boolean };

export type Bound =
  | { kind: "unbounded"; side: "preceding" | "following" }
  | { kind: "current" }
  | { kind: "offset"; side: "preceding" | "following"; value: Expression };

export type Window = {
  base: Name | null;
  /** `OVER w`: the window as it stands, its frame with it. */
  named?: true;
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
  | { kind: "array"; items: Expression[] }
  /** `written`: as ROW(…), which a list in parentheses is not to GROUP BY. */
  | { kind: "row"; items: Expression[]; written: boolean }
  | { kind: "subscript"; value: Expression; index: Expression }
  | { kind: "field"; value: Expression; name: Name }
  | { kind: "lambda"; parameters: Name[]; body: Expression }
  | { kind: "zone"; value: Expression; zone: Expression }
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
  | { kind: "quantified"; op: "=" | "<>" | "<" | "<=" | ">" | ">="; all: boolean; value: Expression; query: Query }
  | { kind: "like"; value: Expression; pattern: Expression; escape: Expression | null; not: boolean }
  | { kind: "isNull"; value: Expression; not: boolean }
  | { kind: "distinct"; left: Expression; right: Expression; not: boolean }
  | { kind: "exists"; query: Query }
  | { kind: "subquery"; query: Query }
);

export type Relation = { at: Position } & (
  | { kind: "table"; path: Path; alias: Name | null; columns: Name[] | null }
  | { kind: "derived"; query: Query; alias: Name | null; columns: Name[] | null; lateral?: true }
  | { kind: "unnest"; args: Expression[]; ordinality: boolean; alias: Name | null; columns: Name[] | null }
  | {
      kind: "join";
      type: "INNER" | "LEFT" | "RIGHT" | "FULL" | "CROSS";
      left: Relation;
      right: Relation;
      on: Expression | null;
      using: Name[] | null;
    }
);

/** One element of GROUP BY: an expression, or the sets that ROLLUP, CUBE, GROUPING SETS or `()` stand for. */
export type GroupItem =
  | { kind: "plain"; value: Expression }
  /** `list`: it is `(a, b)`, which may hold any expression. */
  | { kind: "sets"; sets: Expression[][]; list?: true };

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
      group: { distinct: boolean; items: GroupItem[] } | null;
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
  /** FETCH … WITH TIES. */
  ties?: true;
};

/** A property in WITH (name = value): text, a number, a boolean or a list of texts. */
export type Property = string | number | boolean | string[];
export type Properties = Record<string, Property>;

export type Statement = { at: Position } & (
  | { kind: "query"; query: Query }
  | { kind: "describe" | "show columns" | "show partitions" | "show create table" | "show create view"; path: Path }
  | { kind: "show table properties"; path: Path; property: string | null }
  | { kind: "show tables" | "show views"; database: Name | null; pattern: string | null }
  | { kind: "show databases"; pattern: string | null }
  /** `text` is the query as it was written. */
  | { kind: "create view"; path: Path; replace: boolean; comment: string | null; query: Query; text: string }
  | { kind: "drop view" | "drop table"; path: Path; ifExists: boolean }
  | {
      kind: "create table";
      path: Path;
      ifNotExists: boolean;
      comment: string | null;
      names: Name[] | null;
      properties: Properties;
      query: Query;
      data: boolean;
    }
  | { kind: "insert"; path: Path; names: Name[] | null; query: Query }
  | { kind: "unload"; query: Query; location: string; properties: Properties }
  | { kind: "explain"; type: "plan" | "validate"; of: Statement }
  | { kind: "prepare"; name: Name; text: string }
  | { kind: "execute"; name: Name; values: string[] }
  | { kind: "deallocate"; name: Name }
);
