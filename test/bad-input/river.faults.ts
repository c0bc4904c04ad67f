import { hash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { SendMessageCommand } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digest } from "../../functions/river.ts";
import { queueUrl, send } from "../../packages/aws/queues.ts";
import { list } from "../../packages/aws/store.ts";
import { status } from "../../packages/cli/status/index.ts";
import type { WireRecord } from "../../packages/core/dataset.ts";
import { type Message, messages } from "../../packages/core/message.ts";
import { type DeadLetter, readDeadLetter } from "../../packages/core/reject.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { openSession } from "../../packages/engines/duckdb/session.ts";
import { document, type Ended, folder, pregao, stackTrace } from "../cli/command.ts";
import { file, latin1, line, some, text, zip } from "../datasets/cotahist.ts";
import { peek } from "../peek.ts";
import { ask, testPlace } from "../place.ts";

/** Everything that is bad goes into one river, and beside it something good: that, and nothing else, is refined. */
let place: Awaited<ReturnType<typeof testPlace>>;
let pages: Server;
let site: string;
const { dir, remove } = folder();

const answers: Record<string, { status?: number; type: string; body: Uint8Array | string }> = {
  "/empty.ZIP": { type: "application/x-zip-compressed", body: "" },
  "/page.ZIP": { type: "text/html", body: "<!DOCTYPE html><html><body>Arquivo nao encontrado</body></html>" },
  "/none.ZIP": { status: 404, type: "text/html", body: "Not Found" },
};

beforeAll(async () => {
  place = await testPlace();
  pages = createServer((req, res) => {
    const { status: code = 200, type, body } = answers[req.url ?? ""]!;
    res.writeHead(code, { "content-type": type }).end(body);
  });
  await new Promise<void>((done) => pages.listen(0, "127.0.0.1", done));
  site = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
});
afterAll(async () => {
  pages?.close();
  await place?.remove();
  remove();
});

const saved = (name: string, bytes: Uint8Array): string => {
  const path = join(dir, name);
  writeFileSync(path, bytes);
  return path;
};
const command = (...args: string[]): Promise<Ended> => pregao([...args, "--state", place.dir]);
const ingest = (name: string, bytes: Uint8Array, ...more: string[]) =>
  command("ingest", "bovespa", "--file", saved(name, bytes), ...more);

/** Two at a time: each is a process. */
const all = async <T, R>(cases: readonly T[], run: (one: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = [];
  for (let at = 0; at < cases.length; at += 2) results.push(...(await Promise.all(cases.slice(at, at + 2).map(run))));
  return results;
};

/** A letter may be there twice: it is told by its id. */
const letters = (queue: string): Promise<DeadLetter[]> =>
  peek(place.aws, queue, (found) => [
    ...new Map(found.map((m) => readDeadLetter(m.body, m)).map((letter) => [letter.id, letter])).values(),
  ]);
const origins = async (): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of list(place.aws, "origin", "bovespa/")) keys.push(key);
  return keys;
};
const refined = async (where: string): Promise<number> => {
  let n = 0;
  for (const table of ["bovespa_refined", "bovespa_derivativos"])
    n += Number((await ask(place, `SELECT count(*) AS n FROM ${table} WHERE ${where}`))[0]!.n);
  return n;
};

/** As many tickers: a row of a key that was there before would take its place. */
const rows = (count: number, fields: object = {}) => some(count, (i) => ({ codneg: `BOA${i}`, ...fields }));
const good = rows(40);
const data = latin1(text(good));

describe("an origin that is bad as a whole", () => {
  /** What each must say: what was expected, what came and where, what to do. */
  const bad: [string, Uint8Array | string, RegExp][] = [
    [
      "a truncated file",
      latin1(text(good).slice(0, -700)),
      /line 40: expected .* came \d+ bytes and then the end of the file/,
    ],
    [
      "a trailer that counts other lines",
      file(good, { total: 40 }),
      /line 42: expected as many lines as the trailer counts, 40, came 42/,
    ],
    [
      "a line too short",
      file([...good.slice(1), line().slice(0, 244)]),
      /line 41: expected 245 characters and CRLF.* came 244 characters/,
    ],
    [
      "a line too long",
      file([`${line()} `, ...good]),
      /line 2: expected 245 characters and CRLF.* came 246 characters/,
    ],
    [
      "a session in the future",
      file([line({ datpre: "20991231" }), ...good.slice(1)]),
      /line 2: expected a session .* to 2024-11-08, by the header's year and date.* came "20991231"/,
    ],
    [
      "a session that is no day",
      file([...good, line({ datpre: "20241131" })]),
      /line 42: expected a session from .* came "20241131"/,
    ],
    ["NUL bytes for a file", new Uint8Array(5000), /line 1: expected the header .* came "\\u0000/],
    [
      "a NUL byte for an end of line",
      latin1(text(good).replace("\r\n01", "\0\n01")),
      /line 1: expected 245 characters and CRLF or LF/,
    ],
    [
      "a zip bomb",
      zip({ data: new Uint8Array(30_000_000) }),
      /expected a whole zip with one text file in it, came 30000000 bytes packed into \d+, .*a zip bomb/,
    ],
    [
      "a zip with several entries",
      zip({ data }, { data, name: "other.TXT" }),
      /expected a whole zip with one text file in it, came one with 2 files/,
    ],
    ["a zip entry with a path", zip({ data, name: "dir/COTAHIST.TXT" }), /came a path, "dir\/COTAHIST.TXT"/],
    [
      "a zip entry that leaves its folder",
      zip({ data, name: "../../etc/passwd" }),
      /came one that cannot be read \(invalid relative path/,
    ],
    ["a truncated zip", zip({ data }).subarray(0, -30), /expected a whole zip with one text file in it, came/],
    ["an HTML page for a zip", latin1("<html><body>Erro"), /expected a COTAHIST file, came an HTML or XML page/],
    ["an empty file", new Uint8Array(0), /expected a zip or a text file, came no bytes at all/],
    [
      "an empty answer",
      "/empty.ZIP",
      /expected a zip or a text file, came no bytes at all: B3 answers so when there was no session/,
    ],
    ["an HTML page with status 200", "/page.ZIP", /expected a COTAHIST file, came an HTML or XML page/],
    ["a page that is not there", "/none.ZIP", /expected 200 from .*none.ZIP, came 404/],
  ];

  test("is refused by what was expected, what came and where, with exit status 1; nothing of it is sent, and of a file nothing is kept", async () => {
    const beside = ingest("good.TXT", data, "--wait", "--json");
    const ends = await all(bad, ([name, bytes]) =>
      typeof bytes === "string"
        ? command("ingest", "bovespa", "--url", site + bytes, "--wait")
        : ingest(`${name.replaceAll(" ", "-")}.bin`, bytes, "--wait"),
    );
    for (const [i, [name, , says]] of bad.entries()) {
      const { status: exit, out, err } = ends[i]!;
      expect([name, exit, out]).toEqual([name, 1, ""]);
      expect([name, err]).toEqual([name, expect.stringMatching(says)]);
      expect([name, err]).toEqual([
        name,
        expect.stringMatching(/Nothing of it was sent|check|run the same command again/i),
      ]);
      expect(err).not.toMatch(stackTrace);
    }
    expect(document(await beside)).toMatchObject({ account: { sent: 40, raw: 40, rejected: 0, superseded: 0 } });
    // Beside the good one: what came with status 200 is archived as it came, before it is read.
    const answered = Object.values(answers).filter(({ status: code = 200 }) => code === 200);
    const kept = [...answered.map(({ body }) => body), data].map((bytes) => `bovespa/${hash("sha256", bytes)}`);
    expect((await origins()).sort()).toEqual(kept.sort());
    expect(await refined("data_pregao = DATE '2024-11-08'")).toBe(40);
    expect(await ask(place, "SELECT estado, linhas_vistas FROM bovespa_sessoes")).toEqual([
      { estado: "completa", linhas_vistas: "40" },
    ]);
    expect(await letters("bovespa-dlq")).toEqual([]);
  });

  test("an unknown dataset, or one without an origin, is a wrong command line, and starts nothing", async () => {
    const path = saved("good.TXT", data);
    const [unknown, computed] = await Promise.all([
      pregao(["ingest", "bovespo", "--file", path], { cwd: dir }),
      pregao(["ingest", "calendario", "--file", path], { cwd: dir }),
    ]);
    for (const ended of [unknown!, computed!]) expect([ended.status, ended.out]).toEqual([2, ""]);
    expect(unknown!.err).toMatch(/expected .*bovespa.*came bovespo/);
    expect(computed!.err).toMatch(/calendario/);
  });
});

describe("a good file with bad records", () => {
  /** Each of a ticker of its own: a message has one dead letter a reason. */
  let tickers = 0;
  const prices = (fields: Record<string, string>) =>
    line({ codneg: `MAUS${++tickers}`, totneg: "00001", datpre: "20241107", ...fields });
  const bad: [string, string, RegExp][] = [
    ["letters in a price", prices({ preult: "00000000O3660" }), /^invalid_field preult: expected/],
    [
      "low above high",
      prices({ premin: "0000000009900" }),
      /^price_order premin: expected at most premax 37.00, came 99.00/,
    ],
    [
      "a FATCOT of 7",
      prices({ fatcot: "0000007" }),
      /^quote_factor fatcot: expected 1, 10, 100, 1000 or 10000, came 7/,
    ],
    ["NUL bytes", prices({ nomres: "PETRO\0\0\0BRAS" }), /^invalid_field nomres: expected/],
    ["control characters", prices({ especi: "PN\x1b[31mN2" }), /^invalid_field especi: expected/],
  ];

  test("loses those only: each is a dead letter that names its field, its value and what was expected", async () => {
    const lines = [...bad.map(([, l]) => l), prices({}), prices({ tpmerc: "020" })];
    const ended = await ingest("records.TXT", file(lines), "--wait", "--json");
    expect(ended.err).not.toMatch(stackTrace);
    expect(document(ended)).toMatchObject({ account: { sent: 7, raw: 2, rejected: 5 } });
    const found = await letters("bovespa-dlq");
    for (const [name, , says] of bad) {
      const said = found.filter((l) => l.ticker.startsWith("MAUS")).map((l) => `${l.reason} ${l.message}`);
      expect([name, said.find((s) => says.test(s)) ?? said]).toEqual([name, expect.stringMatching(says)]);
    }
    expect(found.flatMap((l) => l.records)).toHaveLength(bad.length);
    expect(await refined("data_pregao = DATE '2024-11-07'")).toBe(2);
  });
});

describe("a message that is bad", () => {
  const from = (name: string) => ({
    source: "test",
    origin: { sha256: digest(name), version: "0", scraped_at: "2024-11-09 00:00:00.000" },
  });
  const message = (ticker: string, records: readonly unknown[]): Message =>
    messages(bovespa, from(ticker), { subject: ticker, records: records as WireRecord[] }, digest)[0]!;
  const sample = (ticker: string, changed: Record<string, unknown> = {}) => ({
    ...bovespa.raw!.sample(ticker, "2024-11-06", 0),
    ...changed,
  });
  const one = (ticker: string) => message(ticker, [sample(ticker)]).body;
  const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;

  /** The whole message is refused: ticker, body, reason and what the dead letter says. */
  const whole: [string, string, string, RegExp][] = [
    ["a body that is no JSON", `RUIM01 ${one("RUIM01").slice(0, -2)}`, "not_json", /expected JSON: /],
    ["an empty object", '{"RUIM02":1}', "envelope", /specversion|id: /],
    [
      "a type of another dataset",
      one("RUIM03").replace("br.pregao.bovespa.v1", "br.pregao.vendas.v1"),
      "type",
      /expected type br\.pregao\.bovespa\.v1 in this queue, came br\.pregao\.vendas\.v1/,
    ],
    [
      "an unknown type",
      one("RUIM04").replace("br.pregao.bovespa.v1", "com.example.thing"),
      "envelope",
      /type: expected br\.pregao\.<dataset>\.v<n>/,
    ],
    ["no records", one("RUIM05").replace(/"records":\[.*\]/, '"records":[]'), "empty", /expected at least one record/],
    [
      "deeply nested JSON",
      one("RUIM06").replace('"records":[{', `"records":[{"x":${deep(40)},`),
      "envelope",
      /expected lists and objects in at most 32 levels/,
    ],
    [
      "JSON nested a hundred thousand levels deep",
      one("RUIM07").replace('"records":[{', `"records":[{"x":${deep(100_000)},`),
      "envelope",
      /expected lists and objects in at most 32 levels/,
    ],
    [
      "a key twice",
      one("RUIM08").replace('"preult":', '"preult":"1.00","preult":'),
      "envelope",
      /expected each key once, came "preult" twice/,
    ],
    [
      "a key twice in the envelope",
      one("RUIM09").replace('{"specversion"', '{"subject":"PETR4","specversion"'),
      "envelope",
      /expected each key once, came "subject" twice/,
    ],
  ];
  /** One record is refused, the other one of its message refined. */
  const single: [string, string, Record<string, unknown>, string, RegExp][] = [
    ["non-digits in a price", "MAL01", { preult: "12,34" }, "invalid_field", /preult: expected .*, came "12,34"/],
    ["a number for a decimal", "MAL02", { preult: 12.34 }, "invalid_field", /preult: .*came 12.34/],
    ["low above high", "MAL03", { premin: "99999.00" }, "price_order", /premin: expected at most premax/],
    ["a FATCOT of 7", "MAL04", { fatcot: 7 }, "quote_factor", /fatcot: expected 1, 10, 100, 1000 or 10000, came 7/],
    [
      "a session in the future",
      "MAL05",
      { datpre: "2024-11-11" },
      "future_session",
      /datpre: expected a session up to the day it arrived, 2024-11-08, came 2024-11-11/,
    ],
    ["a NUL", "MAL06", { nomres: "A\u0000B" }, "invalid_field", /nomres: expected .*, came "A\\u0000B"/],
    ["a control character", "MAL07", { nomres: "A\u001bB" }, "invalid_field", /nomres: expected .*, came "A\\u001bB"/],
    ["an unknown field", "MAL08", { lucro: "1" }, "unknown_field", /lucro/],
    ["a field missing", "MAL09", { preult: undefined }, "invalid_field", /preult: .*came nothing/],
  ];

  test("ends in the dead-letter queue with its reason, and what is good in it and beside it is refined", async () => {
    const bodies = [
      ...whole.map(([, body]) => body),
      ...single.map(
        ([, ticker, changed]) => message(ticker, [sample(ticker), sample(ticker, { totneg: 7, ...changed })]).body,
      ),
      one("BOM01"),
    ];
    const before = new Set((await letters("bovespa-dlq")).map((l) => l.id));
    const sent = await send(
      place.aws,
      "bovespa",
      bodies.map((body, i) => ({ id: String(i), group: "g", body })),
    );
    expect(sent.filter((s) => s.outcome !== "accepted")).toEqual([]);
    await place.stack!.idle();
    const found = (await letters("bovespa-dlq")).filter((l) => !before.has(l.id));
    expect(found).toHaveLength(whole.length + single.length);
    for (const [i, [name, , reason, says]] of whole.entries()) {
      const marker = /RUIM\d\d/.exec(whole[i]![1])![0];
      const letter = found.find((l) => l.body.includes(marker));
      expect([name, letter?.reason, letter?.message]).toEqual([name, reason, expect.stringMatching(says)]);
    }
    for (const [name, ticker, , reason, says] of single) {
      const letter = found.find((l) => l.ticker === ticker);
      expect([name, letter?.reason, letter?.message]).toEqual([name, reason, expect.stringMatching(says)]);
      expect([name, await refined(`ticker = '${ticker}'`)]).toEqual([name, 1]);
    }
    expect(await refined("ticker LIKE 'RUIM%'")).toBe(0);
    expect(await refined("ticker = 'BOM01'")).toBe(1);
  });

  test("of 1 MiB and a byte, or of a character that SQS has not, is refused to its sender, and nothing of it is kept", async () => {
    const put = (MessageBody: string) =>
      place.aws.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl(place.aws, "bovespa"), MessageBody }));
    await expect(put("x".repeat(1024 ** 2 + 1))).rejects.toThrow(/1048576/);
    await expect(put("a\u0000b")).rejects.toThrow(/InvalidMessageContents|character/i);
    const [large] = await send(place.aws, "bovespa", [{ id: "1", group: "g", body: "x".repeat(1024 ** 2 + 1) }]);
    expect(large).toMatchObject({ outcome: "refused", reason: expect.stringMatching(/1048576/) });
    await place.stack!.idle();
  });
});

test("a raw object that is no Parquet, or has other columns, is refused in landed-dlq by its key; the others are refined", async () => {
  const session = await openSession({ scratch: join(dir, "duckdb") });
  const other = join(dir, "other.parquet");
  await session.run(`COPY (SELECT 1 AS a, 'x' AS codneg) TO '${other}' (FORMAT parquet)`);
  await session.close();
  const put = (name: string, Body: Uint8Array | string) =>
    place.aws.s3.send(new PutObjectCommand({ Bucket: "lake", Key: `raw/bovespa/${name}`, Body }));
  const today = new Date().toISOString().slice(0, 10);
  const bad: [string, Uint8Array | string, RegExp][] = [
    [`ingest_date=${today}/page.parquet`, "<html>not Parquet at all</html>", /not_parquet expected PAR1 at the end/],
    [`ingest_date=${today}/empty.parquet`, "", /not_parquet expected Parquet, came 0 bytes/],
    [
      `ingest_date=${today}/other.parquet`,
      readFileSync(other),
      /columns expected the columns of bovespa_raw: missing .*; unknown a/,
    ],
    ["nowhere/at.parquet", readFileSync(other), /key expected …\/ingest_date=YYYY-MM-DD/],
  ];
  for (const [name, body] of bad) await put(name, body);
  const beside = await ingest("beside.TXT", file(rows(10, { datpre: "20241105" })), "--json");
  expect(beside.status).toBe(0);
  await place.stack!.idle();
  const found = await letters("landed-dlq");
  for (const [name, , says] of bad) {
    const letter = found.find((l) => l.path === `raw/bovespa/${name}`);
    expect([name, `${letter?.reason} ${letter?.message}`]).toEqual([name, expect.stringMatching(says)]);
  }
  expect(found).toHaveLength(bad.length);
  expect(await refined("data_pregao = DATE '2024-11-05'")).toBe(10);
  await status(place);
  expect(JSON.stringify(place.output.documents.at(-1))).toContain("dlq list landed");
  process.exitCode = 0;
});
