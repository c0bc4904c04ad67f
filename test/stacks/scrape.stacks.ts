import { Cron } from "croner";
import { beforeAll, describe, expect, test } from "vitest";
import { scheduleExpression } from "../../packages/core/cron.ts";
import { EVENTS, TICKS } from "../../packages/core/topology.ts";
import { catalogueOf } from "../../packages/datasets/index.ts";
import { type Declared, declared } from "./declared.ts";

type Schedule = {
  name: string;
  scheduleExpression: string;
  scheduleExpressionTimezone: string;
  flexibleTimeWindow: { mode: string };
  target: {
    arn: string;
    roleArn: string;
    input: string;
    retryPolicy: { maximumRetryAttempts: number; maximumEventAgeInSeconds: number };
    deadLetterConfig: { arn: string };
  };
};

let river: Declared;
let schedules: Schedule[];
beforeAll(async () => {
  river = await declared();
  schedules = river.graph.of("aws:scheduler/schedule:Schedule").map(({ inputs }) => inputs as unknown as Schedule);
});
const arnOf = (kind: string, name: string) => `arn:aws:${kind}:${river.stage.region}:${river.stage.account}:${name}`;

describe("what looks again by the clock", () => {
  test("a clock of the topology is not wound, or one that nobody declared is", () => {
    const shown = schedules.map(({ name, scheduleExpressionTimezone: zone, scheduleExpression, target }) => ({
      ...{ name, zone, at: scheduleExpression, to: target.arn, input: JSON.parse(target.input) as unknown },
    }));
    const wanted = river.topology.clocks.map((clock) => ({
      ...{ name: river.name(clock.name), zone: clock.zone, at: scheduleExpression(clock.cron), input: clock.input },
      to: arnOf("lambda", `function:${river.name(clock.function)}`),
    }));
    const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
    expect(shown.toSorted(byName)).toEqual(wanted.toSorted(byName));
  });

  test("what is pending waits for longer than its quarter of an hour, should its bell be lost", () => {
    const often = schedules.filter(({ name }) => ["advance", "salvage"].map(river.name).includes(name));
    expect(often.map((one) => [one.scheduleExpression, one.flexibleTimeWindow.mode])).toEqual([
      ["cron(0/15 * * * ? *)", "OFF"],
      ["cron(0/15 * * * ? *)", "OFF"],
    ]);
  });

  test("a tick that cannot be handed over vanishes: no retries, no dead-letter queue, or one that forgets", () => {
    const box = river.graph.one("aws:sqs/queue:Queue", ({ name }) => name === river.name(TICKS.failed));
    expect(box.inputs.messageRetentionSeconds).toBe(14 * 24 * 3600);
    for (const { target } of schedules) {
      expect(target.deadLetterConfig.arn).toBe(arnOf("sqs", river.name(TICKS.failed)));
      expect(target.retryPolicy).toEqual({ maximumRetryAttempts: TICKS.retries, maximumEventAgeInSeconds: TICKS.age });
      expect(target.roleArn).toBe(`arn:aws:iam::${river.stage.account}:role/${river.name("clock")}`);
    }
  });

  test("an event that nobody waits for is tried for hours on end, or given up unseen", () => {
    const { clocks, notices, functions } = river.topology;
    const called = new Set([
      ...clocks.map((clock) => clock.function),
      ...notices.flatMap(({ to }) => ("function" in to ? [to.function] : [])),
    ]);
    const configs = river.graph.of("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig");
    expect(new Set(configs.map(({ inputs }) => inputs.functionName))).toEqual(new Set([...called].map(river.name)));
    for (const { inputs } of configs) {
      expect(inputs).toMatchObject({
        maximumRetryAttempts: EVENTS.retries,
        maximumEventAgeInSeconds: EVENTS.age,
      });
      const { failed } = functions.find(({ name }) => river.name(name) === inputs.functionName)!;
      const wanted = failed ? { onFailure: { destination: arnOf("sqs", river.name(failed)) } } : undefined;
      expect(inputs.destinationConfig).toEqual(wanted);
    }
    expect(functions.filter(({ failed }) => failed).map(({ name }) => name)).toContain("scrape");
  });
});

describe("what is scraped by the clock", () => {
  const looks = () => schedules.filter(({ name }) => name.startsWith(river.name("scrape-")));
  const inputOf = ({ target }: Schedule) => JSON.parse(target.input) as { dataset: string; last?: true };
  const byDataset = () => Object.entries(Object.groupBy(looks(), (one) => inputOf(one).dataset));
  const currentAlone = () =>
    new Set(catalogueOf(river.stage).flatMap(({ name, raw }) => (raw?.publication?.history === 0 ? [name] : [])));
  const minuteOf = ({ hour, minute }: { hour: number; minute: number }) => 60 * hour + minute;

  test("a session is looked for by another city's clock, before it is over, at a weekend, or only once", () => {
    expect(byDataset()).not.toEqual([]);
    for (const [dataset, all] of byDataset()) {
      const times = all!.flatMap((one) => week(one.scheduleExpression));
      expect(times.length, dataset).toBeGreaterThanOrEqual(2 * 5);
      // What an origin has of the current day alone, is looked for while that is today.
      const [from, to] = currentAlone().has(dataset) ? [9, 19] : [19, 24];
      for (const { hour } of times) expect(hour >= from && hour < to, `${dataset} at ${hour}`).toBe(true);
      expect(new Set(times.map(({ weekday }) => weekday)), dataset).toEqual(new Set([1, 2, 3, 4, 5]));
      for (const one of all!) expect(one.scheduleExpressionTimezone).toBe("America/Sao_Paulo");
    }
  });

  test("nobody says that a session's file never came: the last look of every day does", () => {
    for (const [dataset, all] of byDataset()) {
      const [last, ...more] = all!.filter((one) => inputOf(one).last);
      expect(more, dataset).toEqual([]);
      const end = Math.max(...all!.flatMap((one) => week(one.scheduleExpression).map(minuteOf)));
      const days = week(last!.scheduleExpression).filter((time) => minuteOf(time) === end);
      expect(new Set(days.map(({ weekday }) => weekday)).size, dataset).toBe(5);
    }
  });
});

/** What EventBridge Scheduler's guide says of a field: lists, ranges and steps from a start. */
const matches = (field: string, value: number, names: readonly string[] = []): boolean =>
  field.split(",").some((part) => {
    const [range, step] = part.split("/") as [string, string | undefined];
    if (range === "*" || range === "?") return true;
    const [from, to = step ? 1000 : undefined] = range
      .split("-")
      .map((n) => (names.includes(n) ? names.indexOf(n) : Number(n)));
    return value >= from! && value <= (to ?? from!) && (value - from!) % Number(step ?? 1) === 0;
  });

const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/** Every minute of so many days in which AWS's expression ticks, in its own zone. */
const ticks = (aws: string, days = 31): Date[] => {
  const fields = /^cron\((.*)\)$/.exec(aws)![1]!.split(" ");
  const [minute, hour, day, month, weekday] = fields.map((field, at) =>
    Array.from({ length: 60 }, (_, value) => matches(field, value, at === 4 ? WEEKDAYS : [])),
  );
  expect(fields[5]).toBe("*");
  const found: Date[] = [];
  for (let at = Date.UTC(2027, 2, 1); at < Date.UTC(2027, 2, 1 + days); at += 60_000) {
    const d = new Date(at);
    const time = minute![d.getUTCMinutes()] && hour![d.getUTCHours()];
    if (time && day![d.getUTCDate()] && month![d.getUTCMonth() + 1] && weekday![d.getUTCDay()]) found.push(d);
  }
  return found;
};
const week = (aws: string) =>
  ticks(aws, 7).map((d) => ({ hour: d.getUTCHours(), minute: d.getUTCMinutes(), weekday: d.getUTCDay() }));

describe("a cron of five fields in AWS's words", () => {
  test.each([
    "*/15 * * * *",
    "0 6 * * SUN",
    "0 6 * * 0",
    "0 6 * * 7",
    "30 6 * * *",
    "45 20-22 * * MON-FRI",
    "45 20-22 * * 1-5",
    "5,35 9 * * 1,3,SAT",
    "0 12 1 * *",
    "0 12 1,15 3,4 *",
    "3-59/7 */2 * * *",
  ])("%s ticks when the laptop's clock does", (cron) => {
    const awss = ticks(scheduleExpression(cron));
    const clock = new Cron(cron, { timezone: "UTC", paused: true });
    const [next, ...runs] = clock.nextRuns(awss.length + 1, new Date(Date.UTC(2027, 2, 1) - 1)).toReversed();
    expect(awss).toEqual(runs.toReversed());
    expect(next!.getTime()).toBeGreaterThanOrEqual(Date.UTC(2027, 3, 1));
    expect(awss).not.toEqual([]);
  });

  test("one of the two days is a question mark, always: AWS refuses both and neither", () => {
    for (const { scheduleExpression } of schedules) {
      const fields = scheduleExpression.slice("cron(".length, -1).split(" ");
      expect(fields).toHaveLength(6);
      expect(fields.filter((field) => field === "?")).toHaveLength(1);
      expect([fields[2], fields[4]]).toContain("?");
    }
  });

  test.each(["* * * *", "0 0 * * * *", "0 6 1 * MON", "0 6 */2 * *", "0 6 * * */2"])(
    "%s, which AWS cannot say, is said otherwise",
    (cron) => {
      expect(() => scheduleExpression(cron)).toThrow("expected");
    },
  );
});
