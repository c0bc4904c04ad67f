import type { Cursor } from "./cursor.ts";
import { type Position, refuse } from "./refusal.ts";
import type { Expression, GroupItem } from "./syntax.ts";

/** CUBE over more columns is refused, as in Trino its sets would pass a limit. */
const MAX_CUBE = 10;
const MAX_SETS = 2048;

/** The grammar of GROUP BY: expressions, ROLLUP, CUBE, GROUPING SETS and `()`, the sets written out. */
export const openGroups = (c: Cursor, expression: () => Expression) => {
  /** `a`, `(a, b)` or `()`. */
  const set = (): Expression[] => {
    if (c.accept("(", ")")) return [];
    const value = expression();
    return value.kind === "row" && !value.written ? value.items : [value];
  };
  const sets = (): Expression[][] => {
    c.expect("(");
    if (c.accept(")")) return [];
    const all = c.list(set);
    c.expect(")");
    return all;
  };
  const item = (): GroupItem => {
    const at = c.at();
    if (c.accept("(", ")")) return { kind: "sets", sets: [[]] };
    if (c.accept("ROLLUP")) {
      const parts = sets();
      return { kind: "sets", sets: [...parts, []].map((_, index) => parts.slice(0, parts.length - index).flat()) };
    }
    if (c.accept("CUBE")) {
      const parts = sets();
      if (parts.length > MAX_CUBE) refuse("unsupported", `CUBE of more than ${MAX_CUBE} is not answered locally`, at);
      const chosen = Array.from({ length: 2 ** parts.length }, (_, bits) =>
        parts.filter((_, index) => ((bits >> index) & 1) === 0).flat(),
      );
      return { kind: "sets", sets: chosen };
    }
    if (c.accept("GROUPING", "SETS")) return { kind: "sets", sets: sets() };
    const value = expression();
    // (a, b) groups by a and by b.
    return value.kind === "row" && !value.written
      ? { kind: "sets", sets: [value.items], list: true }
      : { kind: "plain", value };
  };
  const groups = (): { distinct: boolean; items: GroupItem[] } => {
    const distinct = c.accept("DISTINCT");
    if (!distinct) c.accept("ALL");
    return { distinct, items: c.list(item) };
  };
  return { groups };
};

/** DuckDB's GROUP BY; the text of every expression that it names; what must hold for there to be a row at all. */
export const groupText = (
  { distinct, items }: { distinct: boolean; items: readonly GroupItem[] },
  read: (expression: Expression) => string,
  at: Position,
): { names: string[]; sql: string; some?: string } => {
  const sets = items.map((item): string[][] => {
    if (item.kind === "plain") return [[read(item.value)]];
    return item.sets.map((set) =>
      set.map((expression) => {
        if (!item.list && expression.kind !== "name")
          refuse("invalid", "GROUP BY ROLLUP, CUBE and GROUPING SETS take columns only", expression.at);
        return read(expression);
      }),
    );
  });
  const names = sets.flat(2);
  // A constant makes no groups, but of no rows at all no group is made.
  const kept = names.filter((sql) => sql.includes('"'));
  const simple = items.every(({ kind }) => kind === "plain");
  if (simple && kept.length === 0) return { names, sql: "", some: "count(*) > 0" };
  if (simple) return { names, sql: `GROUP BY ${kept.join(", ")}` };
  if (kept.length < names.length)
    refuse("unsupported", "constants beside ROLLUP, CUBE or GROUPING SETS are not answered locally", at);
  const lists = product(sets, distinct, at).map((set) => `(${set.join(", ")})`);
  return { names, sql: `GROUP BY GROUPING SETS (${lists.join(", ")})` };
};

/** Every combination of one set of each item; `distinct` leaves out those that are another's equal. */
const product = (items: readonly string[][][], distinct: boolean, at: Position): string[][] => {
  let all: string[][] = [[]];
  for (const sets of items) {
    all = all.flatMap((before) => sets.map((set) => [...new Set([...before, ...set])]));
    if (all.length > MAX_SETS) refuse("invalid", `GROUP BY has more than ${MAX_SETS} grouping sets`, at);
  }
  if (!distinct) return all;
  return [...new Map(all.map((set) => [[...set].sort().join("\0"), set])).values()];
};
