import type { Cursor } from "./cursor.ts";
import { openWindows } from "./over.ts";
import { type Position, unsupported } from "./refusal.ts";
import type { Expression, Name, Query, TypeName } from "./syntax.ts";

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
const comparisons = new Set(["=", "<>", "<", "<=", ">", ">="]);

/**
 * Trino's expression grammar (SqlBase.g4), by precedence: OR, AND, NOT, one predicate, `||`, `+ -`, `* / %`, sign.
 * Note that `||` binds more loosely than `+`, and that predicates do not chain (`a = b IS NULL` is an error).
 */
export const openExpressions = (c: Cursor, query: () => Query) => {
  const call = (name: string, args: Expression[], at: Position): Expression => ({
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

  const { over, specification, sortItem } = openWindows(c, () => expression());

  const expression = (): Expression => {
    let left = conjunction();
    while (c.is("OR")) {
      const at = c.next().at;
      left = { kind: "logic", op: "OR", left, right: conjunction(), at };
    }
    return left;
  };
  const conjunction = (): Expression => {
    let left = negation();
    while (c.is("AND")) {
      const at = c.next().at;
      left = { kind: "logic", op: "AND", left, right: negation(), at };
    }
    return left;
  };
  const negation = (): Expression => {
    const at = c.at();
    return c.accept("NOT") ? { kind: "not", value: negation(), at } : predicate(concatenation());
  };

  const predicate = (value: Expression): Expression => {
    const { key, at } = c.peek();
    if (comparisons.has(key)) {
      c.next();
      if ((c.is("ALL") || c.is("ANY") || c.is("SOME")) && c.peek(1).key === "(")
        unsupported(`${key} ${c.peek().key} (query)`, at);
      return { kind: "compare", op: key as "=", left: value, right: concatenation(), at };
    }
    if (key === "IS") {
      c.next();
      const not = c.accept("NOT");
      if (c.accept("NULL")) return { kind: "isNull", value, not, at };
      c.expect("DISTINCT", "FROM");
      return { kind: "distinct", left: value, right: concatenation(), not, at };
    }
    const not = c.is("NOT") && ["BETWEEN", "IN", "LIKE"].includes(c.peek(1).key) && c.accept("NOT");
    if (c.accept("BETWEEN")) {
      const low = concatenation();
      c.expect("AND");
      return { kind: "between", value, low, high: concatenation(), not, at };
    }
    if (c.accept("LIKE")) {
      const pattern = concatenation();
      return { kind: "like", value, pattern, escape: c.accept("ESCAPE") ? concatenation() : null, not, at };
    }
    if (c.accept("IN")) {
      const inner = inParentheses();
      if (inner) return { kind: "inQuery", value, query: inner, not, at };
      c.expect("(");
      const list = c.list(expression);
      c.expect(")");
      return { kind: "in", value, list, not, at };
    }
    return value;
  };

  /**
   * `( query )` if that is what comes, else null and nothing read. `((SELECT 1) + 1)` starts like a query and is none:
   * then what stands after the first parenthesis is read again as something else.
   */
  const inParentheses = (): Query | null => {
    let ahead = 0;
    while (c.peek(ahead).key === "(") ahead++;
    if (ahead === 0 || !["SELECT", "WITH", "VALUES", "TABLE"].includes(c.peek(ahead).key)) return null;
    const read = (): Query => {
      c.expect("(");
      const inner = query();
      c.expect(")");
      return inner;
    };
    return ahead === 1 ? read() : c.attempt(read);
  };

  const concatenation = (): Expression => {
    let left = sum();
    while (c.is("||")) {
      const at = c.next().at;
      left = { kind: "concat", left, right: sum(), at };
    }
    return left;
  };
  const sum = (): Expression => {
    let left = product();
    while (c.is("+") || c.is("-")) {
      const { key, at } = c.next();
      left = { kind: "arithmetic", op: key as "+", left, right: product(), at };
    }
    return left;
  };
  const product = (): Expression => {
    let left = signed();
    while (c.is("*") || c.is("/") || c.is("%")) {
      const { key, at } = c.next();
      left = { kind: "arithmetic", op: key as "*", left, right: signed(), at };
    }
    return left;
  };
  const signed = (): Expression => {
    const at = c.at();
    if (c.accept("-")) {
      const { kind, text } = c.peek();
      if (kind === "integer" || kind === "decimal" || kind === "double") {
        c.next();
        return postfix({ kind: "number", type: kind, text: `-${text}`, at });
      }
      return { kind: "sign", negative: true, value: signed(), at };
    }
    return c.accept("+") ? { kind: "sign", negative: false, value: signed(), at } : postfix(primary());
  };
  const postfix = (value: Expression): Expression => {
    if (c.is("[")) unsupported("subscript [ ]", c.at());
    if (c.is("AT")) unsupported("AT TIME ZONE", c.at());
    if (c.is(".")) unsupported("a field of a row", c.at());
    return value;
  };

  const primary = (): Expression => {
    const { kind, key, text, at } = c.peek();
    if (kind === "integer" || kind === "decimal" || kind === "double") {
      c.next();
      return { kind: "number", type: kind, text, at };
    }
    if (kind === "string") {
      c.next();
      return { kind: "string", value: text, at };
    }
    if (key === "(") return parenthesized(at);
    if (key === "?") unsupported("a parameter (?)", at);
    if (kind === "word") {
      const special = keyword(key, at);
      if (special) return special;
    }
    if (!c.isName()) c.fail("an expression");
    if (kind === "word" && c.peek(1).kind === "string") {
      c.next();
      if (key === "X" || key === "U") unsupported(`${text}'…' literals`, at);
      return { kind: "typed", type: key, value: c.next().text, at };
    }
    if (key === "DOUBLE" && c.peek(1).key === "PRECISION" && c.peek(2).kind === "string") {
      c.accept("DOUBLE", "PRECISION");
      return { kind: "typed", type: "DOUBLE", value: c.next().text, at };
    }
    const path = c.path();
    if (c.is("->")) unsupported("a lambda (->)", c.at());
    if (!c.is("(")) return { kind: "name", path, at };
    if (path.length > 1) unsupported(`function ${path.map((name) => name.text).join(".")}`, at);
    return invocation(path[0]!, at);
  };

  const parenthesized = (at: Position): Expression => {
    const inner = inParentheses();
    if (inner) return { kind: "subquery", query: inner, at };
    c.expect("(");
    const value = expression();
    if (c.is(",")) unsupported("a row constructor (a, b)", at);
    c.expect(")");
    if (c.is("->")) unsupported("a lambda (->)", c.at());
    return value;
  };

  const keyword = (key: string, at: Position): Expression | null => {
    const opens = c.peek(1).key === "(";
    if (key === "NULL" && c.accept("NULL")) return { kind: "null", at };
    if ((key === "TRUE" || key === "FALSE") && c.accept(key)) return { kind: "boolean", value: key === "TRUE", at };
    if (key === "CASE") return cases(at);
    if ((key === "CAST" || key === "TRY_CAST") && opens) {
      c.accept(key, "(");
      const value = expression();
      c.expect("AS");
      const type = typeName();
      c.expect(")");
      return { kind: "cast", value, type, attempt: key === "TRY_CAST", at };
    }
    if (key === "EXISTS") {
      c.accept("EXISTS");
      c.expect("(");
      const inner = query();
      c.expect(")");
      return { kind: "exists", query: inner, at };
    }
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
      return call(name!, [value], at);
    }
    if (key === "POSITION" && opens) {
      c.accept("POSITION", "(");
      const part = concatenation();
      c.expect("IN");
      const whole = concatenation();
      c.expect(")");
      return call("strpos", [whole, part], at);
    }
    if (key === "TRIM") return trim(at);
    if (key === "SUBSTRING" && opens) return substring(at);
    if (key === "CURRENT_DATE" && c.accept(key)) return call("current_date", [], at);
    if (/^(CURRENT_|LOCALTIME|GROUPING$|LISTAGG$|NORMALIZE$|JSON_)/.test(key) && (opens || !c.isName()))
      unsupported(key, at);
    if ((key === "ROW" && opens) || (key === "ARRAY" && c.peek(1).key === "[")) unsupported(key, at);
    return null;
  };

  const cases = (at: Position): Expression => {
    c.expect("CASE");
    const operand = c.is("WHEN") ? null : expression();
    const whens: [Expression, Expression][] = [];
    while (c.accept("WHEN")) {
      const condition = expression();
      c.expect("THEN");
      whens.push([condition, expression()]);
    }
    if (whens.length === 0) c.fail("WHEN");
    const otherwise = c.accept("ELSE") ? expression() : null;
    c.expect("END");
    return { kind: "case", operand, whens, otherwise, at };
  };

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
      return call(name, [whole], at);
    }
    const first = concatenation();
    const args = c.accept("FROM") ? [concatenation(), first] : c.accept(",") ? [first, concatenation()] : [first];
    c.expect(")");
    return call(name, args, at);
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
    return call("substr", args, at);
  };

  const typeName = (): TypeName => {
    const at = c.at();
    let name = c.name("a type").text.toLowerCase();
    if (name === "double") c.accept("PRECISION");
    const parameters: number[] = [];
    if (c.accept("(")) {
      parameters.push(...c.list(() => Number(c.integer("a number: types of types are not answered locally"))));
      c.expect(")");
    }
    if (name === "timestamp" || name === "time") {
      if (c.accept("WITH", "TIME", "ZONE")) name += " with time zone";
      else c.accept("WITHOUT", "TIME", "ZONE");
    }
    return { name, parameters, at };
  };

  const invocation = (name: Name, at: Position): Expression => {
    c.expect("(");
    const node = call(name.text.toLowerCase(), [], at) as Extract<Expression, { kind: "call" }>;
    if (c.accept("*")) node.star = true;
    else if (!c.is(")")) {
      node.distinct = c.accept("DISTINCT");
      if (!node.distinct && c.is("ALL") && ![",", ")"].includes(c.peek(1).key)) c.accept("ALL");
      node.args = c.list(expression);
      if (c.accept("ORDER", "BY")) node.order = c.list(sortItem);
    }
    c.expect(")");
    if (c.accept("FILTER", "(")) {
      c.expect("WHERE");
      node.filter = expression();
      c.expect(")");
    }
    if (c.accept("IGNORE", "NULLS")) node.nulls = "ignore";
    else if (c.accept("RESPECT", "NULLS")) node.nulls = "respect";
    if (c.accept("OVER")) node.over = over();
    else if (node.nulls) c.fail("OVER");
    return node;
  };

  return { expression, sortItem, specification, inParentheses };
};
