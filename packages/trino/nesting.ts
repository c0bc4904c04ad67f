import type { Cursor } from "./cursor.ts";
import { type Position, unsupported } from "./refusal.ts";
import type { Call, Expression, Name, SortItem, TypeName } from "./syntax.ts";

type Parts = {
  expression: () => Expression;
  sortItem: () => SortItem;
  /** FILTER, OVER and the like, behind a call. */
  after: (call: Call & Expression) => Expression;
};

/** The grammar of what holds other values: arrays, rows, lambdas, LISTAGG, and types of types. */
export const openNested = (c: Cursor, { expression, sortItem, after }: Parts) => {
  /** `(a, b) ->`, which begins like a row. */
  const isLambda = (): boolean => {
    let ahead = 1;
    while (["word", "quoted"].includes(c.peek(ahead).kind)) ahead += c.peek(ahead + 1).key === "," ? 2 : 1;
    return c.is("(") && c.peek(ahead).key === ")" && c.peek(ahead + 1).key === "->";
  };
  const lambda = (at: Position): Expression => {
    const parameters = c.is("(", ")") ? [] : c.is("(") ? c.names() : [c.name("a parameter")];
    if (parameters.length === 0) c.accept("(", ")");
    c.expect("->");
    return { kind: "lambda", parameters, body: expression(), at };
  };

  /** ARRAY[…] and ROW(…); null when neither comes. */
  const constructed = (key: string, at: Position): Expression | null => {
    if (key === "ARRAY" && c.accept("ARRAY", "[")) {
      const items = c.is("]") ? [] : c.list(expression);
      c.expect("]");
      return { kind: "array", items, at };
    }
    if (key === "ROW" && c.accept("ROW", "(")) {
      const items = c.list(expression);
      c.expect(")");
      return { kind: "row", items, written: true, at };
    }
    return null;
  };

  const listagg = (at: Position): Expression => {
    c.expect("LISTAGG", "(");
    const distinct = c.accept("DISTINCT");
    const args = [expression()];
    if (c.accept(",")) args.push({ kind: "string", value: c.string("a separator in quotes"), at });
    if (c.accept("ON", "OVERFLOW") && !c.accept("ERROR")) unsupported("LISTAGG … ON OVERFLOW TRUNCATE", at);
    c.expect(")");
    c.expect("WITHIN", "GROUP", "(");
    c.expect("ORDER", "BY");
    const order = c.list(sortItem);
    c.expect(")");
    return after({
      kind: "call",
      name: "listagg",
      args,
      star: false,
      distinct,
      order,
      filter: null,
      nulls: null,
      over: null,
      at,
    });
  };

  /** `array(T)`, `array<T>`, `map(K, V)`, `row(x T, T)`, or a plain type. */
  const typeName = (): TypeName => {
    const at = c.at();
    if (c.accept("INTERVAL")) {
      const day = c.accept("DAY", "TO", "SECOND");
      if (!day) c.expect("YEAR", "TO", "MONTH");
      return { name: `interval ${day ? "day to second" : "year to month"}`, parameters: [], at };
    }
    let name = c.name("a type").text.toLowerCase();
    if (name === "row" && c.accept("(")) {
      const fields = c.list(field);
      c.expect(")");
      return { name, parameters: [], of: fields.map(({ of }) => of), fields: fields.map((one) => one.name), at };
    }
    if (["array", "map"].includes(name) && (c.is("(") || c.is("<"))) {
      const close = c.next().key === "(" ? ")" : ">";
      const of = c.list(typeName);
      c.expect(close);
      return { name, parameters: [], of, at };
    }
    if (name === "double") c.accept("PRECISION");
    const parameters: number[] = [];
    if (c.accept("(")) {
      parameters.push(...c.list(() => Number(c.integer("a number"))));
      c.expect(")");
    }
    if (name === "timestamp" || name === "time") {
      if (c.accept("WITH", "TIME", "ZONE")) name += " with time zone";
      else c.accept("WITHOUT", "TIME", "ZONE");
    }
    return c.is("ARRAY") ? unsupported("T ARRAY: write array(T); this", at) : { name, parameters, at };
  };
  /** A field's type, with its name before it where it has one. */
  const field = (): { name: Name | null; of: TypeName } => {
    const { key } = c.peek(1);
    const named =
      c.isName() && ![",", ")", "(", "<"].includes(key) && !c.is("DOUBLE", "PRECISION") && !/^WITH/.test(key);
    return { name: named ? c.name() : null, of: typeName() };
  };

  return { isLambda, lambda, constructed, listagg, typeName };
};
