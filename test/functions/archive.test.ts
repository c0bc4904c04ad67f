import type { Context } from "aws-lambda";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { archiveOld, handler } from "../../functions/archive.ts";
import { logTo } from "../../functions/log.ts";
import { inMemory } from "../../functions/origin.ts";
import { nameOfLetter, putAway } from "../../packages/aws/letters.ts";
import { depth } from "../../packages/aws/queues.ts";
import { list as objects } from "../../packages/aws/store.ts";
import * as dlq from "../../packages/cli/dlq/index.ts";
import { flow } from "../../packages/cli/ingest.ts";
import { environment } from "../../packages/core/stage.ts";
import { topology } from "../../packages/core/topology.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { datasets } from "../../packages/datasets/index.ts";
import { cutting, good, letter, letters, misspelled, negative, post, replay } from "../cli/letters.fixture.ts";
import { market } from "../oracle/market.ts";
import { peek } from "../peek.ts";
import { ask, testPlace } from "../place.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
beforeAll(async () => {
  place = await testPlace();
  await post(place, "bovespa-dlq", [
    letter("VELHA3", [good("VELHA3"), negative("VELHA3", 1)]),
    letter("VELHA4", [misspelled("VELHA4")], "invalid_field"),
    { id: "1", group: "x", body: "moved here by SQS itself" },
  ]);
});
afterAll(() => place.remove());
afterEach(() => logTo((line) => process.stdout.write(`${line}\n`)));

const DAY_MS = 86_400_000;
const DAY = "2024-11-09T02:00:00.000Z";
const soon = () => Date.now() + 60_000;
const later = (days: number) => ({ now: Date.now() + days * DAY_MS + 60_000, until: soon() });
const archived = async () => {
  const keys: string[] = [];
  for await (const { key } of objects(place.aws, "lake", "rejected/")) keys.push(key);
  return keys.sort();
};
const queued = () => peek(place.aws, "bovespa-dlq", (all) => all.map((m) => m.body).sort());
type Shown = { at: string; id: string; reason: string }[];
const shown = async () => {
  await dlq.show(place, bovespa, {});
  return (place.output.documents.at(-1) as Shown).sort((a, b) => (a.reason < b.reason ? -1 : 1));
};

test("letters that are not ten days old stay in their queue, and are visible again", async () => {
  const before = await queued();
  expect(await archiveOld(place.aws, "bovespa", later(9.9))).toBe(0);
  expect(await queued()).toEqual(before);
  expect(await depth(place.aws, "bovespa-dlq")).toMatchObject({ visible: 3, inFlight: 0 });
  expect(await archived()).toEqual([]);
});

test("an archive that is cut between writing and deleting is done again, and no letter is lost or there twice", async () => {
  const before = await shown();
  const bodies = await queued();
  const cut = cutting(place, (command) => (command === "DeleteMessageBatchCommand" ? "before" : undefined));
  await expect(archiveOld(cut.aws, "bovespa", later(10))).rejects.toThrow("cut before");
  expect(await archived()).toEqual(bodies.map((body) => `rejected/bovespa/${nameOfLetter(body)}.json`).sort());
  expect(await queued()).toEqual(bodies);
  expect(await shown()).toEqual(before);
  expect(await archiveOld(place.aws, "bovespa", later(10))).toBe(3);
  expect(await queued()).toEqual([]);
  expect(await archived()).toHaveLength(3);
  // What SQS itself said of a letter goes with it: its id and when it was sent.
  expect(await shown()).toEqual(before.map((l) => ({ ...l, at: "archive" })));
});

test("archived letters are counted with those in the queue, which the screen tells apart", async () => {
  await post(place, "bovespa-dlq", [letter("VELHA4", [misspelled("VELHA4", 1)], "invalid_field")]);
  await dlq.list(place, bovespa, { reason: "invalid_field" });
  expect(place.output.documents.at(-1)).toMatchObject([{ ticker: "VELHA4", letters: 2, records: 2, archived: 1 }]);
  expect(place.output.screens.at(-1)).toContain("1 queue, 1 archive");
});

test("a replay sends an archived letter, and deletes it only after it was accepted", async () => {
  const options = { ticker: "VELHA3" };
  expect(await replay(place, { ...options, dryRun: true })).toMatchObject({
    found: 1,
    pass: { letters: 1, records: 1 },
  });
  const refusing = cutting(place, (command) => (command === "SendMessageBatchCommand" ? "before" : undefined));
  await expect(dlq.replay(refusing, bovespa, { ...options, yes: true })).rejects.toThrow("not accepted");
  expect(await archived()).toHaveLength(3);
  const cut = cutting(place, (command) => (command === "DeleteObjectCommand" ? "before" : undefined));
  await expect(dlq.replay(cut, bovespa, { ...options, yes: true })).rejects.toThrow("cut before");
  await place.stack!.idle();
  expect(await archived()).toHaveLength(3);
  expect(await replay(place, options)).toMatchObject({ sent: 1, stay: { failedBefore: { letters: 1 } } });
  expect(await archived()).toHaveLength(2);
  expect(await ask(place, "SELECT count(*) AS n FROM bovespa_refined WHERE ticker = 'VELHA3'")).toEqual([{ n: "1" }]);
  const [refused] = (await letters(place)).filter((l) => l.ticker === "VELHA3");
  expect(refused).toMatchObject({ at: "queue", attempts: 2, seen: "2024-11-09T02:00:00.000Z" });
});

test("a replay of an archived letter can be undone like any other", async () => {
  await dlq.undo(place, bovespa, undefined, { yes: true });
  await place.stack!.idle();
  expect(place.output.documents.at(-1)).toMatchObject({ letters: 1, events: 1, rebuilt: true });
  expect(await ask(place, "SELECT count(*) AS n FROM bovespa_refined WHERE ticker = 'VELHA3'")).toEqual([{ n: "0" }]);
  expect((await letters(place)).filter((l) => l.reason === "unjudgeable").map((l) => [l.at, l.records])).toEqual([
    ["queue", [good("VELHA3")]],
  ]);
});

test("a letter that moves to the archive between the count and the replay is found there", async () => {
  await post(place, "bovespa-dlq", [letter("MUDA3", [good("MUDA3")])]);
  const moving = cutting(place, () => undefined);
  const s3 = moving.aws.s3.send.bind(moving.aws.s3) as (...all: unknown[]) => Promise<unknown>;
  const send = async (command: { input: { Key?: string } }, ...rest: unknown[]) => {
    if (/replay\.json$/.test(command.input.Key ?? "")) await archiveOld(place.aws, "bovespa", later(10));
    return s3(command, ...rest);
  };
  const at = { ...moving, aws: { ...moving.aws, s3: { send } as never } };
  await dlq.replay(at, bovespa, { ticker: "MUDA3", yes: true });
  await place.stack!.idle();
  expect((await letters(place)).filter((l) => l.ticker === "MUDA3")).toEqual([]);
  expect(await ask(place, "SELECT count(*) AS n FROM bovespa_refined WHERE ticker = 'MUDA3'")).toEqual([{ n: "1" }]);
});

test("a copy that an archive which was cut leaves while a replay goes on does not come back after it", async () => {
  const one = letter("COPIA3", [good("COPIA3")]);
  await post(place, "bovespa-dlq", [one]);
  const key = `rejected/bovespa/${nameOfLetter(one.body)}.json`;
  const copying = cutting(place, () => undefined);
  const s3 = copying.aws.s3.send.bind(copying.aws.s3) as (...all: unknown[]) => Promise<unknown>;
  const send = async (command: { input: { Key?: string } }, ...rest: unknown[]) => {
    const answer = await s3(command, ...rest);
    if (/part-\d+\.json$/.test(command.input.Key ?? ""))
      await putAway(place.aws, "bovespa", { messageId: "1", receipt: "", sentAt: DAY, body: one.body, group: "" });
    return answer;
  };
  await dlq.replay({ ...copying, aws: { ...copying.aws, s3: { send } as never } }, bovespa, {
    ticker: "COPIA3",
    yes: true,
  });
  await place.stack!.idle();
  expect(await archived()).not.toContain(key);
  expect((await letters(place)).filter((l) => l.ticker === "COPIA3")).toEqual([]);
});

test("a queue that was not seen as a whole is an error: SQS may delete what was not", async () => {
  const lines: { level: string; message: string; metadata: object }[] = [];
  logTo((line) => lines.push(JSON.parse(line)));
  expect(await archiveOld(place.aws, "bovespa", { now: Date.now(), until: 0 })).toBe(0);
  expect(lines).toMatchObject([{ level: "ERROR", metadata: { box: "bovespa", letters: 0 } }]);
  expect(lines[0]!.message).toMatch(/^not every dead letter was seen/);
  lines.length = 0;
  await archiveOld(place.aws, "bovespa", { now: Date.now(), until: soon() });
  expect(lines).toEqual([]);
});

test("a file whose bad records are archived letters is accounted for to the last row, each record once", async () => {
  const bytes = market({ seed: 7, sessions: ["2024-11-06"], papers: 4, dirty: true });
  const looks: string[] = [];
  const watching = cutting(place, (command, input) => {
    if (command === "ReceiveMessageCommand" && /-dlq$/.test(String(input.QueueUrl))) looks.push(command);
    return undefined;
  });
  const sent = async (at: typeof place) => {
    const { account } = await flow(at, bovespa, { source: "dirty", bytes: inMemory(bytes) }, true);
    await place.stack!.idle();
    return account!;
  };
  const first = await sent(watching);
  expect(first.rejected).toBeGreaterThan(0);
  expect(first.sent).toBe(first.raw + first.rejected + first.repeated);
  await archiveOld(place.aws, "bovespa", later(10));
  expect(await queued()).toEqual([]);
  // The same bytes again: their letters are in the archive and, younger, in the queue.
  const again = await sent(place);
  expect({ ...again, commit: first.commit }).toEqual(first);
  await archiveOld(place.aws, "bovespa", later(10));
  // Of bytes without a mistake nobody asks the dead letters, if there are none.
  looks.length = 0;
  const clean = market({ seed: 8, sessions: ["2024-11-05"], papers: 4 });
  await flow(watching, bovespa, { source: "clean", bytes: inMemory(clean) }, true);
  expect(looks).toEqual([]);
});

test("the clock goes through every dead-letter queue there is, and what it writes rings no bell", async () => {
  const { clocks, notices, queues } = topology(datasets, "intraday");
  const clock = clocks.find((c) => c.name === "archive")!;
  // What no message came to: the queue of calls that came to nothing holds no row, and what it asks for is asked again.
  const boxes = queues.flatMap(({ deadLetter }) => deadLetter?.queue ?? []);
  expect(clock).toMatchObject({ cron: "30 6 * * *", zone: "UTC", function: "archive" });
  expect((clock.input as { boxes: string[] }).boxes.map((box) => `${box}-dlq`).sort()).toEqual(boxes.sort());
  for (const { bucket, prefix } of notices) expect(`${bucket}/rejected/`.startsWith(`${bucket}/${prefix}`)).toBe(false);

  Object.assign(process.env, environment(place.stage), {
    AWS_ENDPOINT_URL: place.aws.endpoint,
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
  });
  const context = { getRemainingTimeInMillis: () => 30_000 } as Context;
  await handler(clock.input as { boxes: string[] }, context);
  await expect(handler({ boxes: ["no-such-box", "landed"] }, context)).rejects.toThrow("not every dead-letter queue");
});
