import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { GlueType } from "../../packages/core/columns.ts";
import type { Cell } from "../../packages/engines/duckdb/parquet.ts";
import { checkPrefixes, evaluate } from "../../packages/local/firehose/prefix.ts";
import { Malformed, readRecord } from "../../packages/local/firehose/serde.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const one = (type: GlueType, json: string): Cell | string => {
  try {
    return readRecord([{ name: "x", type }], bytes(`{"x":${json}}`))[0]![0]!;
  } catch (error) {
    if (error instanceof Malformed) return error.code.split(".")[1]!;
    throw error;
  }
};
const us = (iso: string) => BigInt(Date.parse(iso)) * 1000n;

describe("a value becomes what its column is", () => {
  test.each<[GlueType, string, Cell]>([
    ["string", '"36.50"', "36.50"],
    ["string", '""', ""],
    ["string", "36.5", "36.5"],
    ["string", "0", "0"],
    ["string", "-999999999999999999", "-999999999999999999"],
    ["string", "true", "true"],
    ["string", '{"a":[1,"1.0",-2.5],"B":{}}', '{"a":[1,"1.0",-2.5],"B":{}}'],
    ["string", '"\\ud83d\\ude00"', "😀"],
    ["string", "null", null],
    ["int", "7", 7],
    ["int", '"-7"', -7],
    ["int", '"+7"', 7],
    ["int", '"0x1F"', 31],
    ["int", "7.0", 7],
    ["bigint", "9007199254740993", 9007199254740993n],
    ["bigint", '"9223372036854775807"', 9223372036854775807n],
    ["double", '"0.5"', 0.5],
    ["double", "1e3", 1000],
    ["boolean", '"TRUE"', true],
    ["boolean", "false", false],
    ["date", '"2024-11-08"', 20035],
    ["date", '"2024-2-29"', 19782],
    ["decimal(18,6)", '"-36.5"', -36500000n],
    ["decimal(18,6)", "0.1", 100000n],
    ["decimal(5,2)", '"999.99"', 99999n],
    ["decimal(5,2)", '"1.500"', 150n],
    ["timestamp", '"2024-11-08 22:11:00.123"', us("2024-11-08T22:11:00.123Z")],
    ["timestamp", '"2024-1-8 2:1:0"', us("2024-01-08T02:01:00Z")],
    ["timestamp", '"2017-02-07T15:13:01.39256Z"', us("2017-02-07T15:13:01Z") + 392560n],
    ["timestamp", '"2017-02-07T15:13:01.123456789Z"', us("2017-02-07T15:13:01Z") + 123456n],
    ["timestamp", "1518033528", us("2018-02-07T19:58:48Z")],
    ["timestamp", '"1518033528"', us("2018-02-07T19:58:48Z")],
    ["timestamp", "1518033528.123", us("2018-02-07T19:58:48.123Z")],
    ["timestamp", "1518033528123", us("2018-02-07T19:58:48.123Z")],
    ["timestamp", "999999999999", 999999999999000000n],
    ["timestamp", "1000000000000", 1000000000000000n],
    ["timestamp", "-1", -1000000n],
  ])("%s from %s", (type, json, value) => expect(one(type, json)).toBe(value));

  test.each<[GlueType, string]>([
    ["int", "2147483648"],
    ["int", "1.5"],
    ["int", '""'],
    ["int", '"12a"'],
    ["int", '"7.0"'],
    ["bigint", '"7."'],
    ["string", "36.50"],
    ["string", "-0"],
    ["string", "1.0"],
    ["string", "1e3"],
    ["string", "10000000.5"],
    ["string", "0.0001"],
    ["string", "12345678901234567890"],
    ["string", "[1.0]"],
    ["string", '{"a":{"b":-0}}'],
    ["string", '"\\ud800"'],
    ["string", '["\\udc00"]'],
    ["int", '" 7"'],
    ["int", "true"],
    ["bigint", '"9223372036854775808"'],
    ["double", '"abc"'],
    ["double", "true"],
    ["boolean", '"yes"'],
    ["boolean", "1"],
    ["date", '"2024-02-30"'],
    ["date", '"2024-11-08 10:00:00"'],
    ["date", "20035"],
    ["date", '"0000-01-01"'],
    ["date", '"10000-01-01"'],
    ["date", '"24-01-01"'],
    ["decimal(5,2)", '"1000.00"'],
    ["decimal(5,2)", '"1.005"'],
    ["decimal(5,2)", "1e2"],
    ["timestamp", '"2024-11-08T22:11:00+00:00"'],
    ["timestamp", '"2024-11-08 22:11:00Z"'],
    ["timestamp", '"2024-11-08T22:11:00"'],
    ["timestamp", '"2024-11-08 24:00:00"'],
    ["timestamp", '"2023-02-29 00:00:00"'],
    ["timestamp", '"yesterday"'],
    ["timestamp", '"0000-01-01 00:00:00"'],
    ["timestamp", '"2024-11-08T22:11:00-03:00"'],
    ["timestamp", '"2024-11-08 22:11:00-03"'],
    ["timestamp", '"2024-11-08"'],
    ["timestamp", '"2024-11-08T22:11Z"'],
    ["timestamp", '"2024-11-08t22:11:00z"'],
    ["timestamp", "1518033528.1234"],
    ["timestamp", "1518033528123.5"],
    ["timestamp", "8.123"],
    ["timestamp", "-999999999999"],
    ["timestamp", '"0001518033528"'],
    ["timestamp", "1e12"],
    ["timestamp", "1518033528123456"],
    ["timestamp", "true"],
    ["int", "[1]"],
  ])("%s refuses %s instead of changing it", (type, json) => expect(one(type, json)).toBe("MalformedData"));
});

describe("a record holds documents", () => {
  const columns = [
    { name: "ticker", type: "string" as const },
    { name: "n", type: "int" as const },
  ];
  const read = (text: string) => readRecord(columns, bytes(text));

  test.each([
    ["lines", '{"ticker":"A","n":1}\n{"ticker":"B","n":2}\n'],
    ["lines with CRLF and blank ones", '{"ticker":"A","n":1}\r\n\r\n \n{"ticker":"B","n":2}'],
    ["one after the other", '{"ticker":"A","n":1}{"ticker":"B","n":2}'],
    ["over several lines", '{\n "ticker": "A",\n "n": 1\n}\n{\n"ticker":"B","n":2\n}'],
  ])("%s", (_how, text) => {
    expect(read(text)).toEqual([
      ["A", "B"],
      [1, 2],
    ]);
  });

  test("braces and quotes inside texts do not end a document", () => {
    expect(read('{"ticker":"}\\"{","n":1} {"ticker":"\\\\","n":2}')).toEqual([
      ['}"{', "\\"],
      [1, 2],
    ]);
  });

  test("unknown keys are dropped, missing ones are null, and keys match in any case", () => {
    expect(read('{"TICKER":"A","other":{"n":3}}\n{"Ticker":"B","N":2,"": 1}\n{}')).toEqual([
      ["A", "B", null],
      [null, 2, null],
    ]);
  });

  test.each(['{"Ticker":"x","ticker":"B"}', '{"ticker":"B","n":null,"N":1}'])(
    "one column under two spellings of its key has no value that is surely meant: %s",
    (text) => expect(() => read(text)).toThrow(expect.objectContaining({ code: "DataFormatConversion.MalformedData" })),
  );

  test("unknown keys may come in any cases", () => {
    expect(read('{"ticker":"A","other":1,"OTHER":2}')).toEqual([["A"], [null]]);
  });

  test("a key that is a name of JavaScript's own is an unknown key, and a column of such a name is found", () => {
    const text = '{"ticker":"A","__proto__":"x","constructor":"y","tostring":"z"}';
    expect(read(text)).toEqual([["A"], [null]]);
    expect(
      readRecord(
        [
          { name: "constructor", type: "string" },
          { name: "tostring", type: "string" },
        ],
        bytes(text),
      ),
    ).toEqual([["y"], ["z"]]);
    expect(readRecord([{ name: "tostring", type: "string" }], bytes('{"a":1}'))).toEqual([[null]]);
  });

  test.each([
    ["an array of documents", '[{"ticker":"A"}]', "ParseError"],
    ["a number", "7", "ParseError"],
    ["null", "null", "ParseError"],
    ["a text", '"a"', "ParseError"],
    ["an array after a document", '{"n":1}[{"n":2}]', "ParseError"],
    ["an array on a line of its own", '{"n":1}\n[]\n', "ParseError"],
    ["documents in an array, over lines", '[\n{"n":1},\n{"n":2}\n]', "ParseError"],
    ["documents with commas between them", '{"n":1},\n{"n":2}', "ParseError"],
    ["a comma too many", '{"n":1,}', "ParseError"],
    ["a key without quotes", "{n:1}", "ParseError"],
    ["single quotes", "{'n':1}", "ParseError"],
    ["zeros before a number", '{"n":007}', "ParseError"],
    ["NaN", '{"n":NaN}', "ParseError"],
    ["a comment", '{"n":1} // one', "ParseError"],
    ["a control character in a text", '{"ticker":"a\u0001"}', "ParseError"],
    ["junk after a document", '{"n":1} x', "ParseError"],
    ["a byte order mark", '\ufeff{"n":1}', "ParseError"],
    ["nothing", "", "ParseError"],
    ["blanks only", " \n\n", "ParseError"],
    ["half a document", '{"ticker":"A"', "ParseError"],
    ["a text that does not end", '{"ticker":"A', "ParseError"],
    ["a bracket too many", '{"ticker":"A"}}', "ParseError"],
    ["bytes that are no UTF-8", null, "ParseError"],
    ["one bad document among good ones", '{"n":1}\n{"n":"x"}\n{"n":3}', "MalformedData"],
  ])("%s fails the record", (_what, text, code) => {
    const data = text === null ? Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d) : bytes(text);
    expect(() => readRecord(columns, data)).toThrow(expect.objectContaining({ code: `DataFormatConversion.${code}` }));
  });
});

describe("whatever comes", () => {
  const types: GlueType[] = ["string", "int", "bigint", "double", "boolean", "date", "timestamp", "decimal(18,6)"];
  const columns = types.map((type, c) => ({ name: `c${c}`, type }));
  /** What writes Parquet takes of each type. */
  const fits: Record<string, (cell: NonNullable<Cell>) => boolean> = {
    string: (cell) => typeof cell === "string" && cell.isWellFormed(),
    int: (cell) => Number.isInteger(cell) && Math.abs(Number(cell)) <= 2 ** 31,
    bigint: (cell) => typeof cell === "bigint" && BigInt.asIntN(64, cell) === cell,
    double: (cell) => Number.isFinite(cell),
    boolean: (cell) => typeof cell === "boolean",
    date: (cell) => Number.isInteger(cell),
    timestamp: (cell) => typeof cell === "bigint" && BigInt.asIntN(64, cell) === cell,
    "decimal(18,6)": (cell) => typeof cell === "bigint" && cell < 10n ** 18n && cell > -(10n ** 18n),
  };
  const rowsOf = (text: string): Cell[][] | string => {
    try {
      return readRecord(columns, bytes(text));
    } catch (error) {
      if (error instanceof Malformed) return error.code;
      throw error;
    }
  };
  const value = fc.oneof(
    fc.json({ maxDepth: 3 }),
    fc.double().map(String),
    fc.bigInt().map(String),
    fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map((n) => `"${n}"`),
    fc.date({ noInvalidDate: true }).map((d) => `"${d.toISOString().replace("T", " ")}"`),
    fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
    fc.string(),
  );
  const document = fc
    .array(fc.tuple(fc.constantFrom("c0", "C0", "c1", "c2", "c3", "c4", "c5", "c6", "C7", "other"), value), {
      maxLength: 4,
    })
    .map((fields) => `{${fields.map(([key, v]) => `"${key}":${v}`).join(",")}}`);

  test("a document is a row of values that its columns hold, or fails under one of Amazon's two codes", () => {
    fc.assert(
      fc.property(fc.oneof(document, value), (text) => {
        const rows = rowsOf(text);
        if (typeof rows === "string") expect(rows).toMatch(/^DataFormatConversion\.(ParseError|MalformedData)$/);
        else
          for (const [c, cells] of rows.entries())
            for (const cell of cells)
              if (cell !== null) expect(fits[types[c]!]!(cell), `${types[c]} ${cell}`).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test("packed documents are the rows of each, in order, however they are parted; one bad one fails them all", () => {
    const space = fc.constantFrom("", "\n", "\r\n", " ", "\n\n", "\t\n ");
    fc.assert(
      fc.property(fc.array(fc.tuple(space, document), { minLength: 1, maxLength: 5 }), space, (parts, end) => {
        const alone = parts.map(([, text]) => rowsOf(text));
        const together = rowsOf(parts.map(([before, text]) => before + text).join("") + end);
        if (alone.some((rows) => typeof rows === "string" || rows[0]!.length !== 1)) {
          // A document that is none on its own may be the rest of the one before it: nothing is said then.
          if (alone.some((rows) => rows === "DataFormatConversion.ParseError")) return;
          expect(together).toBe("DataFormatConversion.MalformedData");
        } else expect(together).toEqual(columns.map((_, c) => alone.map((rows) => (rows as Cell[][])[c]![0])));
      }),
      { numRuns: 2000 },
    );
  });

  test("bytes are never read as other text: what is no UTF-8 fails", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 6 }), (inside) => {
        const data = Uint8Array.of(...bytes('{"c0":"'), ...inside, ...bytes('"}'));
        const valid = Buffer.from(Buffer.from(data).toString("utf8")).equals(Buffer.from(data));
        try {
          readRecord(columns, data);
          expect(valid).toBe(true);
        } catch (error) {
          if (!(error instanceof Malformed)) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe("a prefix", () => {
  // 23:30 in São Paulo is the next day in UTC.
  const arrival = Date.parse("2024-11-09T02:30:05.999Z");
  test("has the UTC day of arrival, not the machine's", () => {
    expect(evaluate("raw/x/ingest_date=!{timestamp:yyyy-MM-dd}/", arrival)).toBe("raw/x/ingest_date=2024-11-09/");
    expect(evaluate("!{timestamp:'year='yyyy'/month='MM'/'HHmmss}/", arrival)).toBe("year=2024/month=11/023005/");
  });
  test("without a timestamp gets the hour, an error prefix does not", () => {
    expect(evaluate("raw/", arrival)).toBe("raw/2024/11/09/02/");
    expect(evaluate("errors/!{firehose:error-output-type}/", arrival, "format-conversion-failed")).toBe(
      "errors/format-conversion-failed/",
    );
  });
  test("that cannot be evaluated is refused when the stream is made, not when data is lost", () => {
    expect(() => checkPrefixes("a/!{timestamp:yyyy-MM-dd}/", "e/!{firehose:error-output-type}/")).not.toThrow();
    expect(() => checkPrefixes("a/!{timestamp:yyyy-ww}/", "e/!{firehose:error-output-type}/")).toThrow(
      /timestamp:yyyy-ww/,
    );
    expect(() => checkPrefixes("a/!{partitionKeyFromQuery:t}/", "e/!{firehose:error-output-type}/")).toThrow(
      /partitionKey/,
    );
    expect(() => checkPrefixes("a/!{timestamp:yyyy}/", "e/")).toThrow(/ErrorOutputPrefix/);
  });
});
