import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { algorithms, hasher } from "../../packages/local/s3/checksums.ts";
import { parse, render } from "../../packages/local/s3/xml.ts";

const hex = (algorithm: (typeof algorithms)[number], ...pieces: Uint8Array[]) => {
  const hash = hasher(algorithm);
  for (const piece of pieces) hash.update(piece);
  return hash.digest().toString("hex");
};

describe("checksums", () => {
  it("agree with the published check values", () => {
    const check = Buffer.from("123456789");
    expect(hex("CRC32", check)).toBe("cbf43926");
    expect(hex("CRC32C", check)).toBe("e3069283");
    expect(hex("CRC64NVME", check)).toBe("ae8b14860a799888");
    // RFC 3720, B.4: 32 bytes of zeros, and of ones.
    expect(hex("CRC32C", Buffer.alloc(32))).toBe("8a9136aa");
    expect(hex("CRC32C", Buffer.alloc(32, 255))).toBe("62a8ab43");
  });

  it("do not depend on how a body is cut", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), fc.nat(100), (data, a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        for (const algorithm of algorithms)
          expect(hex(algorithm, data.subarray(0, from), data.subarray(from, to), data.subarray(to))).toBe(
            hex(algorithm, data),
          );
      }),
      { numRuns: 200 },
    );
  });
});

describe("XML", () => {
  it("keeps any text through a round trip", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const well = text.toWellFormed();
        expect(parse(render(["Root", [["Key", well]]])).children[0]?.text).toBe(well);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    "",
    "<a>",
    "<a></b>",
    "<a/><b/>",
    "text",
    "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
    "<a>&unknown;</a>",
    "<a",
  ])("refuses %j", (document) => {
    expect(() => parse(document)).toThrow(expect.objectContaining({ code: "MalformedXML" }));
  });

  it("reads prologs, comments, CDATA, namespaces and attributes", () => {
    const root = parse(
      `\ufeff<?xml version="1.0"?><!-- x --><s:A xmlns:s="u" b='>'><s:B/><C><![CDATA[<&]]>&#x41;&lt;</C></s:A>`,
    );
    expect([root.name, root.children.map((c) => [c.name, c.text])]).toEqual([
      "A",
      [
        ["B", ""],
        ["C", "<&A<"],
      ],
    ]);
  });
});
