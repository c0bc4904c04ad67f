import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { digest } from "../../functions/river.ts";
import { calendarDays, saoPauloDay } from "../../packages/core/calendar.ts";
import { judgeOf } from "../../packages/core/judge.ts";
import { messages } from "../../packages/core/message.ts";
import { readDeadLetter } from "../../packages/core/reject.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { bytesOf } from "../datasets/cotahist.ts";
import { oracle, world } from "../datasets/merge.oracle.ts";
import { letterContent, rowsOf } from "./answers.ts";
import { between, hasSession, saoPauloDate, weekdayOf } from "./calendar.ts";
import { type Answers, compare, type Difference, type Expected, expected, keys, type TableName } from "./index.ts";
import { type Arrived, judged } from "./judge.ts";
import { corrected, fileOf, market, marketLines } from "./market.ts";
import { mergeSession } from "./merge.ts";
import { messagesOf } from "./message.ts";
import { type Cells, double } from "./rows.ts";

const scraped_at = "2024-11-09 01:11:00.000";
const days = ["2024-11-07", "2024-11-08"];
const lines = marketLines({ seed: 1, sessions: days, papers: 30, dirty: true });
const old = { file: fileOf(lines, "2024-11-08"), scraped_at };
const fresh = { file: fileOf(corrected(lines, 2), "2024-11-09"), scraped_at: "2024-11-10 01:11:00.000" };

describe("the oracle's own parts", () => {
  test("its calendar, from the published list and the law, is the product's", () => {
    const wrong = calendarDays().filter(
      ({ data, sessao, dia_semana, indice_util }) =>
        hasSession(data) !== sessao ||
        weekdayOf(data) !== dia_semana ||
        between("1990-01-01", data)!.sessions !== indice_util,
    );
    expect(wrong).toEqual([]);
    expect([hasSession("1989-12-29"), weekdayOf("2041-01-01"), between("1989-12-29", "2024-01-02")]).toEqual([
      null,
      null,
      null,
    ]);
    for (const at of ["2024-11-09 01:11:00.000", "2019-02-17 02:30:00.000", "2026-11-20 03:00:00.000"])
      expect(saoPauloDate(at)).toBe(saoPauloDay(Date.parse(`${at.replace(" ", "T")}Z`)));
  });

  test("a double is spelled as Trino does", () => {
    const spelled = [1, 0.5, 12345.678, 9_999_999, 1e7, 150_000_000, 1.5e10, 0.001, 0.00099, 1e21, 123456789.125];
    expect(spelled.map(double)).toEqual(
      "1.0 0.5 12345.678 9999999.0 1.0E7 1.5E8 1.5E10 0.001 9.9E-4 1.0E21 1.23456789125E8".split(" "),
    );
  });

  test("a result file is read back, nulls, quotes, commas and line ends too", () => {
    expect(rowsOf('"a","b"\n"1",\n,"x ""y"", z"\n"","\n"\n')).toEqual([
      { a: "1", b: null },
      { a: null, b: 'x "y", z' },
      { a: "", b: "\n" },
    ]);
  });

  test.each([
    ["a real session", readFileSync(new URL(bovespa.demo!.file))],
    ["a market of all sorts", old.file],
  ])("the messages it makes of %s have the ids, records and verdicts of the product's", async (_, bytes) => {
    const format = bovespa.raw!.format;
    const source = bytesOf(bytes);
    const survey = await format.survey(source);
    const ours = messagesOf({ file: bytes, scraped_at, source: "f" });
    const [{ origin }] = ours as [(typeof ours)[0]];
    const judge = judgeOf(bovespa, digest);
    const theirs: { id: string; ids: string[]; refused: string[] }[] = [];
    for await (const groups of format.groups(source, survey))
      for (const group of groups)
        for (const { id, body } of messages(bovespa, { source: "f", origin }, group, digest)) {
          const { rows, rejects } = judge({ receipt: "r", body, sentAt: 0 });
          theirs.push({
            id,
            ids: rows.map((row) => JSON.parse(row).event_id),
            refused: rejects.map((r) => `${r.reason} ${r.group} ${r.records}`),
          });
        }
    const mine = ours.map((told) => {
      const { rows, letters } = judged(told);
      return {
        id: told.id,
        ids: rows.map((r) => r.event_id),
        refused: letters.map((l) => `${l.reason} ${l.ticker} ${l.records.length}`),
      };
    });
    expect(mine).toEqual(theirs);
    expect(origin.version).toBe(survey.version);
  });

  test("its merge says of small worlds what brute force says of them", () => {
    const origins = [
      { version: "2024-11-08", scraped_at: "2024-11-09 01:00:00.000", sha256: "b" },
      { version: "2024-11-09", scraped_at: "2024-11-09 00:00:00.000", sha256: "a" },
      { version: "2024-11-09", scraped_at: "2024-11-09 00:00:00.001", sha256: "0" },
      { version: "2024-11-09", scraped_at: "2024-11-09 00:00:00.001", sha256: "c" },
      { version: "2024-11-10", scraped_at: "2024-11-09 00:00:00.001", sha256: "c" },
      { version: "2024-11-10", scraped_at: "2024-11-09 00:00:00.002", sha256: "c" },
    ];
    fc.assert(
      fc.property(world(3), ({ rows, runs }) => {
        const arrived = runs.flat().map((i) => rows[i]!);
        const name = (r: Arrived) =>
          `${origins.findIndex((o) => o.sha256 === r.sha256 && o.version === r.version && o.scraped_at === r.scraped_at)}/${r.origin_rows ?? 0} ${r.event_id}`;
        const { published, waiting, sources } = mergeSession(
          arrived.map((r) => ({
            record: { codneg: `K${r.key}`, tpmerc: "010", prazot: null },
            event_id: r.event,
            message_id: "m",
            scraped_on: "2024-11-08",
            origin_rows: r.stated,
            ...origins[r.rank]!,
          })),
        );
        const must = oracle(arrived);
        expect(published.map(name).sort()).toEqual(must.published);
        expect(waiting.map(name).sort()).toEqual(must.waiting);
        expect(sources.map((s) => [s.stated, s.state, s.mixed])).toEqual(
          must.sessions.map((s) => [Number(s.origin.split("/")[1]), s.state, s.mixed]),
        );
      }),
      { numRuns: 2000 },
    );
  });
});

/** Answers as a river would give them that did everything right. */
const right = (must: Expected): Answers => ({
  table: async (name) => [...must.tables[name].values()].map((row) => ({ ...row })),
  letters: async () =>
    must.letters.map((l, i) => ({ id: `l${i}`, content: letterContent(l.reason, l.ticker, l.records) })),
});

describe("a comparison", () => {
  const must = expected([old, fresh, { message: "{" }]);
  /** The answers of one table spoiled. */
  const spoiled = (table: TableName, spoil: (rows: Cells[]) => Cells[]): Answers => ({
    ...right(must),
    table: async (name, columns) => {
      const rows = await right(must).table(name, columns);
      return name === table ? spoil(rows) : rows;
    },
  });

  test("the market of these tests has something in every table, and every kind of row", () => {
    for (const [name, rows] of Object.entries(must.tables))
      if (name !== "bovespa_espera") expect(rows.size, name).toBeGreaterThan(0);
    const values = (table: TableName, column: string) =>
      new Set([...must.tables[table].values()].map((r) => r[column]));
    for (const flag of ["alta_volatilidade", "baixa_volatilidade", "negocios_suspeitos"])
      expect(values("bovespa_refined", flag), flag).toEqual(new Set(["true", "false"]));
    expect(values("bovespa_refined", "fator_cotacao").size).toBe(5);
    expect(values("bovespa_derivativos", "tipo_mercado")).toEqual(new Set(["020", "021", "030", "070", "080"]));
    expect(new Set(must.letters.map((l) => l.reason))).toEqual(
      new Set(["quote_factor", "price_order", "invalid_field", "cash_term", "not_json"]),
    );
    // One record of every session is refused in all of them: no origin is ever whole.
    expect(values("bovespa_sessoes", "estado")).toEqual(new Set(["parcial"]));
    expect(must.tables.bovespa_espera.size).toBeGreaterThan(0);
  });

  test("right answers have no difference", async () => {
    expect(await compare(right(must), must)).toEqual([]);
  });

  test.each(Object.keys(must.tables) as TableName[])(
    "names a changed cell, a dropped row, a doubled row and an invented one of %s",
    async (table) => {
      const [first] = [...must.tables[table].entries()] as [[string, Cells]];
      const [key, row] = first;
      const found = (spoil: (rows: Cells[]) => Cells[]) => compare(spoiled(table, spoil), must);
      const cell = (column: string, value: string | null): Difference[] => [
        { table, key, column, expected: row[column]!, came: value },
      ];
      // Each of its columns in turn, but those that say which row it is.
      for (const column of Object.keys(row)) {
        const changed = await found(([one, ...rest]) => [{ ...one!, [column]: "?" }, ...rest]);
        if ((keys[table] as readonly string[]).includes(column)) expect(changed).toHaveLength(2);
        else expect(changed, column).toEqual(cell(column, "?"));
      }
      expect(await found(([, ...rest]) => rest)).toEqual([
        { table, key, column: "*", expected: JSON.stringify(row), came: null },
      ]);
      expect(await found((rows) => [rows[0]!, ...rows])).toEqual([
        { table, key, column: "*", expected: "1 row", came: "2 rows" },
      ]);
      const invented = await found((rows) => [...rows, Object.fromEntries(Object.keys(row).map((c) => [c, "new"]))]);
      expect(invented).toMatchObject([{ table, column: "*", expected: null, came: expect.stringContaining("new") }]);
      const [extra] = await found((rows) => rows.map((r) => ({ ...r, outra: "1" })));
      expect(extra).toEqual({ table, key, column: "outra", expected: "no such column", came: "1" });
    },
  );

  test("names a letter that is missing, invented, or of another reason, and takes one delivered twice for one", async () => {
    const letters = (
      change: (found: Awaited<ReturnType<Answers["letters"]>>) => Awaited<ReturnType<Answers["letters"]>>,
    ) => compare({ ...right(must), letters: async () => change(await right(must).letters()) }, must);
    expect(await letters((l) => [...l, l[0]!])).toEqual([]);
    expect(await letters(([, ...rest]) => rest)).toMatchObject([{ table: "bovespa-dlq", came: null }]);
    expect(await letters((l) => [...l, { id: "x", content: "empty unreadable 7" }])).toMatchObject([
      { expected: null },
    ]);
    expect(await letters((l) => [{ ...l[0]!, content: "other PETR4 7" }, ...l.slice(1)])).toHaveLength(2);
    expect(await letters((l) => [...l, { ...l[0]!, id: "x" }])).toHaveLength(1);
  });

  test("an oracle is a function of the set of inputs", () => {
    const inputs = [old, fresh, { message: "{" }];
    const sorted = (e: Expected) => ({
      tables: Object.entries(e.tables).map(([name, rows]) => [name, [...rows].sort()]),
      letters: e.letters.map((l) => JSON.stringify(l)).sort(),
    });
    expect(sorted(expected([...inputs.toReversed(), old, { message: "{" }]))).toEqual(sorted(must));
  });
});

test("what the product's judge says of any body, the oracle says", () => {
  const judge = judgeOf(bovespa, digest);
  const bodies = [...mutated(4000)];
  const seen = new Map<string, number>();
  for (const body of bodies) {
    const { rows, rejects } = judge({ receipt: "r", body, sentAt: 0 });
    const came = {
      rows: rows.map((row) => JSON.parse(row).event_id),
      letters: rejects.map((r) => [
        r.reason,
        r.group,
        ...readDeadLetter(r.body, { messageId: "", sentAt: "" }).records.map((x) => JSON.stringify(x)),
      ]),
    };
    const must = expected([{ message: body }]);
    expect(came, body.slice(0, 3000)).toEqual({
      rows: must.arrived.map((r) => r.event_id),
      letters: must.letters.map((l) => [l.reason, l.ticker, ...l.records]),
    });
    for (const { reason } of rejects) seen.set(reason, (seen.get(reason) ?? 0) + 1);
  }
  expect([...seen.keys()].sort()).toEqual(
    expect.arrayContaining(
      [
        "cash_term",
        "empty",
        "envelope",
        "invalid_field",
        "negative",
        "not_json",
        "price_order",
        "quote_factor",
        "subject",
        "type",
        "unknown_field",
      ].sort(),
    ),
  );
});

/** Bodies of real messages with something changed, at any depth: a value, a key, a character, a doubled key. */
function* mutated(count: number): Generator<string> {
  const told = messagesOf({ file: market({ seed: 3, sessions: ["2024-11-08"], papers: 10 }), scraped_at, source: "f" });
  const bodies = told.map(({ id, subject, origin, records }) => ({
    specversion: "1.0",
    id,
    source: "f",
    type: "br.pregao.bovespa.v1",
    subject,
    time: `${scraped_at.replace(" ", "T")}Z`,
    datacontenttype: "application/json",
    data: { origin, records },
  }));
  const value = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      "",
      "0",
      "-0.00",
      "-1.00",
      "1.00",
      "01.00",
      "1e3",
      0,
      -1,
      7,
      10,
      1e21,
      0.5,
      true,
      [],
      {},
    ),
    fc.constantFrom<unknown>(
      "2024-02-30",
      "2999-01-01",
      "1985-12-31",
      "0999-01-01",
      "br.pregao.outro.v1",
      "br.pregao.bovespa.v2",
    ),
    fc.constantFrom<unknown>(
      "030",
      "010",
      "x".repeat(13),
      "x".repeat(70),
      "\ud800",
      "a\u0000",
      "😀😀😀",
      "PETR4",
      "99999999.99",
    ),
    fc.jsonValue(),
  );
  const change = fc.record({
    body: fc.nat(),
    path: fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
    how: fc.constantFrom("set", "set", "set", "delete", "add", "double", "cut", "character"),
    value,
  });
  for (const { body, path, how, value: v } of fc.sample(change, { numRuns: count, seed: 7 })) {
    const event = structuredClone(bodies[body % bodies.length]!) as unknown;
    let at = event as Record<string, unknown>;
    let key = "";
    for (const step of path) {
      const names = Object.keys(at);
      key = names[step % names.length] ?? "x";
      const inner = at[key];
      if (typeof inner !== "object" || inner === null || step === path.at(-1)) break;
      at = inner as Record<string, unknown>;
    }
    const name = Array.isArray(at) ? String(at.length) : "novo";
    if (how === "set") at[key] = v;
    if (how === "delete") delete at[key];
    if (how === "add") at[name] = v;
    const text = JSON.stringify(event);
    if (how === "double") yield text.replace(`"${key}":`, `"${key}":0,"${key}":`);
    else if (how === "cut") yield text.slice(0, (path[0]! * 7919) % text.length);
    else if (how === "character") {
      const where = (path[0]! * 7919) % text.length;
      yield text.slice(0, where) + (typeof v === "string" ? v.slice(0, 1) : "}") + text.slice(where + 1);
    } else yield text;
  }
  for (const { record } of bovespa.raw!.mistakes("PETR4", "2024-11-08"))
    yield JSON.stringify({
      ...bodies[0],
      subject: "PETR4",
      data: { origin: bodies[0]!.data.origin, records: [record] },
    });
  yield JSON.stringify({ ...bodies[0], data: { ...bodies[0]!.data, records: [] } });
}
