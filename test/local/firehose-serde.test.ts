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
    ["string", "36.50", "36.50"],
    ["string", "12345678901234567890", "12345678901234567890"],
    ["string", "true", "true"],
    ["string", '{"a":[1.0,"b"]}', '{"a":[1.0,"b"]}'],
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
    ["decimal(5,2)", '"1000.00"'],
    ["decimal(5,2)", '"1.005"'],
    ["decimal(5,2)", "1e2"],
    ["timestamp", '"2024-11-08T22:11:00+00:00"'],
    ["timestamp", '"2024-11-08 22:11:00Z"'],
    ["timestamp", '"2024-11-08T22:11:00"'],
    ["timestamp", '"2024-11-08 24:00:00"'],
    ["timestamp", '"2023-02-29 00:00:00"'],
    ["timestamp", '"yesterday"'],
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

  test("unknown keys are dropped, missing ones are null, keys match in any case and the exact one wins", () => {
    expect(read('{"TICKER":"A","other":{"n":3}}\n{"Ticker":"x","ticker":"B","N":2}')).toEqual([
      ["A", "B"],
      [null, 2],
    ]);
  });

  test.each([
    ["an array of documents", '[{"ticker":"A"}]', "ParseError"],
    ["a number", "7", "ParseError"],
    ["null", "null", "ParseError"],
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
