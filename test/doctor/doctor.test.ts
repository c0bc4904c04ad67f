import { spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Diagnosis } from "../../packages/cli/doctor/diagnosis.ts";
import { guards } from "../../packages/cli/doctor/guards/index.ts";
import { machine } from "../../packages/cli/doctor/laptop.ts";
import { document, folder, pregao, type Up, up } from "../cli/command.ts";
import { breaks } from "./breaks.ts";
import { cloudControl, type Refusals } from "./cloudcontrol.ts";
import { ideal } from "./ideal.ts";

let own: ReturnType<typeof folder>;
let state: string;
let river: Up;
beforeAll(async () => {
  own = folder();
  state = join(own.dir, "state");
  river = await up(state);
  await river.idle();
});
afterAll(async () => {
  await river.stop();
  own.remove();
});

const states = ({ guards: all }: Diagnosis) => Object.fromEntries(all.map(({ id, state: is }) => [id, is]));

test("a laptop's river holds every guard that a laptop has, and the doctor says which are AWS's only", async () => {
  const ended = await pregao(["doctor", "--state", state, "--json"]);
  const diagnosis = document<Diagnosis>(ended);
  expect(diagnosis.guards.filter((one) => one.state === "broken" || one.state === "unknown")).toEqual([]);
  expect(ended.status).toBe(0);
  expect(diagnosis).toMatchObject({ laptop: true, healthy: true, stage: "local" });
  const all = states(diagnosis);
  expect(Object.keys(all)).toEqual(expect.arrayContaining(guards.map(({ id }) => id)));
  expect(all).toMatchObject({
    ...{
      "queue.visibility": "holds",
      "mapping.partial": "holds",
      "bucket.notices": "holds",
      "stream.converts": "holds",
    },
    ...{ "table.columns": "holds", "table.views": "holds", "job.single": "holds", "clock.when": "holds" },
    ...{ "bucket.encrypted": "aws", "role.actions": "aws", "alarm.tells": "aws", "laptop.river": "holds" },
  });
}, 60_000);

test("a river that somebody changed is broken: what was expected, what came, how to mend it, and exit status 1", async () => {
  const { SQSClient, SetQueueAttributesCommand } = await import("@aws-sdk/client-sqs");
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const sqs = new SQSClient({ endpoint: river.url, region: "sa-east-1", credentials });
  const set = (VisibilityTimeout: string) =>
    sqs.send(
      new SetQueueAttributesCommand({
        QueueUrl: `${river.url}/000000000000/landed`,
        Attributes: { VisibilityTimeout },
      }),
    );
  const was = "1800";
  await set("7");
  try {
    const ended = await pregao(["doctor", "--state", state]);
    expect(ended.status).toBe(1);
    const [first] = ended.out.split("\n\n");
    expect(first?.split("\n")).toEqual([
      expect.stringMatching(/^BROKEN +queue\.visibility +a message/),
      "  AWS::SQS::Queue landed",
      `    expected  VisibilityTimeout ${was}`,
      "    came      VisibilityTimeout 7",
      expect.stringMatching(/^ {4}mend +.*up/),
    ]);
    expect(ended.out).toMatch(/\nNext: .+\n$/);
  } finally {
    await set(was);
    sqs.destroy();
  }
}, 60_000);

test("without a river the machine is looked at all the same, and no state directory is made", async () => {
  const nowhere = join(own.dir, "nowhere");
  const ended = await pregao(["doctor", "--state", nowhere, "--json"]);
  expect(ended.status).toBe(1);
  expect(states(document(ended))).toMatchObject({ "laptop.river": "broken", "laptop.node": "holds" });
  expect(existsSync(nowhere)).toBe(false);
}, 60_000);

test("a river that was killed is found out by the process that it names", async () => {
  const killed = join(own.dir, "killed");
  mkdirSync(killed);
  const gone = spawn(process.execPath, ["--version"]);
  await new Promise((resolve) => gone.once("close", resolve));
  const left = (pid: number | undefined) => writeFileSync(join(killed, "stack.json"), JSON.stringify({ pid }));
  const processes = async () => (await machine(killed, "duckdb")).find(({ id }) => id === "laptop.processes");
  left(gone.pid);
  expect(await processes()).toMatchObject({
    state: "broken",
    findings: [{ mend: "pregao up (what it was doing goes on)" }],
  });
  left(process.pid);
  expect(await processes()).toMatchObject({ state: "holds" });
});

test("a deployed stage: exit status 0 if every guard holds, 1 with what is broken first, and nothing unread is a pass", async () => {
  let documents = ideal();
  let refusals: Refusals = {};
  const server = await cloudControl(
    () => documents,
    () => refusals,
  );
  const env = {
    ...{ AWS_ENDPOINT_URL: server.url, AWS_REGION: "sa-east-1" },
    ...{ AWS_ACCESS_KEY_ID: "some", AWS_SECRET_ACCESS_KEY: "thing" },
  };
  const ask = (...more: string[]) => pregao(["doctor", "--stage", "dev", ...more], { env, cwd: own.dir });
  try {
    const well = await ask("--json");
    expect(well.err).toBe("");
    expect(well.status).toBe(0);
    expect(document<Diagnosis>(well)).toMatchObject({
      ...{ stage: "dev", account: "123456789012", region: "sa-east-1", laptop: false, healthy: true },
      counts: { broken: 0, unknown: 0, off: 0, aws: 0, holds: guards.length },
    });
    breaks["bucket.private"]?.[0]?.break(documents);
    refusals = { "AWS::IAM::Role": { name: "AccessDeniedException", message: "no" } };
    const ill = await ask();
    expect(ill.status).toBe(1);
    expect(ill.out).toMatch(/^BROKEN +bucket\.private/);
    expect(ill.out).toMatch(
      /\n {4}expected {2}BlockPublicPolicy true\n {4}came {6}BlockPublicPolicy false\n {4}mend {6}aws s3api put-public-access-block /,
    );
    expect(ill.out).toMatch(/\nCANNOT BE READ +role\.actions/);
    expect(ill.out).toContain("allow iam:GetRole, ");
    expect(ill.out).toMatch(/guards of stage dev, account 123456789012, region sa-east-1: /);
    expect(ill.out).toMatch(/\nNext: aws s3api put-public-access-block .+\n$/);
    documents = [];
    const none = await ask();
    expect(none.status).toBe(1);
    expect(none.err).toContain("sst deploy --stage dev");
  } finally {
    await server.close();
  }
}, 60_000);
