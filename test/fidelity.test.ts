import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { laptop } from "../packages/core/stage.ts";
import { topology } from "../packages/core/topology.ts";
import { athena } from "../packages/local/athena/index.ts";
import { cloudControl } from "../packages/local/cloudcontrol/index.ts";
import { cloudwatch } from "../packages/local/cloudwatch/index.ts";
import { firehose } from "../packages/local/firehose/index.ts";
import { glue } from "../packages/local/glue/index.ts";
import { logs } from "../packages/local/logs/index.ts";
import { s3 } from "../packages/local/s3/index.ts";
import { sqs } from "../packages/local/sqs/index.ts";
import { ssm } from "../packages/local/ssm/index.ts";
import { openState } from "../packages/local/state.ts";
import { translate } from "../packages/trino/index.ts";
import { cases } from "./engines/conformance/cases/index.ts";

const root = resolve(import.meta.dirname, "..");
const page = readFileSync(join(root, "docs/fidelity.md"), "utf8");
const path = (name: string) => (name.startsWith("test/") ? join(root, name) : join(root, "test/local", name));
const testsIn = (text: string) => [...text.matchAll(/`([\w./-]+\.test\.ts)`/g)].map((m) => m[1]!);

/** The page's rows of operations: a section is a service, an operation's name stands alone and in code. */
const rows = page.split(/^## /m).flatMap((section) => {
  const service = section.slice(0, section.indexOf("\n"));
  return [...section.matchAll(/^\| `(\w+)` \|.* \| (.*) \|$/gm)].map((m) => ({
    operation: `${service}.${m[1]}`,
    name: m[1]!,
    evidence: m[2]!,
  }));
});

let dir: string;
let answered: string[];
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), "fidelity-"));
  const state = openState(dir);
  const queues = sqs(state, { account: "000000000000", region: "sa-east-1", url: () => "" });
  const objects = s3(state, { region: "sa-east-1", onEvent: () => {} });
  const catalog = glue(state, { run: async () => {}, onJobEvent: () => {} });
  const streams = firehose(state, { s3: objects, table: catalog.table });
  const queries = athena(state, { glue: catalog, s3: objects, translate });
  const none = () => null;
  const measures = cloudwatch({ now: Date.now, oldestMessage: none, oldestRecord: none, droppedEvents: () => [] });
  answered = Object.entries({
    SQS: queues.service.operations,
    S3: objects.operations,
    Firehose: streams.service.operations,
    Glue: catalog.service.operations,
    Athena: queries.service.operations,
    CloudWatch: measures.service.operations,
    "CloudWatch Logs": logs({ dir: null, groups: new Map() }).service.operations,
    SSM: ssm({ stage: laptop(), now: Date.now }).service.operations,
    "Cloud Control": cloudControl({
      ...{ stage: laptop(), topology: topology([], "daily") },
      ...{ sqs: queues.service, firehose: streams.service, glue: catalog.service },
    }).service.operations,
    // A path of its own (doors.ts), no table of operations; triggers-stack.test.ts calls it.
    Lambda: { Invoke: null },
  }).flatMap(([service, operations]) => Object.keys(operations).map((name) => `${service}.${name}`));
  queues.stop();
  await Promise.all([streams.stop(), catalog.close(), queries.close()]);
  state.close();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

test("no operation is answered without saying how like AWS it is, and none is promised that is not answered", () => {
  expect(rows.map(({ operation }) => operation).sort()).toEqual([...answered].sort());
});

test("what a row calls its proof exists and uses the operation; a row without one says so", () => {
  const asked = new Set(cases.flatMap(({ steps }) => steps.map(({ call }) => call)));
  const baseless = rows.filter(({ operation, name, evidence }) => {
    const tests = testsIn(evidence);
    if (/^cases\b/.test(evidence)) return !asked.has(`${operation.split(".")[0]!.toLowerCase()}.${name}`);
    if (tests.length === 0) return !/^no test\b/.test(evidence);
    const used = new RegExp(`\\b${name}(Command)?\\b`);
    return !tests.some((file) => existsSync(path(file)) && used.test(readFileSync(path(file), "utf8")));
  });
  expect(baseless).toEqual([]);
  expect(testsIn(page).filter((file) => !existsSync(path(file)))).toEqual([]);
});
