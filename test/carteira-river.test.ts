import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inMemory } from "../functions/origin.ts";
import { factsOf } from "../functions/sessions.ts";
import { newestCommit } from "../packages/aws/documents.ts";
import { type Explained, explain } from "../packages/cli/explain.ts";
import { flow } from "../packages/cli/ingest.ts";
import { type Verified, verify } from "../packages/cli/verify/index.ts";
import { dueAfter, standingOf } from "../packages/core/session.ts";
import { topology } from "../packages/core/topology.ts";
import { carteira } from "../packages/datasets/carteira/index.ts";
import { csv, newest, type Portfolio, portfolios, sample, smaller } from "./origin/portfolios.ts";
import { ask, testPlace } from "./place.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
beforeAll(async () => {
  place = await testPlace();
});
afterAll(() => place.remove());

const send = (source: string, bytes: Uint8Array) => flow(place, carteira, { source, bytes: inMemory(bytes) }, true);
const sendAs = (source: string, of: Portfolio) => send(source, Buffer.from(csv(of), "latin1"));
const spelled = (units: bigint | number, decimals: number): string => {
  const digits = String(units).padStart(decimals + 1, "0");
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
};
const DAY = newest.date;
const previous = portfolios.at(-2)!;
const other = smaller(newest, "IBXX", 40);

describe("portfolios through the river", () => {
  test("Ibovespa's real file has its totals, to the last unit, and each of its papers", async () => {
    const { scraped, account } = await send("IBOVDia_21-07-26.csv", readFileSync(sample.csv));
    expect(scraped).toMatchObject({ rows: newest.rows.length, sessions: { [DAY]: newest.rows.length }, refused: 0 });
    expect(account).toMatchObject({ raw: newest.rows.length, superseded: 0, rejected: 0 });
    const rows = await ask(
      place,
      "SELECT ticker, nome, especificacao, quantidade_teorica, participacao FROM carteira_refined ORDER BY ticker",
    );
    const expected = newest.rows.map((row) => ({
      ...{ ticker: row.ticker, nome: row.name, especificacao: row.type, quantidade_teorica: String(row.quantity) },
      participacao: spelled(row.part, 3),
    }));
    expect(rows).toEqual(expected.sort((a, b) => (a.ticker < b.ticker ? -1 : 1)));
    const [sums] = await ask(
      place,
      `SELECT sum(quantidade_teorica) AS soma, max(quantidade_total) AS total, max(redutor) AS redutor, count(DISTINCT classe) AS classes
       FROM carteira_refined`,
    );
    expect(sums).toMatchObject({
      soma: String(newest.total),
      total: String(newest.total),
      redutor: spelled(newest.reductor, 8),
    });
    const classes = await ask(place, "SELECT DISTINCT classe FROM carteira_refined ORDER BY 1");
    expect(classes.map(({ classe }) => classe)).toEqual(["ON", "PN", "PNA", "UNT"]);
  });

  test("another index of the day, and one that is said again, leave each other alone; verify and explain know them apart", async () => {
    await sendAs("IBXXDia_21-07-26.csv", other);
    // The same day again, with another paper in the place of one that both indexes have.
    const [gone] = newest.rows;
    const rows = newest.rows.map((row) => (row === gone ? { ...row, ticker: "ZZZZ3" } : row));
    await sendAs("IBOVDia_21-07-26.csv", { ...newest, rows });
    const counts = await ask(
      place,
      `SELECT indice, count(*) AS n, count(CASE WHEN ticker = '${gone!.ticker}' THEN 1 END) AS gone FROM carteira_refined GROUP BY indice ORDER BY indice`,
    );
    expect(counts).toEqual([
      { indice: "IBOV", n: String(rows.length), gone: "0" },
      { indice: "IBXX", n: "40", gone: "1" },
    ]);
    await explain(place, carteira, gone!.ticker, DAY);
    const told = place.output.documents.at(-1) as Explained;
    expect(told.rows.map(({ key, is, superseded_by: by }) => [key.indice, is, by?.event_id])).toEqual([
      ["IBXX", "published", undefined],
      ["IBOV", "superseded", null],
    ]);
    await verify(place, carteira, { session: DAY });
    const { accounts } = place.output.documents.at(-1) as Verified;
    const found = accounts.map(({ raw, published, superseded, missing }) => ({ raw, published, superseded, missing }));
    expect(found.sort((a, b) => a.published - b.published)).toEqual([
      { raw: rows.length, published: 0, superseded: rows.length, missing: 0 },
      { raw: 40, published: 40, superseded: 0, missing: 0 },
      { raw: rows.length, published: rows.length, superseded: 0, missing: 0 },
    ]);
    const commit = await newestCommit(place.aws, carteira.name);
    const facts = await factsOf(place.aws, carteira, commit, () => true);
    const after = dueAfter(topology(place.datasets, place.stage.pace), carteira)!;
    expect(facts).toMatchObject([{ session: DAY, tickers: rows.length, rows: rows.length + 40, complete: true }]);
    expect(standingOf(facts, Date.parse(`${DAY}T12:00:00Z`) + 86_400_000, after)).toMatchObject({ newest: DAY });
  });

  test("what came in, what went out and what changed between an index's dates is what the portfolios say", async () => {
    await sendAs("IBOVDia_07-04-25.csv", previous);
    const before = new Map(previous.rows.map((row) => [row.ticker, row]));
    const [gone] = newest.rows;
    const after = new Map(newest.rows.map((row) => [row === gone ? "ZZZZ3" : row.ticker, row]));
    const tickers = [...new Set([...before.keys(), ...after.keys()])].sort();
    const expected = tickers.map((ticker) => {
      const [old, now] = [before.get(ticker), after.get(ticker)];
      const kind = !old
        ? "entrada"
        : !now
          ? "saida"
          : old.quantity !== now.quantity
            ? "quantidade"
            : old.part !== now.part
              ? "peso"
              : "nenhum";
      const change = (now?.part ?? 0) - (old?.part ?? 0);
      return [
        ticker,
        kind,
        String((now?.quantity ?? 0n) - (old?.quantity ?? 0n)),
        `${change < 0 ? "-" : ""}${spelled(Math.abs(change), 3)}`,
      ];
    });
    const moves = await ask(
      place,
      "SELECT ticker, movimento, variacao_quantidade, variacao_participacao, data_anterior, data_pregao, indice FROM carteira_movimentos ORDER BY ticker",
    );
    expect(moves.map((m) => [m.ticker, m.movimento, m.variacao_quantidade, m.variacao_participacao])).toEqual(expected);
    expect(new Set(moves.map((m) => `${m.indice} ${m.data_anterior} ${m.data_pregao}`))).toEqual(
      new Set([`IBOV ${previous.date} ${DAY}`]),
    );
  });
});
