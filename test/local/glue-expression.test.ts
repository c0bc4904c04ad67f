import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { partitionFilter } from "../../packages/local/glue/expression.ts";

const keys = [
  { name: "year", type: "string" },
  { name: "n", type: "int" },
  { name: "day", type: "date" },
  { name: "ratio", type: "decimal(10,2)" },
];
type Values = (string | null)[];

/** A predicate twice: as the text that a client sends, and as plain JavaScript that says null for unknown. */
type Model = { text: string; truth: (values: Values) => boolean | null };

const quote = (text: string) => `'${text.replaceAll("'", "''")}'`;
const years = fc.constantFrom("2023", "2024", "2025", "a'b", "A B", "çã");
const days = fc.constantFrom("2024-01-31", "2024-02-29", "2025-12-01");
const ints = fc.integer({ min: -12, max: 120 });
const cents = fc.integer({ min: -300, max: 300 });
const centsText = (n: number) =>
  `${n < 0 ? "-" : ""}${Math.floor(Math.abs(n) / 100)}.${String(Math.abs(n) % 100).padStart(2, "0")}`;

/** Literals of each key with a JavaScript value that orders as the key does. */
const literal = (index: number): fc.Arbitrary<{ text: string; value: string | number }> =>
  [
    years.map((text) => ({ text: quote(text), value: text })),
    fc.tuple(ints, fc.boolean()).map(([n, quoted]) => ({ text: quoted ? quote(String(n)) : String(n), value: n })),
    days.map((text) => ({ text: quote(text), value: text })),
    cents.map((n) => ({ text: centsText(n), value: n })),
  ][index]!;
const comparable = (index: number, text: string | null | undefined): string | number | null =>
  text === null || text === undefined
    ? null
    : index === 1
      ? Number(text)
      : index === 3
        ? Math.round(Number(text) * 100)
        : text;

const operators: Record<string, (a: string | number, b: string | number) => boolean> = {
  "=": (a, b) => a === b,
  "<>": (a, b) => a !== b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};
const spelled = (name: string) => fc.constantFrom(name, name.toUpperCase(), `"${name}"`, `\`${name}\``);
const maybeNot = (model: Model, negative: boolean, text: string): Model =>
  negative ? { text, truth: (v) => (model.truth(v) === null ? null : !model.truth(v)) } : model;

const atom: fc.Arbitrary<Model> = fc.integer({ min: 0, max: 3 }).chain((index) => {
  const name = spelled(keys[index]!.name);
  const value = (v: Values) => comparable(index, v[index]);
  const known = (v: Values, holds: (came: string | number) => boolean) => {
    const came = value(v);
    return came === null ? null : holds(came);
  };
  return fc.oneof(
    fc.tuple(name, fc.constantFrom(...Object.keys(operators)), literal(index)).map(
      ([n, o, l]): Model => ({
        text: `${n} ${o} ${l.text}`,
        truth: (v) => known(v, (came) => operators[o]!(came, l.value)),
      }),
    ),
    fc
      .tuple(name, fc.boolean(), fc.array(literal(index), { minLength: 1, maxLength: 4 }))
      .map(([n, negative, list]) => {
        const text = (not: string) => `${n} ${not}in (${list.map((l) => l.text).join(", ")})`;
        const model: Model = { text: text(""), truth: (v) => known(v, (came) => list.some((l) => l.value === came)) };
        return maybeNot(model, negative, text("NOT "));
      }),
    fc.tuple(name, fc.boolean(), literal(index), literal(index)).map(([n, negative, low, high]) => {
      const text = (not: string) => `${n} ${not}BETWEEN ${low.text} AND ${high.text}`;
      const model: Model = {
        text: text(""),
        truth: (v) => known(v, (came) => came >= low.value && came <= high.value),
      };
      return maybeNot(model, negative, text("not "));
    }),
    fc.tuple(name, fc.boolean()).map(
      ([n, negative]): Model => ({
        text: `${n} IS ${negative ? "NOT " : ""}NULL`,
        truth: (v) => (v[index] === null) !== negative,
      }),
    ),
  );
});
const like: fc.Arbitrary<Model> = fc
  .array(fc.constantFrom("%", "_", "2", "0", "4", "a", "'", ".", "ç"), { minLength: 1, maxLength: 5 })
  .map((parts) => {
    const pattern = parts.join("");
    // By search instead of a regular expression: the model must not share the implementation's mistakes.
    const matches = (text: string, at: number, p: number): boolean =>
      p === parts.length
        ? at === text.length
        : parts[p] === "%"
          ? matches(text, at, p + 1) || (at < text.length && matches(text, at + 1, p))
          : at < text.length && (parts[p] === "_" || parts[p] === text[at]) && matches(text, at + 1, p + 1);
    return { text: `year LIKE ${quote(pattern)}`, truth: (v) => (v[0] === null ? null : matches(v[0]!, 0, 0)) };
  });
const tree = fc.letrec<{ node: Model }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small" },
    atom,
    like,
    tie("node").map(
      (m): Model => ({ text: `NOT (${m.text})`, truth: (v) => (m.truth(v) === null ? null : !m.truth(v)) }),
    ),
    fc.tuple(tie("node"), tie("node")).map(
      ([a, b]): Model => ({
        text: `((${a.text}) AND (${b.text}))`,
        truth: (v) => {
          const both = [a.truth(v), b.truth(v)];
          return both.includes(false) ? false : both.includes(null) ? null : true;
        },
      }),
    ),
    fc.tuple(tie("node"), tie("node")).map(
      ([a, b]): Model => ({
        text: `(${a.text}) or (${b.text})`,
        truth: (v) => {
          const either = [a.truth(v), b.truth(v)];
          return either.includes(true) ? true : either.includes(null) ? null : false;
        },
      }),
    ),
  ),
})).node;
const partition: fc.Arbitrary<Values> = fc.tuple(
  fc.option(years),
  fc.option(ints.map(String)),
  fc.option(days),
  fc.option(cents.map(centsText)),
);

describe("partition expressions", () => {
  test("choose what plain JavaScript chooses, unknowns included", () => {
    fc.assert(
      fc.property(
        tree.filter((m) => m.text.length <= 2048),
        fc.array(partition, { minLength: 1, maxLength: 20 }),
        (model, list) => {
          const filter = partitionFilter(model.text, keys);
          for (const values of list)
            expect(filter(values), `${model.text} ${JSON.stringify(values)}`).toBe(model.truth(values) === true);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("AND binds tighter than OR, NOT tighter than AND", () => {
    const filter = partitionFilter("year = '2023' OR NOT n = 1 AND day = '2024-01-31'", keys);
    expect(filter(["2023", "1", "2025-12-01", "0.00"])).toBe(true);
    expect(filter(["2024", "2", "2025-12-01", "0.00"])).toBe(false);
    expect(filter(["2024", "2", "2024-01-31", "0.00"])).toBe(true);
  });

  test("the text that Trino sends is understood", () => {
    const filter = partitionFilter("((year = '2024')) AND ((ticker in ('PETR4', 'VALE3')))", [
      { name: "year", type: "string" },
      { name: "ticker", type: "string" },
    ]);
    expect(filter(["2024", "VALE3"])).toBe(true);
    expect(filter(["2024", "ITUB4"])).toBe(false);
    expect(filter(["2023", "VALE3"])).toBe(false);
  });

  test("numbers are compared as numbers: 9 < 10", () => {
    expect(partitionFilter("n < 10", keys)([null, "9", null, null])).toBe(true);
    expect(partitionFilter("10 > n", keys)([null, "9", null, null])).toBe(true);
    expect(partitionFilter("n < '10'", keys)([null, "11", null, null])).toBe(false);
  });

  test.each([
    ["", "its end"],
    ["year", "a comparison"],
    ["year = ", "a literal"],
    ["year = 2024", "quoted literal"],
    ["nothing = 1", "no partition key"],
    ["n = 'x'", "of type int"],
    ["day = '2024-02-30'", "of type date"],
    ["year = '2024' year = '2025'", "the end"],
    ["(year = '2024'", '")"'],
    ["year = '2024", "cannot read"],
    ["year in ()", "a literal"],
    ["n = year", "a literal"],
    ["1 = 1", "partition key"],
    [`year = '${"x".repeat(2048)}'`, "at most 2048"],
  ])("%s is refused, not guessed", (text, why) => {
    expect(() => partitionFilter(text, keys)).toThrow(why);
  });
});
