import { hash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WireRecord } from "../../packages/core/dataset.ts";
import { type Judged, judgeOf } from "../../packages/core/judge.ts";
import { packRows } from "../../packages/core/pack.ts";
import { holdsAll } from "../../packages/core/table.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { sample } from "../../packages/datasets/bovespa/sample.ts";
import { bovespaRaw, record } from "../../packages/datasets/bovespa/tables/raw.ts";
import { literal, openSession, type Session } from "../../packages/engines/duckdb/session.ts";
import { rowByRow } from "../../packages/local/firehose/convert.ts";

let scratch: string;
let session: Session;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "bovespa-firehose-"));
  session = await openSession({ scratch });
});
afterAll(() => {
  session.close();
  rmSync(scratch, { recursive: true, force: true });
});

const judge = judgeOf(bovespa, (text) => hash("sha256", text, "hex"));
const columns = Object.entries(bovespaRaw.columns).map(([name, { type }]) => ({ name, type }));
const conforms = holdsAll(bovespaRaw.columns);

/** A number as it is spelled in the message. */
const spelled = (text: string): unknown => (JSON as unknown as { rawJSON: (text: string) => unknown }).rawJSON(text);
const numbers = ["0", "-0", "1", "1.0", "1e0", "10E-1", "1.5", "5e-324", "1e400", "99999", "2147483647", "2147483648"];
const texts = [
  ...["", " ", "null", "true", "0", "-0", "1", "010", "+1", "1e3", "0x10", "NaN", "36.50", "-0.00", "1,50", "1.5"],
  ...["99999999999.99", "9999999999999999.99", "9".repeat(18), "9".repeat(19), "0.000000"],
  ...["0000-06-01", "0999-12-31", "1000-01-01", "1985-12-31", "1986-01-02", "2024-02-29", "2024-02-30", "2024-2-1"],
  ...["9999-12-31", "20241108", "2024-11-08 00:00:00.000", "2024-11-08T00:00:00Z"],
  ...[
    "\ud800",
    "a\udc00",
    "\udc00\ud800",
    "😀",
    "😀".repeat(12),
    "😀".repeat(13),
    "\ufeff",
    "\u2028",
    "\u0085",
    "\ufffd",
  ],
  ...["\u0000", "a\nb", "\u007f", '"', "\\", "\\u0041", '{"a":1}', "é", "e\u0301", "A".repeat(12), "A".repeat(13)],
];
const any = fc.oneof(
  fc.constantFrom<unknown>(...texts),
  fc.constantFrom(...numbers).map(spelled),
  fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)), maxLength: 13 }),
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 4 }),
  fc.constantFrom(null, true, [], {}, ["1"], { a: 1 }),
);
const whole = fc.integer({ min: 1, max: 3_000_000_000 }).map((n) => spelled(String(n)));
const two = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, "0"));
const instant = fc.oneof(
  { weight: 3, arbitrary: fc.constant("2024-11-09 01:11:00.000") },
  fc
    .tuple(fc.constantFrom("0999", "1989", "1990", "2024", "9999"), two(13), two(31), two(24), two(60), two(60))
    .map(([y, mo, d, h, mi, s]) => `${y}-${mo}-${d} ${h}:${mi}:${s}.007`),
);

/** A good record with some fields set to anything, and keys that are not declared, or in another case. */
const wrong = fc.tuple(
  fc.nat(1000),
  fc.dictionary(fc.constantFrom(...Object.keys(record)), any, { maxKeys: 2, noNullPrototype: true }),
  fc.oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    fc.oneof(whole, any).map((origin_rows) => ({ origin_rows })),
  ),
  fc.oneof(
    { weight: 9, arbitrary: fc.constant({}) },
    fc
      .tuple(fc.constantFrom("DATPRE", "Preult", "event_id", "scraped_at", "ingest_date", "__proto__", ""), any)
      .map(([key, value]) => Object.fromEntries([[key, value]])),
  ),
);
const rare = (usual: string) => fc.oneof({ weight: 6, arbitrary: fc.constant<unknown>(usual) }, any);
const message = fc
  .record({
    id: rare("m1"),
    source: rare("f"),
    version: rare("2024-11-08"),
    scraped_at: instant,
    ticker: fc.oneof({ weight: 4, arbitrary: fc.constant<unknown>("TESTE3") }, any),
    records: fc.array(wrong, { minLength: 1, maxLength: 3 }),
  })
  .map(({ id, source, version, scraped_at, ticker, records }) =>
    JSON.stringify({
      specversion: "1.0",
      id,
      source,
      type: "br.pregao.bovespa.v1",
      subject: ticker,
      time: "",
      datacontenttype: "application/json",
      data: {
        origin: { sha256: "0".repeat(64), version, scraped_at },
        records: records.map(([index, change, rows, more]) => ({
          ...sample("TESTE3", "2024-11-08", index),
          codneg: ticker,
          ...change,
          ...rows,
          ...more,
        })),
      },
    }),
  );

/** What an accepted row must be in the table: the values of its own record and message, as text. */
const wanted = (body: string, row: WireRecord): Record<string, string | null> => {
  const event = JSON.parse(body) as { id: string; data: { origin: Record<string, string>; records: WireRecord[] } };
  const { sha256, version, scraped_at } = event.data.origin;
  const sent = event.data.records.filter(
    (r) => Object.keys(record).every((name) => r[name] === row[name]) && (r.origin_rows ?? null) === row.origin_rows,
  );
  expect(sent.length).toBeGreaterThan(0);
  const values = {
    ...sent[0],
    origin_rows: sent[0]?.origin_rows ?? null,
    event_id: row.event_id,
    message_id: event.id,
    origin_sha256: sha256,
    source_version: version,
    scraped_at,
    scraped_on: row.scraped_on,
  } as WireRecord;
  return Object.fromEntries(
    columns.map(({ name }) => [
      name,
      values[name] === null ? null : String(Object.is(values[name], -0) ? 0 : values[name]),
    ]),
  );
};

test("whatever the judge accepts, Firehose converts, to the very values of the message: no bad row fails its neighbours", async () => {
  const accepted = { rows: 0, changed: 0 };
  const file = join(scratch, "rows.parquet");
  // In hexadecimal: DuckDB's client takes a byte order mark at the start of a text away.
  const hex = columns.map(({ name, type }) =>
    type === "timestamp"
      ? `hex(strftime(${name}, '%Y-%m-%d %H:%M:%S.%g')) AS ${name}`
      : `hex(${name}::VARCHAR) AS ${name}`,
  );
  const written = async () =>
    (await session.rows<Record<string, string | null>>(`SELECT ${hex.join(", ")} FROM ${literal(file)}`)).map((row) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, value && Buffer.from(value, "hex").toString("utf8")]),
      ),
    );
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: 40, maxLength: 80 }), async (bodies) => {
      const judged = bodies.map((body, i): Judged => judge({ receipt: String(i), body, sentAt: 0 }));
      const expected = judged.flatMap(({ rows }, i) =>
        rows.map((row) => {
          const parsed = JSON.parse(row) as WireRecord;
          expect(conforms(parsed), row).toBe(true);
          return wanted(bodies[i]!, parsed);
        }),
      );
      if (expected.length === 0) return;
      accepted.rows += expected.length;
      accepted.changed += expected.filter((row) => row.message_id !== "m1" || row.codneg !== "TESTE3").length;
      const data = packRows(judged).map((parcel) => new TextEncoder().encode(parcel.data));
      const { rows, failed } = await rowByRow(session, {
        columns,
        records: data.map((bytes, seq) => ({ seq, arrived: 0, bytes: bytes.length })),
        read: (seq) => data[seq]!,
        file,
        lines: join(scratch, "lines"),
      });
      expect(failed).toEqual([]);
      expect(rows).toBe(expected.length);
      expect(await written()).toEqual(expected);
    }),
    { numRuns: 60 },
  );
  expect(accepted.rows).toBeGreaterThan(500);
  expect(accepted.changed).toBeGreaterThan(100);
});
