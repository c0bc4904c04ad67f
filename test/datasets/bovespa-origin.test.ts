import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cotahist } from "../../packages/datasets/bovespa/origin.ts";
import { verbatim } from "../../packages/datasets/bovespa/rows.ts";
import { newHashes } from "../../packages/datasets/distinct.ts";
import { unzipped } from "../../packages/datasets/zip.ts";
import { bytesOf, file, fixture, latin1, line, type Read, read, some, zip } from "./cotahist.ts";

const digest = (value: unknown) => createHash("sha256").update(JSON.stringify(value)).digest("hex");
const records = ({ groups }: Read) => groups.flatMap((group) => group.records);

test.each([
  ["the day of 2024-11-08", fixture.day, { version: "2024-11-08", rows: 12_226, sessions: 1, tickers: 12_072 }],
  [
    "the year 2023 as it stood on 01-17",
    fixture.year,
    { version: "2023-01-17", rows: 104_390, sessions: 12, tickers: 18_226 },
  ],
])("%s: every row comes once, grouped by ticker, with its session's count", async (_, url, expected) => {
  const came = await read(url);
  expect({
    version: came.survey.version,
    rows: came.survey.rows,
    sessions: came.survey.sessions.size,
    tickers: came.groups.length,
  }).toEqual(expected);
  expect(new Set(came.groups.map((group) => group.subject)).size).toBe(expected.tickers);
  expect(Math.max(...came.chunks)).toBeLessThanOrEqual(4096);
  const counted = new Map<string, number>();
  for (const { subject, records } of came.groups)
    for (const each of records) {
      if (each.codneg !== subject) throw new Error(`${each.codneg} among ${subject}`);
      if (each.origin_rows !== came.survey.sessions.get(each.datpre as string))
        throw new Error(`origin_rows ${each.origin_rows}`);
      counted.set(each.datpre as string, (counted.get(each.datpre as string) ?? 0) + 1);
    }
  expect([...came.survey.sessions]).toEqual([...counted].sort());
});

test("the same lines as zip, as text, with CRLF or LF are the same records in the same order", async () => {
  const pieces: Uint8Array[] = [];
  for await (const piece of unzipped(bytesOf(fixture.day))) pieces.push(Uint8Array.from(piece));
  const crlf = Buffer.concat(pieces);
  const lf = Buffer.from(crlf.toString("latin1").replaceAll("\r\n", "\n"), "latin1");
  const original = digest(await read(fixture.day));
  expect(digest(await read(new Uint8Array(crlf)))).toBe(original);
  expect(digest(await read(new Uint8Array(lf)))).toBe(original);
  expect(digest(await read(zip({ data: lf })))).toBe(original);
  expect(digest(await read(zip({ data: crlf, method: 0, name: "COTAHIST.A1995" })))).toBe(original);
});

test("how the bytes are handed over changes nothing: pieces of any size, the same groups", async () => {
  const data = file(some(1200));
  const whole = await read(data);
  for (const size of [1, 7, 246, 247, 1000]) {
    const few = {
      size: data.length,
      read: async (start: number, end: number) => data.slice(start, Math.min(end, start + size)),
    };
    expect(digest(await read(few))).toBe(digest(whole));
  }
});

test("damage inside one line spoils that record only: as many records as before, the others as they were", async () => {
  const lines = some(12, (i) => ({ datpre: i % 2 ? "20241107" : "20241108" }));
  const before = new Map(lines.map((each) => [digest(verbatim(each)), 1]));
  const at = fc.integer({ min: 10, max: 244 });
  const byte = fc.nat(255).filter((b) => b !== 10 && b !== 13);
  await fc.assert(
    fc.asyncProperty(fc.nat(11), at, byte, async (row, position, value) => {
      const data = file(lines);
      data[247 * (row + 1) + position] = value;
      const came = await read(data);
      expect(came.survey.rows).toBe(12);
      const changed = records(came).filter(
        ({ origin_rows: _, ...rest }) => !before.has(digest({ ...rest, origin_rows: null })),
      );
      expect(records(came).length).toBe(12);
      expect(changed.length).toBeLessThanOrEqual(1);
    }),
    { numRuns: 150 },
  );
});

test("identical lines count once, as one event; equal but for a blank expiry too", async () => {
  const lines = [
    ...some(3),
    ...some(3),
    line({ codneg: "BLNK3", datven: "" }),
    line({ codneg: "BLNK3", datven: "99991231" }),
    line({ codneg: "BLNK3", datven: "20241231" }),
  ];
  const { survey, groups } = await read(file(lines));
  expect(survey.rows).toBe(9);
  expect([...survey.sessions]).toEqual([["2024-11-08", 5]]);
  expect(groups.flatMap((group) => group.records).every((each) => each.origin_rows === 5)).toBe(true);
});

test("distinct rows per session equal a count of distinct records, whatever repeats", async () => {
  const field = fc.record({
    datpre: fc.constantFrom("20241106", "20241107", "20241108"),
    codneg: fc.constantFrom("PETR4", "VALE3"),
    totneg: fc.constantFrom("00001", "00002", "0000X"),
    datven: fc.constantFrom("99991231", "        ", "20241231"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(field, { minLength: 1, maxLength: 60 }), async (rows) => {
      const { survey, groups } = await read(file(rows.map(line)));
      const events = new Map<string, Set<string>>();
      for (const each of groups.flatMap((group) => group.records)) {
        const session = each.datpre as string;
        events.set(session, (events.get(session) ?? new Set()).add(JSON.stringify(each)));
      }
      expect([...survey.sessions]).toEqual([...events].map(([session, set]) => [session, set.size]).sort());
    }),
    { numRuns: 100 },
  );
});

test("a hash that two rows share is noticed, so that content decides and not the hash", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 60 }), (hashes) => {
      const all = newHashes();
      for (const hash of hashes) all.add(hash);
      const repeated = all.repeated();
      for (let hash = 0; hash <= 50; hash++)
        expect(repeated?.(hash) ?? false).toBe(hashes.filter((each) => each === hash).length > 1);
    }),
  );
});

test("a ticker with more rows than are handed on at a time comes in several groups, in file order, none lost", async () => {
  const lines = Array.from({ length: 9000 }, (_, i) =>
    line({ codneg: i % 100 === 7 ? "VALE3" : "PETR4", quatot: String(i).padStart(18, "0") }),
  );
  const { groups, chunks } = await read(file(lines));
  expect(Math.max(...chunks)).toBeLessThanOrEqual(4096);
  const quantities = (subject: string) =>
    groups
      .filter((group) => group.subject === subject)
      .flatMap((group) => group.records.map((each) => Number(each.quatot)));
  const all = Array.from({ length: 9000 }, (_, i) => i);
  expect(quantities("PETR4")).toEqual(all.filter((i) => i % 100 !== 7));
  expect(quantities("VALE3")).toEqual(all.filter((i) => i % 100 === 7));
  expect(groups.map((group) => group.subject).filter((each, i, list) => each !== list[i - 1])).toEqual([
    "PETR4",
    "VALE3",
  ]);
});

test("windows are fixed by the bytes: a ticker comes again in the next window, and every row still once", async () => {
  const rows = 131_072 + 1000;
  const one = latin1(line({ codneg: "PETR4" }));
  const head = latin1(`${"00COTAHIST.2024BOVESPA 20241108".padEnd(245)}\n`);
  const data = new Uint8Array((rows + 2) * 246);
  data.set(head);
  for (let row = 0; row < rows; row++) {
    data.set(one, (row + 1) * 246);
    data.set(latin1(String(row).padStart(18, "0")), (row + 1) * 246 + 152);
    data[(row + 1) * 246 + 12 + 5] = 65 + (row % 20);
    data[(row + 2) * 246 - 1] = 10;
  }
  data.set(
    latin1(`${`99COTAHIST.2024BOVESPA 20241108${String(rows + 2).padStart(11, "0")}`.padEnd(245)}\n`),
    (rows + 1) * 246,
  );
  const seen = new Uint8Array(rows);
  const turns: string[] = [];
  const bytes = bytesOf(data);
  const survey = await cotahist.survey(bytes);
  for await (const chunk of cotahist.groups(bytes, survey))
    for (const { subject, records } of chunk) {
      if (turns.at(-1) !== subject) turns.push(subject);
      for (const each of records) seen[Number(each.quatot)]!++;
    }
  expect(seen.every((times) => times === 1)).toBe(true);
  expect(turns.length).toBe(40);
});

test("a reader that stops early leaves nothing running", async () => {
  const bytes = bytesOf(fixture.year);
  const survey = await cotahist.survey(bytes);
  for await (const chunk of cotahist.groups(bytes, survey)) {
    expect(chunk.length).toBeGreaterThan(0);
    break;
  }
});

test("progress tells how many bytes of the origin were read, and ends at all of them", async () => {
  for (const data of [file(some(100)), zip({ data: file(some(100)) })]) {
    const told: number[] = [];
    await cotahist.survey(bytesOf(data), (done) => told.push(done));
    expect(told.at(-1)).toBe(data.length);
    expect(told).toEqual(told.toSorted((a, b) => a - b));
  }
});

test("a ticker that is missing or strange still has a subject, so that its record reaches the judge", async () => {
  const { groups } = await read(file([line({ codneg: "            " }), line({ codneg: " AB C\u00c7     " })]));
  expect(groups.map((group) => group.subject)).toEqual(["?", " AB CÇ"]);
});
