import { expect, test } from "vitest";
import { publication } from "../../packages/datasets/bovespa/publication.ts";
import { saysNothing } from "../../packages/datasets/nothing.ts";
import { latin1, zip } from "./cotahist.ts";

const [day] = publication.downloads(["2024-11-08"], []);
const { check, absent } = publication.next(day!, [])!;
const whole = Buffer.from(zip({ name: "COTAHIST.TXT", data: latin1("00".repeat(500)) }));

test("a zip that was cut on the way is asked for again: it has lost its last record", () => {
  check(whole);
  check(Buffer.concat([whole, Buffer.alloc(64 * 1024)]));
  for (const bytes of [whole.subarray(0, -22), whole.subarray(0, 100), whole.subarray(1), Buffer.alloc(0)])
    expect(() => check(bytes)).toThrow(expect.objectContaining({ code: "not_zip" }));
});

test.each([
  [404, "anything", true],
  [200, "", true],
  [200, " \r\n\t".repeat(1000), true],
  [200, "  \n<!DOCTYPE html>", true],
  [200, "\u00ef\u00bb\u00bf<html>", true],
  [200, `${" ".repeat(64)}PK`, false],
  [200, `${" ".repeat(100)}{"page": {}}`, false],
  [200, whole.toString("latin1"), false],
  [520, "", false],
])("%i with %j says that there is no file: %j", (status, text, expected) => {
  expect(saysNothing({ status, bytes: Buffer.from(text, "latin1") })).toBe(expected);
  expect(absent!({ status, bytes: Buffer.from(text, "latin1") })).toBe(expected);
});
