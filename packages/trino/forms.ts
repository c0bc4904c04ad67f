import type { Cursor } from "./cursor.ts";
import { type Position, unsupported } from "./refusal.ts";
import type { Call, Expression } from "./syntax.ts";

const intervalUnits = new Set(["YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND"]);
/** `EXTRACT(field FROM x)` is the function of that name. */
const extracted: Readonly<Record<string, string>> = {
  YEAR: "year",
  QUARTER: "quarter",
  MONTH: "month",
  WEEK: "week",
  DAY: "day",
  DAY_OF_MONTH: "day",
  DAY_OF_WEEK: "day_of_week",
  DOW: "day_of_week",
  DAY_OF_YEAR: "day_of_year",
  DOY: "day_of_year",
  YEAR_OF_WEEK: "year_of_week",
  YOW: "year_of_week",
  HOUR: "hour",
  MINUTE: "minute",
  SECOND: "second",
};
/** A call as it is before anything behind its parentheses is read. */
export const callOf = (name: string, args: Expression[], at: Position): Call & Expression => ({
  kind: "call",
  name,
  args,
  star: false,
  distinct: false,
  order: [],
  filter: null,
  nulls: null,
  over: null,
  at,
});

type Parts = { expression: () => Expression; concatenation: () => Expression };

/** The grammar of functions that have one of their own, and of intervals. */
export const openForms = (c: Cursor, { expression, concatenation }: Parts) => {
  const unit = (): string => {
    const { key } = c.peek();
    if (!intervalUnits.has(key)) c.fail("YEAR, MONTH, DAY, HOUR, MINUTE or SECOND");
    c.next();
    return key;
  };
  const interval = (at: Position): Expression => {
    c.expect("INTERVAL");
    const negative = c.accept("-");
    if (!negative) c.accept("+");
    const value = c.string("the interval's text in quotes");
    const from = unit();
    return { kind: "interval", negative, value, unit: from, to: c.accept("TO") ? unit() : null, at };
  };

  const trim = (at: Position): Expression => {
    c.expect("TRIM");
    c.expect("(");
    const side = ["BOTH", "LEADING", "TRAILING"].find((word) => c.accept(word));
    const name = side === "LEADING" ? "ltrim" : side === "TRAILING" ? "rtrim" : "trim";
    if (side && c.accept("FROM")) {
      const whole = concatenation();
      c.expect(")");
      return callOf(name, [whole], at);
    }
    const first = concatenation();
    const args = c.accept("FROM") ? [concatenation(), first] : c.accept(",") ? [first, concatenation()] : [first];
    c.expect(")");
    return callOf(name, args, at);
  };
  const substring = (at: Position): Expression => {
    c.expect("SUBSTRING");
    c.expect("(");
    const args = [expression()];
    if (c.accept("FROM")) {
      args.push(concatenation());
      if (c.accept("FOR")) args.push(concatenation());
    } else while (c.accept(",")) args.push(expression());
    c.expect(")");
    return callOf("substr", args, at);
  };

  /** What begins with this word; null when it is none of these forms. */
  const read = (key: string, at: Position): Expression | null => {
    const opens = c.peek(1).key === "(";
    if (key === "INTERVAL" && (c.peek(1).kind === "string" || ["+", "-"].includes(c.peek(1).key))) return interval(at);
    if (key === "EXTRACT") {
      c.accept("EXTRACT");
      c.expect("(");
      const field = c.name("a field to extract");
      const name = extracted[field.text.toUpperCase()];
      if (!name) unsupported(`EXTRACT(${field.text} FROM …)`, at);
      c.expect("FROM");
      const value = concatenation();
      c.expect(")");
      return callOf(name!, [value], at);
    }
    if (key === "POSITION" && opens) {
      c.accept("POSITION", "(");
      const part = concatenation();
      c.expect("IN");
      const whole = concatenation();
      c.expect(")");
      return callOf("strpos", [whole, part], at);
    }
    if (key === "TRIM") return trim(at);
    if (key === "SUBSTRING" && opens) return substring(at);
    if (key === "CURRENT_DATE" && c.accept(key)) return callOf("current_date", [], at);
    if (key === "CURRENT_TIMESTAMP" || key === "LOCALTIMESTAMP") {
      c.next();
      const digits: Expression[] = c.accept("(")
        ? [{ kind: "number", type: "integer", text: c.integer("digits"), at }]
        : [];
      if (digits.length) c.expect(")");
      return callOf(key.toLowerCase(), digits, at);
    }
    if (key === "GROUPING" && opens) {
      c.accept("GROUPING", "(");
      const args = c.is(")") ? [] : c.list(expression);
      c.expect(")");
      return callOf("grouping", args, at);
    }
    return null;
  };
  return { read };
};
