/**
 * Statements from a grammar over the tables as they are: every column of the catalog, expressions of every type, and the
 * clauses that analysts combine. What a statement answers is determined: its outermost ORDER BY names every column, a
 * window is ordered by the table's key, and no double is summed. Nothing in it overflows, so that none fails in a row
 * that another plan would not have reached.
 */
import fc from "fast-check";

export type Source = { name: string; key: readonly string[]; columns: readonly { name: string; type: string }[] };

type Kind = "integer" | "bigint" | "decimal" | "double" | "text" | "date" | "boolean";
type Text = fc.Arbitrary<string>;

const kindOf = (type: string): Kind | null => {
  if (type.startsWith("decimal")) return "decimal";
  if (type.startsWith("varchar")) return "text";
  return type === "integer" || type === "bigint" || type === "double" || type === "date" || type === "boolean"
    ? type
    : null;
};

const one = (...texts: string[]): Text => fc.constantFrom(...texts);
/** The pieces in their order, the texts between them as they stand. */
const join = (strings: TemplateStringsArray, ...parts: Text[]): Text =>
  fc.tuple(...parts).map((texts) => strings.reduce((all, piece, at) => `${all}${texts[at - 1]}${piece}`));

const days = fc
  .tuple(fc.integer({ min: 0, max: 30 }), fc.constantFrom("2023-01-01", "2024-02-28", "2024-11-01"))
  .map(([plus, from]) => new Date(Date.parse(from) + plus * 86_400_000).toISOString().slice(0, 10));

const literals: Record<Kind, Text> = {
  integer: fc.integer({ min: -20, max: 20 }).map((n) => (n < 0 ? `(${n})` : String(n))),
  bigint: one("BIGINT '3000000000'", "BIGINT '-7'", "BIGINT '1'"),
  decimal: one("0.5", "1.00", "DECIMAL '12.345'", "100", "-0.001").map((text) =>
    text.startsWith("-") ? `(${text})` : text,
  ),
  double: one("1e0", "0.1e0", "2.5e-3", "1e10"),
  text: one("''", "'PETR4'", "'M'", "'2023'", "'ação'", "'D água'"),
  date: days.map((day) => `DATE '${day}'`),
  boolean: one("true", "false"),
};

/** Expressions over columns named `alias.column`, at most `depth` operators deep. */
const expressions = (columns: readonly { name: string; kind: Kind; type: string }[]) => {
  const leaf = (kind: Kind): Text => {
    const names = columns.filter((column) => column.kind === kind).map(({ name }) => name);
    // A constant alone would decide too much.
    if (names.length === 0 && kind === "boolean") return join`(${leaf("text")} >= ${literals.text})`;
    return names.length === 0
      ? literals[kind]
      : fc.oneof({ weight: 4, arbitrary: one(...names) }, { weight: 1, arbitrary: literals[kind] });
  };
  const memo = new Map<string, Text>();
  const of = (kind: Kind, depth: number): Text => {
    if (depth <= 0) return leaf(kind);
    const id = `${kind} ${depth}`;
    const known = memo.get(id);
    if (known) return known;
    const sub = (other: Kind): Text => of(other, depth - 1);
    const any = fc.constantFrom<Kind>("integer", "bigint", "decimal", "double", "text", "date");
    const shared: Text[] = [
      leaf(kind),
      join`CASE WHEN ${sub("boolean")} THEN ${sub(kind)} ELSE ${sub(kind)} END`,
      join`CASE WHEN ${sub("boolean")} THEN ${sub(kind)} END`,
      join`coalesce(${sub(kind)}, ${sub(kind)})`,
      join`if(${sub("boolean")}, ${sub(kind)}, ${sub(kind)})`,
      join`nullif(${sub(kind)}, ${leaf(kind)})`,
    ];
    const own: Record<Kind, Text[]> = {
      integer: [
        join`(${sub("integer")} ${one("+", "-")} ${sub("integer")})`,
        join`(${sub("integer")} * ${one("2", "(-3)", "10")})`,
        join`(${sub("integer")} ${one("/", "%")} ${one("7", "(-2)", "3")})`,
        join`abs(${sub("integer")})`,
        join`try_cast(${sub("text")} AS integer)`,
      ],
      bigint: [
        join`(${sub("bigint")} ${one("+", "-")} ${sub("integer")})`,
        join`(${sub("bigint")} ${one("/", "%")} ${one("1000", "(-7)")})`,
        join`CAST(${sub("integer")} AS bigint)`,
        join`${one("year", "month", "day", "quarter", "week", "day_of_week", "day_of_year", "year_of_week")}(${sub("date")})`,
        join`length(${sub("text")})`,
        join`strpos(${sub("text")}, ${one("'R'", "'4'", "'P'")})`,
        join`date_diff(${one("'day'", "'week'", "'month'", "'year'")}, ${sub("date")}, ${sub("date")})`,
        join`sign(${sub("bigint")})`,
      ],
      decimal: [
        join`(${sub("decimal")} ${one("+", "-")} ${leaf("decimal")})`,
        join`(${sub("decimal")} ${one("+", "-")} ${leaf("integer")})`,
        join`(${leaf("decimal")} * ${leaf("decimal")})`,
        join`(${leaf("decimal")} * ${leaf("integer")})`,
        join`(${leaf("decimal")} / nullif(${leaf("decimal")}, 0))`,
        join`(${leaf("decimal")} / nullif(${leaf("bigint")}, 0))`,
        join`(${leaf("decimal")} % ${one("0.7", "3", "DECIMAL '1.25'")})`,
        join`round(${sub("decimal")}, ${one("0", "1", "2", "-1")})`,
        join`${one("round", "ceil", "floor", "truncate", "abs")}(${sub("decimal")})`,
        join`greatest(${sub("decimal")}, ${leaf("decimal")})`,
        join`CAST(${leaf("decimal")} AS decimal(${one("38,2", "38,10", "30,0")}))`,
      ],
      double: [
        join`CAST(${leaf("decimal")} AS double)`,
        join`CAST(${leaf("bigint")} AS double)`,
        join`(${sub("double")} ${one("+", "-", "*")} ${sub("double")})`,
        join`(${sub("double")} / ${one("3e0", "1e2", "-7e0")})`,
        join`sqrt(abs(${sub("double")}))`,
        join`round(${sub("double")}, ${one("0", "2", "4")})`,
        join`${one("floor", "ceil", "abs", "round")}(${sub("double")})`,
        join`(CAST(${leaf("decimal")} AS double) / CAST(nullif(${leaf("decimal")}, 0) AS double) - 1)`,
      ],
      text: [
        join`substr(${sub("text")}, ${one("1", "2", "-2", "5")}, ${one("1", "3", "4")})`,
        join`${one("upper", "lower", "trim", "reverse", "rtrim")}(${sub("text")})`,
        join`(${sub("text")} || ${sub("text")})`,
        join`replace(${sub("text")}, ${one("'R'", "'4'", "'PE'")}, ${one("''", "'*'")})`,
        join`lpad(${sub("text")}, ${one("3", "8")}, ${one("'0'", "'. '")})`,
        join`split_part(${sub("text")}, ' ', ${one("1", "2")})`,
        join`CAST(${sub("integer")} AS varchar)`,
        join`CAST(${sub("decimal")} AS varchar)`,
        join`CAST(${sub("date")} AS varchar)`,
        join`CAST(${sub("boolean")} AS varchar)`,
        join`date_format(${sub("date")}, ${one("'%Y-%m'", "'%d/%m/%Y'", "'%j'")})`,
        join`regexp_replace(${sub("text")}, ${one("'[0-9]+'", "'^[A-Z]'")}, ${one("''", "'#'")})`,
        join`typeof(${sub("decimal")})`,
      ],
      date: [
        join`date_add(${one("'day'", "'week'", "'month'", "'year'", "'quarter'")}, ${literals.integer}, ${sub("date")})`,
        join`date_trunc(${one("'week'", "'month'", "'quarter'", "'year'")}, ${sub("date")})`,
        join`(${sub("date")} ${one("+", "-")} INTERVAL '${one("1", "30")}' ${one("DAY", "MONTH", "YEAR")})`,
        join`last_day_of_month(${sub("date")})`,
        join`greatest(${sub("date")}, ${sub("date")})`,
      ],
      boolean: [
        any.chain((other) => join`(${sub(other)} ${one("=", "<>", "<", "<=", ">", ">=")} ${sub(other)})`),
        any.chain((other) => join`(${sub(other)} IS ${one("", "NOT ")}NULL)`),
        any.chain((other) => join`(${sub(other)} IS ${one("", "NOT ")}DISTINCT FROM ${leaf(other)})`),
        any.chain((other) => join`(${sub(other)} ${one("", "NOT ")}BETWEEN ${leaf(other)} AND ${leaf(other)})`),
        any.chain((other) => join`(${sub(other)} ${one("", "NOT ")}IN (${literals[other]}, ${literals[other]}))`),
        join`(${sub("text")} LIKE ${one("'PETR%'", "'%4'", "'____11'", "'%F'")})`,
        join`starts_with(${sub("text")}, ${one("'P'", "'BB'")})`,
        join`regexp_like(${sub("text")}, ${one("'^[A-Z]{4}[0-9]+$'", "'11'")})`,
        join`(${sub("boolean")} ${one("AND", "OR")} ${sub("boolean")})`,
        join`(NOT ${sub("boolean")})`,
      ],
    };
    const made = fc.oneof(...shared, ...own[kind]);
    memo.set(id, made);
    return made;
  };
  return of;
};

const every: readonly Kind[] = ["integer", "bigint", "decimal", "double", "text", "date", "boolean"];
const ordinals = (count: number): string => Array.from({ length: count }, (_, at) => `${at + 1}`).join(", ");
const ordered = (count: number): Text =>
  one("", " DESC", " NULLS FIRST", " DESC NULLS LAST").map(
    (how) => `ORDER BY ${ordinals(count).replaceAll(",", `${how},`)}${how}`,
  );
/** Always there: what is compared is read row by row. */
const limit = fc.oneof(
  one("\nLIMIT 500"),
  fc.integer({ min: 1, max: 50 }).map((n) => `\nLIMIT ${n}`),
  one("\nOFFSET 3 LIMIT 7"),
);

/** A statement over these tables. */
export const statements = (sources: readonly Source[]): Text => {
  const over = (source: Source, alias: string) =>
    source.columns.flatMap(({ name, type }) => {
      const kind = kindOf(type);
      return kind === null ? [] : [{ name: `${alias}.${name}`, kind, type }];
    });
  const grammar = sources.map((source) => {
    const of = expressions(over(source, "t"));
    return {
      source,
      of,
      where: fc.oneof(
        one(""),
        of("boolean", 2).map((text) => `\nWHERE ${text}`),
      ),
    };
  });
  const anyKind = fc.constantFrom(...every);
  const list = (of: (kind: Kind, depth: number) => Text, least: number, most: number): fc.Arbitrary<string[]> =>
    fc.array(
      anyKind.chain((kind) => of(kind, 2)),
      { minLength: least, maxLength: most },
    );
  const named = (texts: readonly string[], from = 0): string =>
    texts.map((text, at) => `${text} AS c${from + at}`).join(", ");

  const rows = fc
    .constantFrom(...grammar)
    .chain(({ source, of, where }) =>
      fc
        .tuple(one("", "DISTINCT "), list(of, 1, 5), where, limit)
        .chain(([distinct, picked, condition, most]) =>
          ordered(picked.length).map(
            (order) => `SELECT ${distinct}${named(picked)}\nFROM ${source.name} t${condition}\n${order}${most}`,
          ),
        ),
    );

  const aggregate = (of: (kind: Kind, depth: number) => Text): Text => {
    const countable = anyKind.chain((kind) => of(kind, 1));
    const exact = fc.constantFrom<Kind>("integer", "bigint", "decimal").chain((kind) => of(kind, 1));
    const comparable = fc
      .constantFrom<Kind>("integer", "bigint", "decimal", "date", "text")
      .chain((kind) => of(kind, 1));
    const call = fc.oneof(
      one("count(*)"),
      join`count(${one("", "DISTINCT ")}${countable})`,
      join`${one("sum", "avg")}(${exact})`,
      join`${one("min", "max")}(${comparable})`,
      join`${one("bool_and", "bool_or", "count_if")}(${of("boolean", 1)})`,
    );
    return fc.oneof(
      { weight: 3, arbitrary: call },
      { weight: 1, arbitrary: join`${call} FILTER (WHERE ${of("boolean", 1)})` },
    );
  };
  const groups = fc.constantFrom(...grammar).chain(({ source, of, where }) =>
    fc
      .tuple(
        list(of, 0, 3),
        fc.array(aggregate(of), { minLength: 1, maxLength: 4 }),
        where,
        one("", "count(*) > 2", "min(1) = 1"),
        limit,
      )
      .chain(([keys, values, condition, having, most]) => {
        const all = [...keys, ...values];
        const by = keys.length === 0 ? "" : `\nGROUP BY ${ordinals(keys.length)}`;
        const only = having === "" ? "" : `\nHAVING ${having}`;
        return ordered(all.length).map(
          (order) => `SELECT ${named(all)}\nFROM ${source.name} t${condition}${by}${only}\n${order}${most}`,
        );
      }),
  );

  const frames = one(
    "",
    " ROWS BETWEEN 4 PRECEDING AND CURRENT ROW",
    " ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING",
    " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    " ROWS UNBOUNDED PRECEDING",
  );
  const windows = fc.constantFrom(...grammar).chain(({ source, of, where }) => {
    const key = source.key.map((name) => `t.${name}`).join(", ");
    const exact = fc.constantFrom<Kind>("integer", "bigint", "decimal").chain((kind) => of(kind, 1));
    const value = anyKind.chain((kind) => of(kind, 1));
    const by = fc.oneof(
      one(""),
      fc
        .constantFrom<Kind>("text", "date", "boolean")
        .chain((kind) => of(kind, 0))
        .map((text) => `PARTITION BY ${text} `),
    );
    const call = fc.oneof(
      join`${one("row_number", "rank", "dense_rank", "percent_rank", "cume_dist")}() OVER (${by}ORDER BY ${one(key)})`,
      join`${one("lag", "lead")}(${value}${one("", ", 2")}) OVER (${by}ORDER BY ${one(key)})`,
      join`ntile(${one("4", "10")}) OVER (${by}ORDER BY ${one(key)})`,
      join`${one("sum", "avg", "min", "max", "count")}(${exact}) OVER (${by}ORDER BY ${one(key)}${frames})`,
      join`${one("first_value", "last_value")}(${value}) OVER (${by}ORDER BY ${one(key)}${frames})`,
    );
    return fc.tuple(fc.array(call, { minLength: 1, maxLength: 3 }), where, limit).map(([calls, condition, most]) => {
      const keys = source.key.map((name) => `t.${name}`);
      return `SELECT ${keys.join(", ")}, ${named(calls)}\nFROM ${source.name} t${condition}\nORDER BY ${ordinals(keys.length + calls.length)}${most}`;
    });
  });

  const joins = fc
    .tuple(fc.constantFrom(...sources), fc.constantFrom(...sources))
    .filter(
      ([a, b]) => a.columns.some(({ name }) => name === "ticker") && b.columns.some(({ name }) => name === "ticker"),
    )
    .chain(([a, b]) => {
      const of = expressions([...over(a, "a"), ...over(b, "b")]);
      const day = [a, b].every(({ columns }) => columns.some(({ name }) => name === "data_pregao"));
      const on = day
        ? "a.ticker = b.ticker AND a.data_pregao = b.data_pregao"
        : "a.ticker = b.ticker AND a.year = b.year";
      return fc
        .tuple(
          one("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"),
          list(of, 1, 4),
          of("boolean", 1),
          one("'PETR4'", "'VALE3'"),
          limit,
        )
        .chain(([how, picked, condition, ticker, most]) =>
          ordered(picked.length).map(
            (order) =>
              `WITH a AS (SELECT * FROM ${a.name} WHERE ticker = ${ticker}), b AS (SELECT * FROM ${b.name} WHERE ticker >= ${ticker} AND ticker <= 'WEGE3' AND month = '01')\n` +
              `SELECT ${named(picked)}\nFROM a ${how} b ON ${on}\nWHERE ${condition}\n${order}${most}`,
          ),
        );
    });

  const unions = fc
    .tuple(fc.constantFrom(...grammar), fc.constantFrom(...grammar), anyKind, anyKind)
    .chain(([left, right, x, y]) =>
      fc
        .tuple(
          left.of(x, 1),
          left.of(y, 1),
          right.of(x, 1),
          right.of(y, 1),
          one("UNION", "UNION ALL", "INTERSECT", "EXCEPT"),
          limit,
        )
        .map(
          ([a, b, c, d, how, most]) =>
            `SELECT ${a} AS c0, ${b} AS c1 FROM ${left.source.name} t\n${how}\nSELECT ${c}, ${d} FROM ${right.source.name} t\nORDER BY 1, 2${most}`,
        ),
    );

  return fc.oneof(
    { weight: 3, arbitrary: rows },
    { weight: 4, arbitrary: groups },
    { weight: 2, arbitrary: windows },
    { weight: 2, arbitrary: joins },
    { weight: 1, arbitrary: unions },
  );
};
