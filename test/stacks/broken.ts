/**
 * Breaks one guard of stacks/ at a time, runs the graph tests, and shows which of them failed. Ends with 1 if a break
 * goes unnoticed, or is noticed by tests none of which speaks of the guard.
 *
 *   node test/stacks/broken.ts [guard…]
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Break } from "./evaluate.ts";
import { root } from "./places.ts";

/** `says`: what the name of a failing test must hold. */
type Broken = Break & { guard: string; suite: string; says: RegExp };

const all: Broken[] = [
  {
    guard: "a queue without its dead-letter queue",
    ...{ file: "stacks/queues.ts", from: "...(spec.deadLetter && {", to: "...(spec.deadLetter && false && {" },
    ...{ suite: "queues", says: /dead.?letter|DLQ/i },
  },
  {
    guard: "a queue in the clear",
    ...{ file: "stacks/queues.ts", from: "kmsMasterKeyId: stores.key.arn,", to: "" },
    ...{ suite: "queues", says: /encrypt|key/i },
  },
  {
    guard: "a mapping without partial responses",
    ...{ file: "stacks/mappings.ts", from: 'functionResponseTypes: ["ReportBatchItemFailures"],', to: "" },
    ...{ suite: "consume", says: /ReportBatchItemFailures|partial/i },
  },
  {
    guard: "a mapping that polls without bound",
    ...{ file: "stacks/mappings.ts", from: "scalingConfig: { maximumConcurrency: concurrency },", to: "" },
    ...{ suite: "consume", says: /concurren/i },
  },
  {
    guard: "a stream without an error prefix",
    ...{ file: "stacks/consume.ts", from: "errorOutputPrefix: errors,", to: "" },
    ...{ suite: "consume", says: /cannot be converted/ },
  },
  {
    guard: "a stream that converts by another table",
    ...{ file: "stacks/consume.ts", from: "tableName: table,", to: 'tableName: "outra",' },
    ...{ suite: "consume", says: /table/i },
  },
  {
    guard: "bells for every object of the lake",
    ...{ file: "stacks/notices.ts", from: "filterPrefix: prefix, filterSuffix: suffix }]", to: "}]" },
    ...{ suite: "refine", says: /filter|notif|loop/i },
  },
  {
    guard: "a bucket that may be public",
    ...{ file: "stacks/bucket.ts", from: "blockPublicPolicy: true,", to: "blockPublicPolicy: false," },
    ...{ suite: "lake", says: /public/i },
  },
  {
    guard: "a bucket over plain HTTP",
    ...{ file: "stacks/policy.ts", from: '"aws:SecureTransport": "false"', to: '"aws:SecureTransport": "true"' },
    ...{ suite: "lake", says: /plain|http/i },
  },
  {
    guard: "data that expires by age",
    ...{ file: "stacks/lake.ts", from: 'origin: [tiered("")],', to: 'origin: [{ ...goes(""), id: "old" }],' },
    ...{ suite: "lake", says: /by its age/ },
  },
  {
    guard: "logs for ever",
    ...{
      file: "stacks/logs.ts",
      from: "retentionInDays: river.production ? RETENTION_DAYS.production : RETENTION_DAYS.other,",
      to: "",
    },
    ...{ suite: "functions", says: /log|retention/i },
  },
  {
    guard: "an action with a wildcard",
    ...{ file: "stacks/permissions.ts", from: 'actions: ["firehose:PutRecordBatch"]', to: 'actions: ["firehose:*"]' },
    ...{ suite: "permissions", says: /wildcard/i },
  },
  {
    guard: "two runs of a job at once",
    ...{ file: "stacks/refine.ts", from: "maxConcurrentRuns: concurrent", to: "maxConcurrentRuns: 3" },
    ...{ suite: "refine", says: /concurrent|once|MaxConcurrentRuns/i },
  },
  {
    guard: "a function that does not know its stage",
    ...{ file: "stacks/functions.ts", from: "variables: variables(river)", to: "variables: {}" },
    ...{ suite: "functions", says: /environment|reads/i },
  },
  {
    guard: "production that goes with its stage",
    ...{ file: "sst.config.ts", from: 'protect: stage === "production",', to: "protect: false," },
    ...{ suite: "stages", says: /production/i },
  },
  {
    guard: "stages that share names",
    ...{
      file: "stacks/river.ts",
      from: "name: (logical) => resource(stage, logical),",
      to: "name: (logical) => logical,",
    },
    ...{ suite: "stages", says: /collide/i },
  },
  {
    guard: "an alarm that tells nobody",
    ...{ file: "stacks/watch.ts", from: "alarmActions: [action],", to: "" },
    ...{ suite: "watch", says: /action|told|tells/i },
  },
  {
    guard: "production's logs that go with it",
    ...{ file: "stacks/logs.ts", from: "retainOnDelete: river.production", to: "retainOnDelete: false" },
    ...{ suite: "functions", says: /goes/ },
  },
  {
    guard: "a key without its alias",
    ...{
      file: "stacks/key.ts",
      from: "return { arn: $util.all([key.arn, alias.id])",
      to: "return { arn: $util.all([key.arn])",
    },
    ...{ suite: "key", says: /before its alias/ },
  },
  {
    guard: "a key whose name goes before it",
    ...{ file: "stacks/key.ts", from: "targetKeyId: key.keyId }, keep)", to: "targetKeyId: key.keyId })" },
    ...{ suite: "key", says: /goes with the stage/ },
  },
  {
    guard: "a script that goes while a run starts",
    ...{ file: "stacks/refine.ts", from: "dependsOn: guards, retainOnDelete: true", to: "dependsOn: guards" },
    ...{ suite: "refine", says: /later deployment/ },
  },
  {
    guard: "a removal that stops at a history",
    ...{ file: "stacks/query.ts", from: "forceDestroy: true,", to: "forceDestroy: !river.production," },
    ...{ suite: "query", says: /history/ },
  },
  {
    guard: "a deployment that undoes what was chosen",
    ...{
      file: "stacks/river.ts",
      from: "settingsFrom(process.env, name, before)",
      to: "settingsFrom(process.env, name)",
    },
    ...{ suite: "stages", says: /defaults/ },
  },
  {
    guard: "a stage in two regions",
    ...{ file: "stacks/river.ts", from: "if (home && home !== region)", to: "if (false)" },
    ...{ suite: "stages", says: /another region/ },
  },
  {
    guard: "a refusal that is taken for a new stage",
    ...{ file: "stacks/recorded.ts", from: "if (MISSING.test(String(error))) return null;", to: "return null;" },
    ...{ suite: "stages", says: /new stage/ },
  },
  {
    guard: "queries without a bound",
    ...{ file: "stacks/query.ts", from: "bytesScannedCutoffPerQuery: SCANNED_BYTES,", to: "" },
    ...{ suite: "query", says: /without end/ },
  },
];

type Report = { testResults: { assertionResults: { status: string; fullName: string }[] }[] };

/** Names of the tests that fail with the guard broken. */
const failing = ({ file, from, to, suite }: Broken): string[] => {
  const dir = mkdtempSync(join(tmpdir(), "pregao-broken-"));
  try {
    const report = join(dir, "report.json");
    const config = join(root, "vitest.stacks.config.ts");
    spawnSync(
      process.execPath,
      [
        join(root, "node_modules/vitest/vitest.mjs"),
        ...["run", "--config", config, join(root, `test/stacks/${suite}.stacks.ts`)],
        ...["--reporter=json", `--outputFile=${report}`],
      ],
      { cwd: root, stdio: "ignore", env: { ...process.env, STACKS_BREAK: JSON.stringify({ file, from, to }) } },
    );
    const { testResults } = JSON.parse(readFileSync(report, "utf8")) as Report;
    return testResults
      .flatMap((suite) => suite.assertionResults)
      .filter(({ status }) => status === "failed")
      .map(({ fullName }) => fullName);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
};

const wanted = process.argv.slice(2);
let unnoticed = 0;
for (const one of all.filter(({ guard }) => wanted.length === 0 || wanted.some((word) => guard.includes(word)))) {
  const failed = failing(one);
  const named = failed.filter((name) => one.says.test(name));
  if (named.length === 0) unnoticed++;
  console.log(`${named.length > 0 ? "noticed  " : "UNNOTICED"} ${one.guard}`);
  for (const name of named.length > 0 ? named.slice(0, 2) : failed.slice(0, 5)) console.log(`            ${name}`);
}
process.exitCode = unnoticed > 0 ? 1 : 0;
