import { PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import type { Context, S3Event } from "aws-lambda";
import { afterAll, beforeAll, expect, test } from "vitest";
import { handler, sweep } from "../../functions/salvage.ts";
import { list, remove } from "../../packages/aws/store.ts";
import { readDeadLetter } from "../../packages/core/reject.ts";
import { environment } from "../../packages/core/stage.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { peek } from "../peek.ts";
import { testPlace } from "../place.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
const keysUnder = async (bucket: "lake" | "state", prefix: string): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of list(place.aws, bucket, prefix)) keys.push(key);
  return keys;
};
const marks = () => keysUnder("state", "salvaged/bovespa/");
const letters = () => peek(place.aws, "bovespa-dlq", (all) => all.map((m) => readDeadLetter(m.body, m).id).sort());
/** What a lost event leaves behind: an error object without its mark. */
const forget = async () => {
  for (const key of await marks()) await remove(place.aws, "state", key);
};
const soon = () => Date.now() + 20_000;
const context = { getRemainingTimeInMillis: () => 30_000 } as Context;

beforeAll(async () => {
  place = await testPlace();
  Object.assign(process.env, environment(place.stage), {
    AWS_ENDPOINT_URL: place.aws.endpoint,
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
  });
  for (const text of ["one", "two"]) {
    const Records = [{ Data: Buffer.from(`not a row: ${text}\nnor this: ${text}\n`) }];
    await place.aws.firehose.send(new PutRecordBatchCommand({ DeliveryStreamName: "bovespa", Records }));
    await place.stack!.idle();
  }
});
afterAll(() => place.remove());

test("an error object is marked once all its rows have their letters, and left alone from then on", async () => {
  const errors = await keysUnder("lake", "errors/bovespa/");
  const before = await letters();
  expect(errors).toHaveLength(2);
  expect(before).toHaveLength(4);
  expect(await marks()).toHaveLength(2);
  await handler({ datasets: ["bovespa"] }, context);
  await handler({ Records: errors.map((key) => ({ s3: { object: { key } } })) } as S3Event, context);
  expect(await letters()).toEqual(before);
});

test("an event given up while the dead-letter queue refused lost its rows: the clock finds the object", async () => {
  const before = await letters();
  await forget();
  const refusing = {
    ...place.aws,
    sqs: { send: () => Promise.reject(new Error("no")) },
  } as unknown as typeof place.aws;
  expect(await sweep(refusing, bovespa, soon())).toBe(2);
  expect(await marks()).toEqual([]);
  await handler({ datasets: ["bovespa"] }, context);
  expect(await marks()).toHaveLength(2);
  const after = await letters();
  expect(after).toHaveLength(8);
  expect([...new Set(after)]).toEqual(before);
});

test("one object that cannot be read does not keep the others waiting, and the call says so", async () => {
  const [first] = await keysUnder("lake", "errors/bovespa/");
  await forget();
  const send = (command: object) =>
    command instanceof GetObjectCommand && command.input.Key === first
      ? Promise.reject(new Error("503"))
      : place.aws.s3.send(command as GetObjectCommand);
  expect(await sweep({ ...place.aws, s3: { send } } as unknown as typeof place.aws, bovespa, soon())).toBe(1);
  expect(await marks()).toHaveLength(1);
  expect(await sweep(place.aws, bovespa, Date.now() - 1)).toBe(1);
  expect(await sweep(place.aws, bovespa, soon())).toBe(0);
});
