import type { Cursor } from "./cursor.ts";
import { refuse } from "./refusal.ts";
import type { Bound, Expression, SortItem, Window } from "./syntax.ts";

/** The grammar of OVER, of window specifications and of ORDER BY's items. */
export const openWindows = (c: Cursor, expression: () => Expression) => {
  const over = (): Window => {
    const at = c.at();
    if (!c.is("(")) return { base: c.name("a window"), named: true, partition: [], order: [], frame: null, at };
    c.expect("(");
    const window = specification();
    c.expect(")");
    return window;
  };
  const specification = (): Window => {
    const at = c.at();
    const starts = (["PARTITION", "ORDER", "ROWS", "RANGE", "GROUPS"] as const).some((word) => c.is(word));
    const base = !starts && c.isName() ? c.name() : null;
    const partition = c.accept("PARTITION", "BY") ? c.list(expression) : [];
    const order = c.accept("ORDER", "BY") ? c.list(sortItem) : [];
    const frameUnit = (["ROWS", "RANGE", "GROUPS"] as const).find((word) => c.accept(word));
    let frame: Window["frame"] = null;
    if (frameUnit) {
      const between = c.accept("BETWEEN");
      const start = bound();
      if (between) c.expect("AND");
      frame = { unit: frameUnit, start, end: between ? bound() : { kind: "current" } };
    }
    return { base, partition, order, frame, at };
  };
  const bound = (): Bound => {
    const side = (): "preceding" | "following" => {
      if (c.accept("PRECEDING")) return "preceding";
      if (!c.accept("FOLLOWING")) c.fail("PRECEDING or FOLLOWING");
      return "following";
    };
    if (c.accept("UNBOUNDED")) return { kind: "unbounded", side: side() };
    if (c.accept("CURRENT", "ROW")) return { kind: "current" };
    const value = expression();
    return { kind: "offset", value, side: side() };
  };

  const sortItem = (): SortItem => {
    const value = expression();
    const descending = c.accept("DESC");
    if (!descending) c.accept("ASC");
    const nullsFirst = c.accept("NULLS", "FIRST");
    if (!nullsFirst && c.accept("NULLS") && !c.accept("LAST")) refuse("syntax", "expected FIRST or LAST", c.at());
    return { value, descending, nullsFirst };
  };

  return { over, specification, sortItem };
};
