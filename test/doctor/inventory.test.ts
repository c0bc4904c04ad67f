import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Aws, connect } from "../../packages/aws/index.ts";
import { readInventory } from "../../packages/aws/inventory.ts";
import { examine } from "../../packages/cli/doctor/diagnosis.ts";
import { openRiver } from "../cli/stack.ts";
import { cloudControl, type Document, type Refusals } from "./cloudcontrol.ts";
import { chosen, datasets, ideal, stage } from "./ideal.ts";

let documents: Document[];
let refusals: Refusals;
let server: Awaited<ReturnType<typeof cloudControl>>;
let aws: Aws;
beforeAll(async () => {
  server = await cloudControl(
    () => documents,
    () => refusals,
  );
  aws = connect(stage, { AWS_ENDPOINT_URL: server.url });
});
beforeEach(() => {
  documents = ideal();
  refusals = {};
});
afterAll(async () => {
  aws.close();
  await server.close();
});

const look = () => examine({ aws, stage, datasets, dir: null });
const QUEUE = "AWS::SQS::Queue";
const url = "https://sqs.sa-east-1.amazonaws.com/123456789012/pregao-dev-landed";

test("a deployed stage is read back whole, over the wire, each resource once", async () => {
  server.asked.length = 0;
  const checked = await look();
  expect(checked.filter(({ state }) => state !== "holds")).toEqual([]);
  // The choices are read first: what is off need not be asked.
  const asked = server.asked.filter((one) => !one.endsWith("/choices"));
  expect(asked).toEqual([...new Set(asked)]);
});

test("mappings are found by their queue, on whichever page they are, and a second one of a queue is told", async () => {
  const mapping = documents.find(({ type }) => type === "AWS::Lambda::EventSourceMapping")!;
  const of = String(mapping.properties.EventSourceArn);
  for (const n of [1, 2, 3])
    documents.unshift({
      ...mapping,
      id: `other-${n}`,
      properties: { ...mapping.properties, EventSourceArn: `${of}-other` },
    });
  documents.push({ ...mapping, id: "second", properties: { ...mapping.properties, FunctionName: "somebody" } });
  const one = { type: mapping.type, id: of };
  const reading = (await readInventory(aws, [one]))(one);
  expect(reading).toMatchObject({ is: "there", properties: { Id: mapping.id, Others: ["somebody"] } });
});

test("a refusal names the action, as the service says it or as the type's reader needs it", async () => {
  const one = { type: QUEUE, id: url };
  const read = async (name: string, message: string) => {
    refusals = { [QUEUE]: { name, message } };
    return (await readInventory(aws, [one]))(one);
  };
  expect(
    await read(
      "GeneralServiceException",
      "User: arn:aws:iam::1:user/x is not authorized to perform: sqs:ListQueueTags on resource: y",
    ),
  ).toMatchObject({ is: "unreadable", permission: "sqs:ListQueueTags" });
  expect(
    await read(
      "AccessDeniedException",
      "User: arn:aws:iam::1:user/x is not authorized to perform: cloudformation:GetResource",
    ),
  ).toMatchObject({ is: "unreadable", permission: "cloudformation:GetResource" });
  expect(await read("HandlerFailureException", "AccessDenied")).toMatchObject({ permission: "sqs:GetQueueAttributes" });
  expect(await read("HandlerFailureException", "something else broke")).toMatchObject({
    ...{ is: "unreadable", permission: null, error: "HandlerFailureException: something else broke" },
  });
  expect(await read("UnsupportedActionException", "no reader")).toMatchObject({ is: "unreadable" });
  // As AWS words what a service's own reader refuses.
  const failed = "AWS::SQS::Queue Handler returned status FAILED: no (Service: Sqs, Status Code: 403)";
  expect(await read("AccessDeniedException", `${failed} (HandlerErrorCode: AccessDenied)`)).toMatchObject({
    permission: "sqs:GetQueueAttributes",
  });
  expect(await read("GeneralServiceException", `${failed} (HandlerErrorCode: NotFound)`)).toEqual({ is: "absent" });
  expect(await read("TypeNotFoundException", "no such type")).toEqual({ is: "elsewhere" });
});

test("what is not there is absent, a table as a queue", async () => {
  documents = [];
  const all = [
    { type: QUEUE, id: url },
    { type: "AWS::Glue::Table", id: "a|b" },
    { type: "AWS::KMS::Key", id: "alias/pregao-dev" },
    { type: "AWS::Lambda::EventSourceMapping", id: "arn:aws:sqs:sa-east-1:123456789012:x" },
  ];
  const get = await readInventory(aws, all);
  expect(all.map((one) => get(one).is)).toEqual(["absent", "absent", "absent", "absent"]);
});

test("choices that cannot be read are no choices: nothing is off by them, and nothing that hangs on them is judged", async () => {
  documents = ideal({ ...chosen, role: "arn:aws:iam::123456789012:role/theirs", audit: false });
  const states = async () =>
    Object.fromEntries((await look()).map(({ id, state }) => [id, state])) as Record<string, string>;
  expect(await states()).toMatchObject({
    ...{ "stage.choices": "holds", "role.actions": "off", "function.role": "broken", "audit.trail": "off" },
  });
  const unread = { "role.actions": "holds", "function.role": "holds", "audit.trail": "unknown" };
  refusals = { "AWS::SSM::Parameter": { name: "AccessDeniedException", message: "no" } };
  expect(await states()).toMatchObject({ "stage.choices": "unknown", ...unread });
  refusals = {};
  documents = documents.filter(({ id }) => !id.endsWith("/choices"));
  expect(await states()).toMatchObject({ "stage.choices": "broken", ...unread });
});

test("a stand-in of a deployed stage is read by that stage's names, and what it has no types for is not passed", async () => {
  const river = await openRiver({ still: true, stage });
  const own = connect(stage, { AWS_ENDPOINT_URL: river.stack.url });
  try {
    const checked = await examine({ aws: own, stage, datasets, dir: null });
    const states = Object.fromEntries(checked.map(({ id, state }) => [id, state]));
    expect(states).toMatchObject({ "queue.visibility": "holds", "function.limits": "holds", "job.single": "holds" });
    expect(states).toMatchObject({ "key.rotation": "unknown", "role.actions": "unknown", "stage.choices": "unknown" });
  } finally {
    own.close();
    await river.close();
  }
});
