import { Command } from "commander";
import { describe, expect, test } from "vitest";
import { everywhere, lineOf } from "../packages/cli/line.ts";
import { limitsOf } from "../packages/cli/status/stuck.ts";
import { answerVerbs } from "../packages/cli/verbs-answers.ts";
import { letterVerbs } from "../packages/cli/verbs-letters.ts";
import { riverVerbs } from "../packages/cli/verbs-river.ts";
import { runVerbs } from "../packages/cli/verbs-runs.ts";
import { RETRY_AFTER_MS } from "../packages/core/advance.ts";
import { alarmName, alarms, descriptionOf } from "../packages/core/alarms.ts";
import { dashboardBody } from "../packages/core/dashboard.ts";
import { logMetrics, namespaceOf, patternOf, watchedSessions } from "../packages/core/metrics.ts";
import { bucket, resource, type Stage, workgroup } from "../packages/core/stage.ts";
import { GLUE, topology } from "../packages/core/topology.ts";
import { catalogueOf } from "../packages/datasets/index.ts";
import { silent } from "./place.ts";

const stageAt = (pace: Stage["pace"]): Stage => ({
  ...{ name: "dev", account: "123456789012", region: "sa-east-1", pace },
  layouts: {},
});

/** The program as `pregao` builds it, so that a command is tried and not compared with a list. */
const program = (): Command => {
  const made = new Command("pregao").exitOverride().enablePositionalOptions();
  const line = lineOf(made, silent());
  for (const verbs of [riverVerbs, letterVerbs, answerVerbs, runVerbs]) verbs(line);
  return everywhere(made);
};

const named = (parent: Command, word: string | undefined): Command | undefined =>
  parent.commands.find((c) => c.name() === word);

/** Why a command line would be refused; null if it would be run. */
const refusal = (root: Command, command: string): string | null => {
  const words = command.split(" ");
  if (words.shift() !== "pregao") return "not a command of pregao";
  let at = root;
  for (let next = named(at, words[0]); next; next = named(at, words[0])) {
    at = next;
    words.shift();
  }
  if (at.commands.length > 0) return `no verb: ${command}`;
  const given: string[] = [];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (!word.startsWith("-")) {
      given.push(word);
      continue;
    }
    const option = at.options.find((o) => o.long === word);
    if (!option) return `${at.name()} has no option ${word}`;
    if (option.required) words.shift();
  }
  const least = at.registeredArguments.filter((a) => a.required).length;
  return given.length < least || given.length > at.registeredArguments.length
    ? `${at.name()} takes ${least} to ${at.registeredArguments.length} arguments, came ${given.length}`
    : null;
};

describe.each(["daily", "intraday"] as const)("alarms at the pace %s", (pace) => {
  const stage = stageAt(pace);
  const datasets = catalogueOf(stage);
  const built = topology(datasets, pace);
  const all = alarms(built, datasets, stage);
  const on = (metric: string, dimensions: Record<string, string>) =>
    all.filter((a) => a.metric.name === metric && JSON.stringify(a.metric.dimensions) === JSON.stringify(dimensions));

  test("a function fails, is throttled, or says what a person must see to, and nobody notices", () => {
    for (const { name } of built.functions) {
      const FunctionName = resource(stage, name);
      for (const metric of ["Errors", "Throttles"]) expect(on(metric, { FunctionName })).toHaveLength(1);
      expect(all.filter((a) => a.metric.name === `errors_${name}`)).toMatchObject([{ severity: "critical", above: 0 }]);
      const async =
        built.clocks.some((c) => c.function === name) ||
        built.notices.some(({ to }) => "function" in to && to.function === name);
      expect(on("AsyncEventsDropped", { FunctionName })).toHaveLength(async ? 1 : 0);
    }
  });

  test("an event that no clock repeats is lost, and it is not critical", () => {
    expect(built.functions.some((f) => f.failed)).toBe(true);
    for (const { name, failed } of built.functions)
      expect(on("DestinationDeliveryFailures", { FunctionName: resource(stage, name) })).toMatchObject(
        failed ? [{ severity: "critical", above: 0 }] : [],
      );
  });

  test("a function that is called a few times a day must fail in a row to be noticed", () => {
    for (const { metric, periods } of all.filter((a) => a.metric.namespace === "AWS/Lambda"))
      expect([metric.name, periods]).toEqual([metric.name, 1]);
  });

  test("a queue that is read has messages that wait for longer than status allows, and nobody notices", () => {
    const limits = limitsOf(built).message;
    for (const { queue } of built.mappings) {
      const [alarm, ...more] = on("ApproximateAgeOfOldestMessage", { QueueName: resource(stage, queue) });
      expect(more).toEqual([]);
      expect(alarm).toMatchObject({ severity: "critical", above: limits[queue]! / 1000 });
    }
  });

  test("a queue that only people read holds something, and nobody notices; rows can wait, objects and days cannot", () => {
    const letters = built.queues.filter((q) => !built.mappings.some((m) => m.queue === q.name));
    expect(letters.length).toBeGreaterThanOrEqual(built.mappings.length);
    for (const { name } of letters) {
      const [alarm, ...more] = on("ApproximateNumberOfMessagesVisible", { QueueName: resource(stage, name) });
      expect(more).toEqual([]);
      expect(alarm).toMatchObject({ above: 0, periods: 1 });
      expect(alarm?.severity).toBe(built.streams.some((s) => `${s.name}-dlq` === name) ? "other" : "critical");
    }
  });

  test("a stream does not deliver, or cannot convert, and nobody notices; its own buffer is no trouble", () => {
    const limits = limitsOf(built).record;
    for (const { name, seconds } of built.streams) {
      const DeliveryStreamName = resource(stage, name);
      const [late] = on("DeliveryToS3.DataFreshness", { DeliveryStreamName });
      expect(late).toMatchObject({ severity: "critical", above: limits[name]! / 1000 });
      expect(late!.above).toBeGreaterThan(seconds);
      // What is not delivered in a day is lost.
      expect(late!.above + late!.period * late!.periods).toBeLessThan(86_400 / 4);
      expect(on("FailedConversion.Records", { DeliveryStreamName })).toMatchObject([{ above: 0 }]);
    }
  });

  test("a job fails, is broken, is slow or costs, and nobody notices", () => {
    for (const { dataset, timeoutMinutes } of built.jobs) {
      const failed = on("runs_failed", { dataset });
      expect(failed.map((a) => a.severity).sort()).toEqual(["critical", "other"]);
      // A broken job is tried again every hour, at the next tick: two looks or more in each span.
      const [broken] = failed.filter((a) => a.severity === "critical");
      expect(broken!.period).toBeGreaterThanOrEqual(2 * (RETRY_AFTER_MS / 1000 + 900));
      expect(broken!.periods).toBeGreaterThan(1);
      const [slow] = on("job_seconds", { dataset });
      expect(slow!.above).toBeLessThan(timeoutMinutes * 60);
      const [dear] = on("dpu_seconds", { dataset });
      expect(dear).toMatchObject({ statistic: "Sum", period: 86_400 });
      // One run that takes all its time does not ring, a job that never rests does.
      expect(dear!.above).toBeGreaterThan(GLUE.workers * timeoutMinutes * 60);
      expect(dear!.above).toBeLessThan(GLUE.workers * 86_400);
    }
  });

  test("a trading day brings no data, and nobody notices; nor that nobody looks any more", () => {
    const told = watchedSessions(built, datasets);
    expect(told.map((d) => d.name)).toEqual(datasets.filter((d) => d.raw?.schedule).map((d) => d.name));
    expect(told.length).toBeGreaterThan(0);
    for (const { name } of told)
      expect(on("sessions_missing", { dataset: name })).toMatchObject([
        { severity: "critical", silence: "ill", above: 0, statistic: "Maximum" },
      ]);
  });

  test("a gap that is older than the last sessions is noticed by nobody, or rings while it is being filled", () => {
    for (const { name } of watchedSessions(built, datasets)) {
      const [alarm, ...more] = on("gaps", { dataset: name });
      expect(more).toEqual([]);
      expect(alarm).toMatchObject({ severity: "other", silence: "well", above: 0, statistic: "Maximum" });
      expect(alarm!.period * alarm!.periods).toBe(86_400);
      expect(alarm!.command).toBe(`pregao gaps ${name} --stage dev`);
    }
  });

  test("silence of what is quiet when all is well rings", () => {
    expect(all.filter((a) => a.silence === "ill").map((a) => a.metric.name)).toEqual(
      watchedSessions(built, datasets).map(() => "sessions_missing"),
    );
  });

  test("two alarms have one name", () => {
    const names = all.map((a) => alarmName(stage, a));
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^pregao-dev-[\w.-]{1,200}$/);
  });

  test("an alarm says what is wrong and a command that there is, of its own stage", () => {
    const root = program();
    for (const alarm of all) {
      expect(descriptionOf(alarm)).toMatch(/^\S.*[^.]\. Next: pregao .* --stage dev$/);
      // CloudWatch's limit (API reference: PutMetricAlarm).
      expect(descriptionOf(alarm).length).toBeLessThanOrEqual(1024);
    }
    expect([...new Set(all.map((a) => refusal(root, a.command)).filter((why) => why !== null))]).toEqual([]);
  });

  test("CloudWatch would refuse an alarm: a period that is none, or more than a day of them", () => {
    for (const { period, periods } of all) {
      expect(period % 60).toBe(0);
      // API reference, PutMetricAlarm: at most a day, or a week of hours and more.
      expect(period * periods).toBeLessThanOrEqual(period >= 3600 ? 7 * 86_400 : 86_400);
    }
  });

  test("an alarm or a widget is about a metric of ours that no log line has", () => {
    const known = new Map(logMetrics(built).map((m) => [m.name, m.byDataset]));
    for (const { metric } of all.filter((a) => a.metric.namespace === namespaceOf(stage)))
      expect([metric.name, known.get(metric.name)]).toEqual([metric.name, "dataset" in metric.dimensions]);
  });
});

describe("the dashboard", () => {
  const stage = stageAt("daily");
  const datasets = catalogueOf(stage);
  const built = topology(datasets, "daily");
  type Shown = {
    type: string;
    x: number;
    y: number;
    width: number;
    height: number;
    properties: Record<string, unknown>;
  };
  const { widgets } = dashboardBody(built, datasets, stage) as { widgets: Shown[] };
  const lines = widgets.flatMap((w) => ((w.properties.metrics ?? []) as unknown[][]).map((line) => ({ w, line })));

  test("it shows what is not in the topology, or of another stage", () => {
    const physical = new Set([
      ...[...built.functions, ...built.queues, ...built.streams, ...built.jobs].map(({ name }) =>
        resource(stage, name),
      ),
      ...datasets.map((d) => d.name),
    ]);
    const known = new Set(logMetrics(built).map((m) => m.name));
    const metrics = lines.filter(({ line }) => typeof line[0] === "string");
    expect(metrics.length).toBeGreaterThan(30);
    for (const { line } of metrics) {
      const [namespace, name, , value] = line as string[];
      expect(physical).toContain(value);
      if (namespace === namespaceOf(stage)) expect(known).toContain(name);
    }
  });

  test("a widget computes of what it does not have", () => {
    for (const widget of widgets.filter((w) => w.type === "metric")) {
      const own = (widget.properties.metrics as unknown[][]).map((line) => line.at(-1) as Record<string, string>);
      const ids = own.flatMap(({ id }) => (id ? [id] : []));
      expect(new Set(ids).size).toBe(ids.length);
      for (const id of ids) expect(id).toMatch(/^[a-z]\w*$/);
      for (const { expression } of own.filter((o) => o.expression && !o.expression.includes("SEARCH")))
        for (const [name] of expression!.matchAll(/\b[a-z]+\d+\b/g)) expect(ids).toContain(name);
    }
  });

  test("what is searched for is the stage's own bucket or workgroup", () => {
    const searched = lines.flatMap(({ line }) => {
      const { expression } = line[0] as { expression?: string };
      return expression?.includes("SEARCH") ? [expression] : [];
    });
    const own = [...built.buckets.map((name) => bucket(stage, name)), workgroup(stage), workgroup(stage, "analyst")];
    for (const name of own) expect(searched.some((s) => s.includes(`"${name}"`))).toBe(true);
    expect(searched).toHaveLength(own.length);
  });

  test("the business asks for tickers, coverage, latency and quality, and finds no such line", () => {
    const shown = new Set(lines.map(({ line }) => String(line[1])));
    for (const name of [
      "tickers",
      "coverage",
      "completeness",
      "latency",
      "doubtful",
      "records_refused",
      "sessions_missing",
    ])
      expect(shown).toContain(name);
  });

  test("a metric is paid for, and neither an alarm nor a widget is about it", () => {
    const used = new Set([
      ...alarms(built, datasets, stage).map((a) => a.metric.name),
      ...lines.map(({ line }) => String(line[1])),
    ]);
    expect(
      logMetrics(built)
        .map((m) => m.name)
        .filter((name) => !used.has(name)),
    ).toEqual([]);
  });

  test("every alarm is on it, and no two widgets lie on each other", () => {
    const shown = widgets.filter((w) => w.type === "alarm").flatMap((w) => w.properties.alarms as string[]);
    expect(shown.sort()).toEqual(
      alarms(built, datasets, stage)
        .map((a) => `arn:aws:cloudwatch:sa-east-1:123456789012:alarm:${alarmName(stage, a)}`)
        .sort(),
    );
    // CloudWatch's own limit of alarms in a widget (Dashboard body structure: alarm widget).
    for (const w of widgets.filter((one) => one.type === "alarm"))
      expect((w.properties.alarms as string[]).length).toBeLessThanOrEqual(100);
    const cells = widgets.flatMap(({ x, y, width, height }) =>
      Array.from({ length: width * height }, (_, at) => `${x + (at % width)},${y + Math.floor(at / width)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...widgets.map(({ x, width }) => x + width))).toBe(24);
  });
});

test("a filter matches what CloudWatch's syntax does not say", () => {
  const built = topology(catalogueOf(stageAt("daily")), "daily");
  const patterns = Object.fromEntries(logMetrics(built).map((m) => [m.name, patternOf(m)]));
  expect(patterns).toMatchObject({
    errors_advance: '{ $.level = "ERROR" }',
    runs_failed: '{ ($.message = "run failed") && ($.metadata.dataset = *) }',
    rows_judged: '{ ($.message = "batch judged") && ($.metadata.rows >= 0) && ($.metadata.dataset = *) }',
    rows_refined: '{ ($.message = "run published") && ($.metadata.rows.new >= 0) && ($.metadata.dataset = *) }',
    dpu_seconds:
      '{ (($.message = "run published") || ($.message = "run failed") || ($.message = "run held")) && ($.metadata.dpuSeconds >= 0) && ($.metadata.dataset = *) }',
  });
});
