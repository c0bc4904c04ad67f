import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Batch,
  billOf,
  firehoseBytes,
  jobSeconds,
  type Load,
  packedBytes,
  scannedMegabytes,
  sqsRequests,
  ticks,
  usageOf,
} from "../packages/core/cost.ts";
import { PregaoError } from "../packages/core/errors.ts";
import { AS_OF, dollars, ITEMS, priced, pricesOf, REGIONS } from "../packages/core/prices.ts";
import { type Pace, topology } from "../packages/core/topology.ts";
import { datasets } from "../packages/datasets/index.ts";

const PACES: readonly Pace[] = ["daily", "intraday"];
const batch: Batch = {
  rows: 12_226,
  messages: 12_072,
  messageBytes: 10_000_000,
  sendRequests: 1208,
  recordBytes: 8_500_000,
  originBytes: 368_105,
  rawObjects: 12,
  rawBytes: 1_442_642,
  refinedBytes: 659_960,
  refinedFiles: 5,
};
const load: Load = {
  batch,
  datasets: 1,
  batches: 21,
  months: 1,
  unitMonths: 12,
  queries: 1000,
  jobDpuSeconds: null,
  watch: { alarms: 40, metrics: 22, dashboards: 1 },
  versionDays: 7,
  logDays: 30,
};
const prices = pricesOf("sa-east-1");
const billed = (pace: Pace, of: Load) => billOf(usageOf(topology(datasets, pace), of), prices);
const lineOf = (pace: Pace, of: Load, item: string, name = "") =>
  billed(pace, of).lines.find((l) => l.item === item && l.of.includes(name))!;

describe("steps of AWS's billing", () => {
  test("a record of Firehose is billed in 5 KB steps, so that three of 1 KB cost three steps and one of 3 KB one", () => {
    expect([0, 1, 5120, 5121, 12 * 1024].map(firehoseBytes)).toEqual([0, 5120, 5120, 10_240, 15 * 1024]);
    expect(3 * firehoseBytes(1024)).toBe(3 * firehoseBytes(3 * 1024));
    const one = firehoseBytes(1_024_000);
    expect(one).toBe(1_024_000);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 3_000_000 }), { maxLength: 20 }), (calls) => {
        // What each call would really be billed, record by record.
        const exact = calls.map((n) => Math.floor(n / 1_024_000) * one + firehoseBytes(n % 1_024_000));
        const bytes = calls.reduce((sum, n) => sum + n, 0);
        const most = packedBytes(bytes, calls.length);
        expect(most).toBeGreaterThanOrEqual(exact.reduce((sum, n) => sum + n, 0));
        expect(most - bytes).toBeLessThanOrEqual((calls.length + 1) * 5120);
      }),
    );
  });

  test("a job is billed by the second, a minute at least", () => {
    expect([0, 1, 59.2, 60, 60.1, 3600].map(jobSeconds)).toEqual([60, 60, 60, 60, 61, 3600]);
  });

  test("a query is billed by the megabyte, ten at least", () => {
    const mib = 1024 ** 2;
    expect([0, 1, 10 * mib, 10 * mib + 1, 999.5 * mib].map(scannedMegabytes)).toEqual([10, 10, 10, 11, 1000]);
  });

  test("a call of SQS is a request for each 64 KB", () => {
    expect([0, 1, 65_536, 65_537, 1024 ** 2].map(sqsRequests)).toEqual([1, 1, 1, 2, 16]);
  });
});

describe("prices", () => {
  test("no float: amounts are exact to the millionth where doubles are not", () => {
    // 0.1 + 0.2 as it should be, and a rate whose thirteen digits a double times this count loses.
    expect(priced(3, { usd: "0.1", per: 1 })).toBe(300_000);
    expect(priced(9_007_199_254_740_991, { usd: "0.000000000001", per: 1 })).toBe(9_007_199_255);
    const exact = (count: bigint, digits: bigint, scale: bigint, per: bigint) =>
      (2n * count * digits * 1_000_000n + scale * per) / (2n * scale * per);
    fc.assert(
      fc.property(
        fc.nat(2 ** 40),
        fc.nat(999_999_999),
        fc.nat(12),
        fc.integer({ min: 1, max: 2 ** 40 }),
        (count, n, places, per) => {
          const digits = String(n).padStart(places + 1, "0");
          const usd = places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
          const plain = usd.replace(/^0+(?=\d)/, "");
          const due = exact(BigInt(count), BigInt(n), 10n ** BigInt(places), BigInt(per));
          fc.pre(due < 2n ** 53n);
          expect(BigInt(priced(count, { usd: plain, per }))).toBe(due);
        },
      ),
    );
  });

  test("a count that is no whole number is refused, not rounded", () => {
    for (const count of [-1, 0.5, Number.NaN, 2 ** 53])
      expect(() => priced(count, { usd: "1", per: 1 })).toThrow(RangeError);
    expect(() => priced(2 ** 52, { usd: "9", per: 1 })).toThrow(RangeError);
  });

  test("dollars are written to the last millionth", () => {
    expect([0, 1, 999_999, 1_000_000, 123_456_789].map(dollars)).toEqual([
      "0.000000",
      "0.000001",
      "0.999999",
      "1.000000",
      "123.456789",
    ]);
  });

  test("every region has a price for all that is paid for, a date, and says which are not verified", () => {
    expect(AS_OF).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(REGIONS).toEqual(["sa-east-1", "us-east-1"]);
    for (const region of REGIONS)
      for (const [item, price] of Object.entries(pricesOf(region))) {
        expect([item, Number(price.usd) > 0]).toEqual([item, true]);
        expect(price.usd).toMatch(/^\d+(\.\d+)?$/);
        expect(["quoted", "unverified"]).toContain(price.state);
      }
  });

  test("a file's prices stand over ours, and make any region one that is known", () => {
    expect(pricesOf("sa-east-1", { "glue.jobs": "0.70" })["glue.jobs"]).toMatchObject({ usd: "0.70", state: "given" });
    expect(pricesOf("sa-east-1", { "glue.jobs": "0.70" })["s3.puts"].state).toBe("quoted");
    const all = Object.fromEntries(ITEMS.map((item) => [item, "1"]));
    expect(pricesOf("mars-north-1", all)["kms.keys"].usd).toBe("1");
    for (const [region, file] of [
      ["mars-north-1", undefined],
      ["mars-north-1", { "glue.jobs": "1" }],
      ["sa-east-1", { "glue.job": "1" }],
      ["sa-east-1", { "glue.jobs": 1 }],
      ["sa-east-1", { "glue.jobs": "-1" }],
      ["sa-east-1", { "glue.jobs": "1e3" }],
      ["sa-east-1", []],
      ["sa-east-1", null],
    ] as const)
      expect(() => pricesOf(region, file)).toThrow(PregaoError);
  });
});

describe("the model", () => {
  test("no line is forgotten: every item is used, says what it is of and what moves it, and the total is their sum", () => {
    for (const pace of PACES) {
      const { lines, micros, options } = billed(pace, load);
      expect([...new Set(lines.map((l) => l.item))].sort()).toEqual([...ITEMS].sort());
      for (const { of, knob, count } of lines) {
        expect(of.length * knob.length).toBeGreaterThan(0);
        expect(Number.isSafeInteger(count)).toBe(true);
      }
      expect(micros + options).toBe(lines.reduce((sum, l) => sum + l.micros, 0));
      expect(options).toBe(lines.filter((l) => l.item === "cloudtrail.events").reduce((sum, l) => sum + l.micros, 0));
    }
  });

  test("monotone: more of anything never costs less, line by line", () => {
    const names = Object.keys(batch) as (keyof Batch)[];
    // Objects of 128 KB are tiered: across that threshold a line shrinks while another grows.
    const steady = names.filter((name) => name !== "rawBytes" && name !== "rawObjects");
    const more = (of: Load, by: number, what: string): Load =>
      what in batch
        ? { ...of, batch: { ...of.batch, [what]: of.batch[what as keyof Batch] + by } }
        : { ...of, [what]: (of[what as keyof Load] as number) + by };
    fc.assert(
      fc.property(
        fc.constantFrom(...PACES),
        fc.constantFrom(...steady, "batches", "queries", "versionDays", "logDays", "months"),
        fc.nat(10_000),
        fc.integer({ min: 1, max: 30 }),
        (pace, what, by, months) => {
          const base = { ...load, months };
          const [less, most] = [billed(pace, base), billed(pace, more(base, what === "months" ? by % 24 : by, what))];
          for (const [at, line] of less.lines.entries())
            expect(most.lines[at]!.micros, line.of).toBeGreaterThanOrEqual(line.micros);
        },
      ),
    );
  });

  test("months add up: what does not age is a multiple, what is stored is more than one", () => {
    const [one, twelve] = [1, 12].map((months) => billed("daily", { ...load, months }));
    for (const [at, line] of one!.lines.entries()) {
      const year = twelve!.lines[at]!;
      if (line.item === "logs.storage") continue;
      if (line.item.startsWith("s3.") && !/puts|gets/.test(line.item))
        expect(year.count).toBeGreaterThanOrEqual(12 * line.count);
      // One rounding up of a year, twelve of months.
      else expect(12 * line.count - year.count, line.of).toSatisfy((n: number) => n >= 0 && n < 12);
    }
  });

  test("what is billed a month at a time does not grow with the rows", () => {
    const large = { ...load, batch: { ...batch, rows: 10 * batch.rows, messages: 10 * batch.messages } };
    for (const item of [
      "kms.keys",
      "cloudwatch.alarms",
      "cloudwatch.metrics",
      "cloudwatch.dashboards",
      "scheduler.invocations",
    ])
      expect(lineOf("daily", large, item).count).toBe(lineOf("daily", load, item).count);
  });

  test("a run costs a minute of two workers at least, and what Glue told of it where it told", () => {
    expect(lineOf("daily", load, "glue.jobs")).toMatchObject({ count: 21 * 2 * 90, basis: "assumed" });
    expect(lineOf("daily", { ...load, jobDpuSeconds: 300 }, "glue.jobs")).toMatchObject({
      count: 21 * 300,
      basis: "measured",
    });
    for (const told of [0, 7])
      expect(lineOf("daily", { ...load, jobDpuSeconds: told }, "glue.jobs")).toMatchObject({
        count: 21 * 60,
        basis: "measured",
      });
  });

  test("a log line is paid for as long as it is kept, not for a month", () => {
    const kept = (months: number, logDays: number) =>
      lineOf("daily", { ...load, months, logDays }, "logs.storage").count / lineOf("daily", load, "logs.storage").count;
    // A month's for each month that keeps them: 1 + 2 + … + 12, and from then on no more than the days are.
    for (const [months, days, times] of [
      [12, 30, 12],
      [12, 60, 23],
      [1, 365, 1],
      [12, 365, 78],
      [24, 365, 78 + (12 * 365) / 30],
    ] as const)
      expect(kept(months, days)).toBeCloseTo(times, 3);
  });

  test("two datasets have two runs a batch, each of its own files", () => {
    const twice = Object.fromEntries(Object.entries(batch).map(([name, n]) => [name, 2 * n])) as Batch;
    const two = { ...load, datasets: 2, batch: twice };
    expect(lineOf("daily", two, "glue.jobs").count).toBe(2 * lineOf("daily", load, "glue.jobs").count);
    const [one, both] = [load, two].map((of) => lineOf("daily", of, "s3.frequent", "superseded").count);
    expect(Math.abs(both! / one! - 2)).toBeLessThan(0.01);
  });

  test("a query costs ten megabytes at least, however few rows there are", () => {
    const nothing = { ...load, batch: { ...batch, refinedBytes: 0 } };
    expect(lineOf("daily", nothing, "athena.scanned").count).toBe(1000 * 10);
  });

  test("snapshots cost more than a batch a day: the runs, not the messages, are what tells", () => {
    const daily = billed("daily", load);
    const intraday = billed("intraday", { ...load, batches: 21 * 42 });
    expect(intraday.micros).toBeGreaterThan(3 * daily.micros);
    const dearest = [...intraday.lines].sort((a, b) => b.micros - a.micros)[0]!;
    expect(dearest.item).toBe("glue.jobs");
  });

  test("a clock's ticks are counted from its cron", () => {
    expect(ticks("*/15 * * * *")).toBe(4 * 24 * 30);
    expect(ticks("0 6 * * SUN")).toBe(5);
    expect(ticks("30 6 * * *")).toBe(30);
    expect(ticks("0,30 19-23 * * MON-FRI")).toBe(2 * 5 * 22);
    for (const { cron } of topology(datasets, "daily").clocks) expect(ticks(cron)).toBeGreaterThan(0);
  });
});
