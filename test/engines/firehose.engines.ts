import { hash } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GlueType } from "../../packages/core/columns.ts";
import { judgeOf } from "../../packages/core/judge.ts";
import { messages } from "../../packages/core/message.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { bovespaRaw } from "../../packages/datasets/bovespa/tables/raw.ts";
import type { Cell, ParquetColumn } from "../../packages/engines/duckdb/parquet.ts";
import { Malformed, readRecord } from "../../packages/local/firehose/serde.ts";
import { bytesOf, fixture } from "../datasets/cotahist.ts";
import { type Serde, type SerdeAnswer, type SerdeValue, startSerde } from "./serde.ts";

const columns: ParquetColumn[] = [
  { name: "s", type: "string" },
  { name: "i", type: "int" },
  { name: "b", type: "bigint" },
  { name: "x", type: "double" },
  { name: "t", type: "boolean" },
  { name: "d", type: "date" },
  { name: "z", type: "timestamp" },
  { name: "m", type: "decimal(18,6)" },
  { name: "w", type: "decimal(38,0)" },
];
const running: Serde[] = [];
const serdeOf = (table: readonly ParquetColumn[]): Serde => {
  const serde = startSerde(table);
  running.push(serde);
  return serde;
};
let serde: Serde;
beforeAll(() => {
  serde = serdeOf(columns);
});
afterAll(() => {
  for (const one of running) one.stop();
});

/** The row that we make of a document; null: none. */
const ourRow = (table: readonly ParquetColumn[], document: string): Cell[] | null => {
  try {
    return readRecord(table, new TextEncoder().encode(document)).map((cells) => cells[0]!);
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
};

const MS_OF_DAY = 86_400_000;
/** As Hive prints it: without zeros at the end of a fraction. */
const printed = (type: GlueType, cell: NonNullable<Cell>): string => {
  if (type === "date") return new Date(Number(cell) * MS_OF_DAY).toISOString().slice(0, 10);
  if (type === "timestamp") {
    const micros = BigInt.asUintN(64, (cell as bigint) % 1_000_000n);
    const part = micros < 1_000_000n ? micros : BigInt.asIntN(64, micros) + 1_000_000n;
    const seconds = ((cell as bigint) - part) / 1_000_000n;
    const fraction = String(part).padStart(6, "0").replace(/0+$/, "");
    const time = new Date(Number(seconds) * 1000).toISOString().slice(0, -5).replace("T", " ");
    // Java prints five digits of a year.
    return `${time.replace(/^\+0/, "+")}${fraction && `.${fraction}`}`;
  }
  const scale = Number(/^decimal\(\d+,(\d+)\)$/.exec(type)?.[1] ?? 0);
  if (scale === 0) return String(cell);
  const digits = String(cell)
    .replace("-", "")
    .padStart(scale + 1, "0");
  const fraction = digits.slice(-scale).replace(/0+$/, "");
  return `${(cell as bigint) < 0n ? "-" : ""}${digits.slice(0, -scale)}${fraction && `.${fraction}`}`;
};

/** Text that is finer than a microsecond is cut here, and kept there. */
const cut = (text: string): string =>
  text.replace(/(\.\d{6})\d+$/, "$1").replace(/\.?0+$/, (zeros) => (zeros[0] === "." ? "" : ""));

const agrees = (type: GlueType, ours: Cell, theirs: SerdeValue): boolean => {
  if (ours === null || theirs === null) return ours === theirs;
  if (typeof theirs === "object") return false;
  if (type === "double") return Object.is(ours, Number(theirs));
  if (type !== "timestamp") return printed(type, ours) === theirs;
  return theirs.startsWith(printed(type, ours)) && (theirs.length < 27 || cut(theirs) === cut(printed(type, ours)));
};

const never = (document: string, table: readonly ParquetColumn[], ours: readonly Cell[], answer: SerdeAnswer): void => {
  for (const [c, { name, type }] of table.entries()) {
    const theirs = "error" in answer ? answer : answer.values[c]!;
    if (!agrees(type, ours[c]!, theirs))
      expect.unreachable(`${document}: ${name} is ${String(ours[c])} here, ${JSON.stringify(theirs)} by the SerDe`);
  }
};

const two = (max: number) =>
  fc.tuple(fc.integer({ min: 0, max }), fc.boolean()).map(([n, wide]) => String(n).padStart(wide ? 2 : 1, "0"));
const instant = fc
  .tuple(
    fc.constantFrom("2024", "2023", "1969", "1582", "0001", "0000", "9999", "10000", "24"),
    fc.constantFrom("-", "-", "-", "/"),
    two(13),
    two(32),
    fc.constantFrom("", " ", "T"),
    fc.tuple(two(24), two(60), two(60)).map((time) => time.join(":")),
    fc.constantFrom("", "", ".1", ".123", ".000001", ".123456789", ".1234567891"),
    fc.constantFrom("", "", "Z", "+00:00", "-03:00", " UTC", "z"),
  )
  .map(([year, dash, month, day, space, time, fraction, zone]) =>
    space === ""
      ? `${year}${dash}${month}${dash}${day}`
      : `${year}${dash}${month}${dash}${day}${space}${time}${fraction}${zone}`,
  );
const numeral = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }).map(String),
  fc.bigInt({ min: -(10n ** 16n), max: 10n ** 16n }).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.double({ noNaN: true, min: -1e8, max: 1e8 }).map(String),
  fc.tuple(fc.bigInt({ min: -(10n ** 13n), max: 10n ** 13n }), fc.nat(9_999_999)).map(([n, f]) => `${n}.${f}`),
  fc.tuple(fc.bigInt({ min: -(10n ** 13n), max: 10n ** 13n }), fc.nat(999)).map(([n, f]) => `${n}.${f}`),
);
const odd = fc.constantFrom(
  ...[
    "",
    " ",
    " 7",
    "7 ",
    "+7",
    "-0",
    "7.0",
    "7.",
    ".5",
    "1e3",
    "1_000",
    "1,5",
    "1d",
    "1f",
    "1L",
    "0x1p3",
    "0x1F",
    "0X1f",
  ],
  ...[
    "017",
    "08",
    "0x",
    "0x80000000",
    "0xffffffffffffffff",
    "-0x1",
    "true",
    "TRUE",
    "False",
    "yes",
    "1",
    "null",
    "NaN",
  ],
  ...[
    "Infinity",
    "-0.0",
    "0.000000",
    "000",
    "\u00a07",
    "٣",
    "９",
    "TRU\u212a",
    "a\u0000b",
    "\ud800",
    "a\udc00",
    "😀",
    "/",
    "é",
  ],
);
const json = fc.oneof(
  { weight: 3, arbitrary: instant.map((text) => JSON.stringify(text)) },
  { weight: 3, arbitrary: numeral.map((text) => JSON.stringify(text)) },
  { weight: 3, arbitrary: numeral },
  { weight: 2, arbitrary: odd.map((text) => JSON.stringify(text)) },
  fc.constantFrom("null", "true", "false", "-0", "-0.0", "0", "7.0", "1e3", "1E+3", "36.50", "1e400", "1e-400"),
  fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
  fc.json({ maxDepth: 3 }),
);

// The same documents each time, unless told otherwise.
fc.configureGlobal({ seed: Number(process.env.PREGAO_SEED ?? 7) });

describe("a value is the SerDe's, or an error: never another", () => {
  test.each(columns)("$type", async (column) => {
    const kept = { rows: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(json, { minLength: 1, maxLength: 300, size: "max" }), async (values) => {
        const documents = values.map((value) => `{"${column.name}":${value}}`);
        const answers = await serde.ask(documents);
        for (const [k, document] of documents.entries()) {
          const ours = ourRow(columns, document);
          if (ours === null) continue;
          kept.rows += 1;
          never(document, columns, ours, answers[k]!);
        }
      }),
      { numRuns: 60 },
    );
    // Whatever is refused agrees with everything.
    expect(kept.rows).toBeGreaterThan(150);
  });
});

test("keys in any case, unknown, missing, odd ones and white space are read as the SerDe reads them", async () => {
  const blank = fc.constantFrom("", " ", "\t", "\r\n", "\n");
  const key = fc.constantFrom(
    "s",
    "S",
    "i",
    "I",
    "d",
    "Z",
    "z",
    "other",
    "Other",
    "",
    "__proto__",
    "a.b",
    "constructor",
    "ſ",
    "K",
  );
  const document = fc
    .tuple(fc.array(fc.tuple(key, json, blank), { maxLength: 6 }), blank)
    .map(
      ([fields, end]) =>
        `${end}{${fields.map(([k, v, b]) => `${b}${JSON.stringify(k)}${b}:${b}${v}${b}`).join(",")}}${end}`,
    );
  let kept = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(document, { minLength: 1, maxLength: 200, size: "max" }), async (documents) => {
      const answers = await serde.ask(documents);
      for (const [k, one] of documents.entries()) {
        const ours = ourRow(columns, one);
        if (ours === null) continue;
        kept += 1;
        never(one, columns, ours, answers[k]!);
      }
    }),
    { numRuns: 60 },
  );
  expect(kept).toBeGreaterThan(150);
});

test("every row of a real file that our judge passes is to the SerDe what the message says", async () => {
  const table = Object.entries(bovespaRaw.columns).map(([name, { type }]) => ({ name, type }));
  const digest = (text: string): string => hash("sha256", text, "hex");
  const judge = judgeOf(bovespa, digest);
  const raw = serdeOf(table);
  const bytes = bytesOf(fixture.day);
  const origin = { sha256: "0".repeat(64), version: "2024-11-08", scraped_at: "2024-11-09 01:11:00.000" };
  let rows = 0;
  for await (const groups of bovespa.raw!.format.groups(bytes, await bovespa.raw!.format.survey(bytes)))
    for (const group of groups)
      for (const { body } of messages(bovespa, { source: "COTAHIST_D08112024.ZIP", origin }, group, digest)) {
        const judged = judge({ receipt: "r", body, sentAt: 0 });
        const answers = await raw.ask(judged.rows);
        for (const [k, row] of judged.rows.entries()) {
          const wanted = JSON.parse(row) as Record<string, unknown>;
          const answer = answers[k]!;
          if ("error" in answer) expect.unreachable(`${row}: ${answer.error}`);
          const found = table.map(({ name, type }, c) => [
            name,
            type === "timestamp" ? `${answer.values[c]}.000`.slice(0, 23) : answer.values[c],
          ]);
          const said = table.map(({ name }) => [name, wanted[name] === null ? null : String(wanted[name])]);
          if (JSON.stringify(found) !== JSON.stringify(said)) expect(found).toEqual(said);
          rows += 1;
        }
      }
  expect(rows).toBe(12_226);
});

/** What AWS documents of the SerDe, or users trip over: what it says, and what we say instead where we do not follow. */
test.each<[what: string, document: string, theirs: Record<string, string> | "error", ours: "same" | "refused"]>([
  ["a number beyond 32 bits wraps", '{"i":2147483648}', { i: "-2147483648" }, "refused"],
  ["a number beyond 64 bits wraps", '{"b":36893488147419103232}', { b: "0" }, "refused"],
  ["a fraction is cut off an integer", '{"i":7.5}', { i: "7" }, "refused"],
  ["a fraction of zero is no matter", '{"i":7.0}', { i: "7" }, "same"],
  ["text with a fraction is no integer", '{"i":"7.0"}', "error", "refused"],
  ["text is a number", '{"i":"-7","b":"+7","x":"1e3"}', { i: "-7", b: "7", x: "1000.0" }, "same"],
  ["hexadecimal", '{"i":"0x1F"}', { i: "31" }, "same"],
  ["any text is a boolean: false", '{"t":"yes"}', { t: "false" }, "refused"],
  ["a number is a boolean: false", '{"t":1}', { t: "false" }, "refused"],
  ["a day that does not exist is the one after", '{"d":"2024-02-30"}', { d: "2024-03-01" }, "refused"],
  ["the year 0 is 1", '{"d":"0000-01-01"}', { d: "0001-01-01" }, "refused"],
  ["a time in a date is cut", '{"d":"2024-11-08 10:00:00"}', { d: "2024-11-08" }, "refused"],
  ["a number is a day since 1970", '{"d":20035}', { d: "2024-11-08" }, "refused"],
  ["hour 24 is the next day", '{"z":"2024-11-08 24:00:00"}', { z: "2024-11-09 00:00:00" }, "refused"],
  ["second 60 is the next minute", '{"z":"2024-11-08 22:11:60"}', { z: "2024-11-08 22:12:00" }, "refused"],
  ["no zone with a T", '{"z":"2024-11-08T22:11:00"}', { z: "2024-11-08 22:11:00" }, "refused"],
  [
    "an offset is taken (AWS documents a failure)",
    '{"z":"2024-11-08T22:11:00-03:00"}',
    { z: "2024-11-09 01:11:00" },
    "refused",
  ],
  ["an offset after a space fails", '{"z":"2024-11-08 22:11:00-03:00"}', "error", "refused"],
  ["a day alone is no instant", '{"z":"2024-11-08"}', "error", "refused"],
  ["an epoch of 12 digits is seconds", '{"z":999999999999}', { z: "+33658-09-27 01:46:39" }, "same"],
  ["an epoch of 13 digits is milliseconds", '{"z":1000000000000}', { z: "2001-09-09 01:46:40" }, "same"],
  ["a sign is one of them", '{"z":-999999999999}', { z: "1938-04-24 22:13:20.001" }, "refused"],
  [
    "an epoch with a fraction is seconds of any size",
    '{"z":1518033528123.5}',
    { z: "+50074-07-26 12:02:03.5" },
    "refused",
  ],
  ["a year before 1 is another after it", '{"z":-62135596800001}', { z: "0001-12-31 23:59:59.999" }, "refused"],
  ["a fraction is multiplied as a double", '{"z":8.123}', { z: "1970-01-01 00:00:08.122" }, "refused"],
  ["a fraction that a double holds", '{"z":1518033528.123}', { z: "2018-02-07 19:58:48.123" }, "same"],
  ["a fraction is cut at the millisecond", '{"z":1518033528.1236}', { z: "2018-02-07 19:58:48.123" }, "refused"],
  ["more decimals than the scale are rounded", '{"m":"1.0000005"}', { m: "1.000001" }, "refused"],
  ["a decimal that does not fit is null", '{"m":"1000000000000"}', {}, "refused"],
  ["text that is no decimal is null", '{"m":"1,5"}', {}, "refused"],
  ["a decimal keeps all its digits", '{"m":"999999999999.999999"}', { m: "999999999999.999999" }, "same"],
  ["38 digits", `{"w":"${"9".repeat(38)}"}`, { w: "9".repeat(38) }, "same"],
  ["a number in a text column is respelled", '{"s":36.50}', { s: "36.5" }, "refused"],
  ["and in an object in one", '{"s":{"a":1.0}}', { s: '{"a":1}' }, "refused"],
  ["an object in a text column is its JSON", '{"s":{"A":[1,"b",null]}}', { s: '{"A":[1,"b",null]}' }, "same"],
  ["half a surrogate pair is a question mark", '{"s":"\\ud800"}', { s: "?" }, "refused"],
  ["of one key in two cases the last counts", '{"s":"1","S":"2"}', { s: "2" }, "refused"],
  ["of a key that comes twice the last counts", '{"s":"1","s":"2"}', { s: "2" }, "same"],
  ["an array is a row by position", '["a",1]', { s: "a", i: "1" }, "refused"],
  ["what is no JSON object is a row of nulls", "7", {}, "refused"],
  ["nothing is a row of nulls", "", {}, "refused"],
  ["an empty document is a row of nulls", "{}", {}, "same"],
  ["half a document", '{"s":"a"', "error", "refused"],
  ["a document and junk", '{"s":"a"} x', { s: "a" }, "refused"],
  ["no quotes", "{s:a}", { s: "a" }, "refused"],
  ["zeros before a number", '{"i":007}', { i: "7" }, "refused"],
  ["NaN", '{"x":"NaN"}', { x: "NaN" }, "refused"],
  ["an infinity", '{"x":1e400}', { x: "Infinity" }, "refused"],
])("%s: %s", async (_what, document, theirs, ours) => {
  const [answer] = await serde.ask([document]);
  const values =
    "error" in answer!
      ? [answer.error]
      : answer!.values.map((v) => (v !== null && typeof v === "object" ? v.error : v));
  const failed = "error" in answer! || answer!.values.some((v) => v !== null && typeof v === "object");
  if (theirs === "error") expect(failed).toBe(true);
  else expect(values).toEqual(columns.map(({ name }) => theirs[name] ?? null));
  const row = ourRow(columns, document);
  expect(row === null ? "refused" : "same").toBe(ours);
  if (row !== null) never(document, columns, row, answer!);
});

test("several documents in a record: the SerDe reads the first of a line only, so Firehose must part them before", async () => {
  const [answer] = await serde.ask(['{"s":"a"}{"s":"b"}']);
  expect(answer).toMatchObject({ values: ["a", null, null, null, null, null, null, null, null] });
  const packed = new TextEncoder().encode('{"s":"a"}{"s":"b"}\n{"s":"c"}');
  expect(readRecord(columns, packed)[0]).toEqual(["a", "b", "c"]);
});
