import type { Cursor } from "./cursor.ts";
import { callOf, openForms } from "./forms.ts";
import { openNested } from "./nesting.ts";
import { openWindows } from "./over.ts";
import { type Position, unsupported } from "./refusal.ts";
import type { Expression, Name, Query } from "./syntax.ts";

const comparisons = new Set(["=", "<>", "<", "<=", ">", ">="]);

/**
 * Trino's expression grammar (SqlBase.g4), by precedence: OR, AND, NOT, one predicate, `||`, `+ -`, `* / %`, sign.
 * Note that `||` binds more loosely than `+`, and that predicates do not chain (`a = b IS NULL` is an error).
 */
export const openExpressions = (c: Cursor, query: () => Query) => {
  const { over, specification, sortItem } = openWindows(c, () => expression());
  const forms = openForms(c, { expression: () => expression(), concatenation: () => concatenation() });
  const nested = openNested(c, { expression: () => expression(), sortItem, after: (node) => tail(node) });

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
      const quantifier = ["ALL", "ANY", "SOME"].find((word) => c.is(word, "("));
      if (quantifier) {
        c.next();
        const inner = inParentheses() ?? c.fail("a query");
        return { kind: "quantified", op: key as "=", all: quantifier === "ALL", value, query: inner, at };
      }
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
  const postfix = (first: Expression): Expression => {
    let value = first;
    for (;;) {
      const at = c.at();
      if (c.accept("[")) {
        value = { kind: "subscript", value, index: concatenation(), at };
        c.expect("]");
      } else if (c.accept(".")) value = { kind: "field", value, name: c.name("a field's name"), at };
      else break;
    }
    if (!c.is("AT", "TIME")) return value;
    const at = c.at();
    c.accept("AT", "TIME");
    c.expect("ZONE");
    return postfix({ kind: "zone", value, zone: primary(), at });
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
    if (key === "?") return c.parameter();
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
    if (c.peek(1).key === "->") return nested.lambda(at);
    const path = c.path();
    if (!c.is("(")) return { kind: "name", path, at };
    if (path.length > 1) unsupported(`function ${path.map((name) => name.text).join(".")}`, at);
    return invocation(path[0]!, at);
  };

  const parenthesized = (at: Position): Expression => {
    const inner = inParentheses();
    if (inner) return { kind: "subquery", query: inner, at };
    if (nested.isLambda()) return nested.lambda(at);
    c.expect("(");
    const items = c.list(expression);
    c.expect(")");
    return items.length === 1 ? items[0]! : { kind: "row", items, written: false, at };
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
      const type = nested.typeName();
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
    const form = forms.read(key, at);
    if (form) return form;
    if (key === "LISTAGG" && opens) return nested.listagg(at);
    if (
      /^(CURRENT_(CATALOG|PATH|ROLE|SCHEMA|TIME|USER)$|LOCALTIME$|NORMALIZE$|JSON_(ARRAY|EXISTS|OBJECT|QUERY|TABLE|VALUE)$)/.test(
        key,
      ) &&
      (opens || !c.isName())
    )
      unsupported(key, at);
    return nested.constructed(key, at);
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

  const invocation = (name: Name, at: Position): Expression => {
    c.expect("(");
    const node = callOf(name.text.toLowerCase(), [], at) as Extract<Expression, { kind: "call" }>;
    if (c.accept("*")) node.star = true;
    else if (!c.is(")")) {
      node.distinct = c.accept("DISTINCT");
      if (!node.distinct && c.is("ALL") && ![",", ")"].includes(c.peek(1).key)) c.accept("ALL");
      node.args = c.list(expression);
      if (c.accept("ORDER", "BY")) node.order = c.list(sortItem);
    }
    c.expect(")");
    return tail(node);
  };
  /** What may stand behind a call's parentheses. */
  const tail = (node: Extract<Expression, { kind: "call" }>): Expression => {
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

  return { expression, sortItem, specification, inParentheses, typeName: nested.typeName };
};
