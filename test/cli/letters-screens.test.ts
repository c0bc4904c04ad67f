import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { put } from "../../packages/aws/store.ts";
import * as dlq from "../../packages/cli/dlq/index.ts";
import { ingest } from "../../packages/cli/ingest.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { file, some } from "../datasets/cotahist.ts";
import { testPlace } from "../place.ts";
import { good, letter, post, replay } from "./letters.fixture.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
beforeAll(async () => {
  place = await testPlace();
});
afterAll(() => place.remove());
const screen = () => place.output.screens.at(-1)!;

test("a file with refused records ends with them, and the same file again says that they are refused again", async () => {
  const path = join(place.dir, "log.ndjson.csv");
  writeFileSync(
    path,
    file([...some(3, (i) => ({ codneg: `BOA${i}` })), ...some(1, () => ({ codneg: "RUIM", fatcot: "7" }))]),
  );
  await ingest(place, { is: "given", dataset: "bovespa", at: { file: path } }, { wait: true });
  expect(screen()).toMatch(/3 in raw \+ 1 rejected/);
  expect(screen()).toMatch(/\nNext: pregao dlq list bovespa\n$/);
  await ingest(place, { is: "given", dataset: "bovespa", at: { file: path } }, { wait: true });
  expect(screen()).toMatch(/archived before: the same messages again, of which 1 record is refused again\n/);
  expect(screen()).not.toContain("change nothing");
  expect(screen()).toMatch(/\nNext: pregao dlq list bovespa\n$/);
  await place.stack!.idle();
});

test("a list says how many messages are still to be judged, in which others may be", async () => {
  const said: string[] = [];
  const { sqs } = place.aws;
  const send = async (command: { constructor: { name: string }; input: { QueueUrl?: string } }, ...rest: unknown[]) =>
    command.constructor.name === "GetQueueAttributesCommand" && command.input.QueueUrl?.endsWith("/bovespa")
      ? { Attributes: { ApproximateNumberOfMessages: "12", ApproximateNumberOfMessagesNotVisible: "1" } }
      : (sqs.send as (...all: unknown[]) => unknown).call(sqs, command, ...rest);
  const output = { ...place.output, say: (text: string) => void said.push(text) };
  await dlq.list({ ...place, output, aws: { ...place.aws, sqs: { send } as never } }, bovespa, {});
  expect(said).toEqual(["13 messages are still in the queue bovespa: what of them is refused comes yet"]);
});

test("what was undone is not offered to be undone, and undo without a name takes the last that is not", async () => {
  const names: string[] = [];
  for (const ticker of ["UMA3", "DUAS3"]) {
    await post(place, "bovespa-dlq", [letter(ticker, [good(ticker)])]);
    names.push((await replay(place, { ticker })).replay!);
  }
  await dlq.undo(place, bovespa, names[1], { yes: true });
  await dlq.listReplays(place, bovespa);
  expect(screen()).toMatch(new RegExp(`\nNext: pregao dlq undo bovespa ${names[0]}\n$`));
  expect(screen()).toMatch(/^replay +by +letters +records +letters accepted +options +undone\n/);
  expect(
    Math.max(
      ...screen()
        .split("\n")
        .map((line) => line.length),
    ),
  ).toBeLessThanOrEqual(100);
  await dlq.undo(place, bovespa, undefined, { yes: true });
  expect(place.output.documents.at(-1)).toMatchObject({ replay: names[0], before: false });
  await dlq.listReplays(place, bovespa);
  expect(screen()).toMatch(/\nNext: pregao dlq list bovespa\n$/);
  // Nothing is left to take back: it says so of the newest.
  await dlq.undo(place, bovespa, undefined, { yes: true });
  expect(place.output.documents.at(-1)).toMatchObject({ replay: names[1], before: true });
  await place.stack!.idle();
});

test("raw objects that were refused are counted as objects", async () => {
  await put(place.aws, "lake", "raw/bovespa/by-hand.parquet", "no Parquet");
  await place.stack!.idle();
  await dlq.list(place, dlq.landed, {});
  expect(screen()).toMatch(/^reason +ticker +letters +objects +where/);
  await dlq.replay(place, dlq.landed, { dryRun: true });
  expect(screen()).toMatch(/^1 dead letter of landed, 1 object:/);
  expect(screen()).not.toContain("record");
});
