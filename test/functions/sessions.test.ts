import { afterEach, describe, expect, test } from "vitest";
import { newestCommit } from "../../packages/aws/documents.ts";
import { send } from "../../packages/aws/queues.ts";
import { remove } from "../../packages/aws/store.ts";
import { sessionsBetween } from "../../packages/core/backfill.ts";
import type { WireRecord } from "../../packages/core/dataset.ts";
import { LATELY, lately } from "../../packages/core/gaps.ts";
import { instant, messages } from "../../packages/core/message.ts";
import { type LogMetric, logMetrics, numberIn, patternOf } from "../../packages/core/metrics.ts";
import { dueAfter, sessionsDue } from "../../packages/core/session.ts";
import { topology } from "../../packages/core/topology.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { carteira } from "../../packages/datasets/carteira/index.ts";
import { datasets } from "../../packages/datasets/index.ts";
import { digest, openRiver, record, type TestRiver } from "../cli/stack.ts";
import { paper } from "../datasets/portfolios.ts";

type Line = Record<string, unknown>;
let river: TestRiver | undefined;
afterEach(async () => {
  await river?.close();
  river = undefined;
});

const built = topology(datasets, "intraday");
const metrics = logMetrics(built);

/** A selector of CloudWatch's filter syntax: `$.metadata.rows.new`. */
const select = (line: Line, path: string): unknown =>
  path
    .slice(2)
    .split(".")
    .reduce<unknown>((value, name) => (value as Line | undefined)?.[name], line);

/** Whether CloudWatch's JSON filter matches a line: terms `$.path = "text"`, `= *` or `>= number`, in brackets, with && and ||. */
const matches = (pattern: string, line: Line): boolean => {
  const tokens = pattern.match(/"(?:[^"\\]|\\.)*"|\$[\w.]+|&&|\|\||>=|[={}()*]|\d+/g) ?? [];
  expect(tokens.join("")).toBe(pattern.replace(/"[^"]*"|\s/g, (part) => (part.startsWith('"') ? part : "")));
  const take = (expected?: string): string => {
    const token = tokens.shift();
    if (token === undefined || (expected !== undefined && token !== expected))
      throw new Error(`${pattern}: expected ${expected ?? "more"}, came ${token}`);
    return token;
  };
  const either = (): boolean => {
    let value = both();
    while (tokens[0] === "||") {
      take();
      value = both() || value;
    }
    return value;
  };
  const both = (): boolean => {
    let value = term();
    while (tokens[0] === "&&") {
      take();
      value = term() && value;
    }
    return value;
  };
  const term = (): boolean => {
    if (tokens[0] === "(") {
      take();
      const value = either();
      take(")");
      return value;
    }
    const found = select(line, take());
    if (take() === ">=") {
      const least = Number(take());
      return typeof found === "number" && found >= least;
    }
    const wanted = take();
    return wanted === "*" ? found !== undefined : found === JSON.parse(wanted);
  };
  take("{");
  const value = either();
  take("}");
  return value;
};

/** What CloudWatch would put into a metric's series of a dataset. */
const series = (metric: LogMetric, log: readonly Line[], dataset: string | null): number[] =>
  log
    .filter((line) => line.component === metric.function && matches(patternOf(metric), line))
    .filter((line) => dataset === null || select(line, "$.metadata.dataset") === dataset)
    .map((line) => (metric.value === "line" ? Number(numberIn(metric)) : (select(line, numberIn(metric)) as number)));

const read = (name: string, log: readonly Line[], dataset = bovespa.name): number[] =>
  series(metrics.find((m) => m.name === name)!, log, name.startsWith("errors_") ? null : dataset);

const SESSION = sessionsDue(Date.now(), dueAfter(built, bovespa)!)[0]!;
const look = () => river!.stack.invoke("advance", { datasets: [bovespa.name] });

describe("what watches the river is in its log", () => {
  test("a metric is made of lines that no function writes", async () => {
    river = await openRiver();
    const { aws, log } = river;
    await look();
    expect(read("sessions_missing", log)).toEqual([5]);
    const scraped = Date.now();
    for (const ticker of ["TESTE3", "TESTE4"]) await river.file("1", [record(ticker, SESSION, 0)], 2, scraped);
    await send(aws, bovespa.name, [{ body: "no message", group: "x" } as never], {});
    await river.idle();
    await look();
    expect(read("rows_judged", log).reduce((a, b) => a + b)).toBe(2);
    expect(read("records_refused", log).reduce((a, b) => a + b)).toBe(1);
    expect(read("runs_published", log).length).toBeGreaterThan(0);
    expect(read("rows_refined", log).reduce((a, b) => a + b)).toBe(2);
    expect(read("sessions_published", log).at(-1)).toBe(1);
    const [latency] = read("latency", log).slice(-1);
    expect(latency).toBeGreaterThanOrEqual(0);
    expect(latency).toBeLessThan(120);
    expect(read("job_seconds", log).length).toBe(read("runs_published", log).length);
    expect(read("dpu_seconds", log).length).toBe(read("runs_published", log).length);
    expect(read("sessions_missing", log)).toEqual([5, 4]);
    expect(read("sessions_incomplete", log).at(-1)).toBe(0);
    expect(read("coverage", log).at(-1)).toBe(20);
    // A dataset is no older than its first session, which is the newest that is due.
    expect([read("gaps", log), read("completeness", log)]).toEqual([[0, 0], [100]]);
    expect(read("tickers", log).at(-1)).toBe(2);
    expect(read("doubtful", log).at(-1)).toBe(0);
    // All that a river at rest can say was said, by lines of the five fields.
    const silent = metrics.filter((m) => series(m, log, m.byDataset ? bovespa.name : null).length === 0);
    expect(silent.map((m) => m.name).filter((name) => !name.startsWith("errors_"))).toEqual(["runs_failed"]);
    for (const line of log.filter((l) => l.component !== "stack"))
      expect(
        Object.keys(line).filter((key) => !["timestamp", "level", "component", "message", "metadata"].includes(key)),
      ).toEqual([]);
  });

  test("a session of which half the rows came passes for one that came", async () => {
    river = await openRiver();
    await river.file("1", [record("TESTE3", SESSION, 0)], 2);
    await river.idle();
    await look();
    expect(read("sessions_missing", river.log).at(-1)).toBe(4);
    expect(read("sessions_incomplete", river.log).at(-1)).toBe(1);
    expect(read("coverage", river.log).at(-1)).toBe(0);
    expect([read("gaps", river.log).at(-1), read("completeness", river.log).at(-1)]).toEqual([1, 0]);
  });

  test("what is missing for longer than a week of sessions is told to nobody, or what came before a year ago hides it", async () => {
    river = await openRiver();
    const span = lately(Date.now(), dueAfter(built, bovespa)!);
    const sessions = sessionsBetween(span.from, span.to);
    await river.file("1", [record("TESTE3", sessions[230]!, 0)], 1);
    await river.file("2", [record("TESTE3", SESSION, 0)], 1);
    await river.idle();
    await look();
    expect(read("gaps", river.log).at(-1)).toBe(20);
    expect(read("completeness", river.log).at(-1)).toBe(9.09);
    await river.file("3", [record("TESTE3", "2019-03-11", 0)], 1);
    await river.idle();
    await look();
    expect(read("gaps", river.log).at(-1)).toBe(LATELY - 2);
  });

  test("another index than the clock's, in part, of years ago or newer, makes of its day one that lacks, or hides one that does", async () => {
    river = await openRiver();
    /** The file of an index's only paper, that says to have so many. */
    const portfolio = async (indice: string, data: string, origin_rows = 1): Promise<string> => {
      const sha256 = digest(`${indice} ${data}`);
      const origin = { sha256, version: data, scraped_at: instant(Date.now()) };
      // No two indexes of a day have the same total.
      const total = String(1000 + indice.charCodeAt(3));
      const whole: WireRecord = { qtde_teorica: total, part: "100.000", qtde_total: total };
      const records = [{ ...paper(data, indice, "TEST11", whole), origin_rows }];
      const of = messages(carteira, { source: "f.csv", origin }, { subject: "TEST11", records }, digest);
      await send(river!.aws, carteira.name, of, {});
      return sha256;
    };
    const tell = (name: string): number | undefined => read(name, river!.log, carteira.name).at(-1);
    const [newest, last] = sessionsDue(Date.now(), dueAfter(built, carteira)!) as [string, string];
    const standing = async () => {
      await river!.idle();
      await river!.stack.invoke("advance", { datasets: [carteira.name] });
      const { status } = await river!.look();
      return status.datasets.find(({ dataset }) => dataset === carteira.name)!;
    };
    // Of what never came, the newest is missing: the others nobody can bring any more.
    expect((await standing()).looks?.missing).toEqual([newest]);
    expect(["sessions_missing", "gaps"].map(tell)).toEqual([1, 0]);

    await portfolio("SMLL", "2022-03-11");
    await portfolio("IBOV", last);
    const halves = [await portfolio("IBXX", last, 2), await portfolio("IBXL", last, 2)];
    await portfolio("SMLL", newest);
    const told = await standing();
    expect(told.looks?.missing).toEqual([newest]);
    expect(told.session?.last).toBe(last);
    expect(told.partial.map(({ origin, part }) => [origin, part]).sort()).toEqual(
      [
        [halves[0], "IBXX"],
        [halves[1], "IBXL"],
      ].sort(),
    );
    expect(["sessions_missing", "sessions_incomplete", "gaps", "completeness"].map(tell)).toEqual([1, 0, 1, 50]);

    await portfolio("IBOV", newest);
    expect((await standing()).looks?.missing).toEqual([]);
    expect(["sessions_missing", "gaps", "coverage", "tickers"].map(tell)).toEqual([0, 0, 100, 1]);
  });

  test("a run that failed is in no metric: Glue measures none", async () => {
    river = await openRiver({
      engine: async () => {
        throw new Error("the job is broken");
      },
    });
    await river.file("1", [record("TESTE3", SESSION, 0)], 1);
    await river.idle();
    await look();
    expect(read("runs_failed", river.log).length).toBeGreaterThan(0);
    expect(read("job_seconds", river.log).length).toBe(read("runs_failed", river.log).length);
    expect(read("runs_published", river.log)).toEqual([]);
  });

  test("that nothing can be told of the sessions stops the river, or passes for a day without data", async () => {
    river = await openRiver();
    await river.file("1", [record("TESTE3", SESSION, 0)], 1);
    await river.idle();
    const commit = await newestCommit(river.aws, bovespa.name);
    for (const [, { folder, files }] of Object.entries(commit!.tables.bovespa_sessoes!))
      for (const { name } of files) await remove(river.aws, "lake", `${folder}${name}`);
    const before = read("sessions_missing", river.log).length;
    expect(await look()).toMatchObject({ ok: true });
    // Silence rings, after an hour of it.
    expect(read("sessions_missing", river.log).length).toBe(before);
    expect(river.log).toContainEqual(
      expect.objectContaining({
        level: "WARN",
        message: expect.stringMatching(/^what the tables say of the sessions/),
      }),
    );
  });
});
