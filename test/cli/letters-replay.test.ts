import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { depth } from "../../packages/aws/queues.ts";
import { readPart } from "../../packages/aws/replays.ts";
import * as dlq from "../../packages/cli/dlq/index.ts";
import { readDeadLetter } from "../../packages/core/reject.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { ask, testPlace } from "../place.ts";
import {
  cutting,
  good,
  letter,
  letters,
  message,
  misspelled,
  negative,
  post,
  type Replayed,
  replay,
} from "./letters.fixture.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
beforeAll(async () => {
  place = await testPlace();
});
afterAll(() => place.remove());

const arrived = async (ticker: string) => {
  const [row] = await ask(
    place,
    `SELECT count(*) AS n, count(DISTINCT event_id) AS d FROM bovespa_raw WHERE codneg = '${ticker}'`,
  );
  return { rows: Number(row!.n), events: Number(row!.d) };
};
const of = async (ticker: string) => (await letters(place)).filter((l) => l.ticker === ticker);
const counts = (all: readonly { reason: string; records: { length: number } | unknown[] }[]) =>
  Object.fromEntries(
    [...Map.groupBy(all, (l) => l.reason)].map(([reason, same]) => [
      reason,
      [same.length, same.reduce((n, l) => n + l.records.length, 0)],
    ]),
  );
const foretold = (all: Replayed["refuse"]) => Object.fromEntries(all.map((r) => [r.reason, [r.letters, r.records]]));

describe("a dry run", () => {
  const kinds = { good, misspelled, negative };
  const mix = fc.array(
    fc.array(fc.constantFrom<keyof typeof kinds>("good", "misspelled", "negative"), { minLength: 1, maxLength: 5 }),
    { minLength: 1, maxLength: 6 },
  );
  let round = 0;
  test("foretells how many records pass, and why the others do not, for any letters", async () => {
    await fc.assert(
      fc.asyncProperty(mix, fc.boolean(), async (mixed, again) => {
        const ticker = `LEI${round++}`;
        let index = 0;
        const all = mixed.map((records) =>
          letter(
            ticker,
            records.map((kind) => kinds[kind](ticker, index++)),
          ),
        );
        await post(place, "bovespa-dlq", all);
        const before = await of(ticker);
        const dry = await replay(place, { ticker, again, dryRun: true });
        expect(await of(ticker)).toEqual(before);
        const real = await replay(place, { ticker, again });
        expect({ ...real, replay: null, sent: 0, left: dry.left, dryRun: true }).toEqual(dry);
        expect(real.sent + real.left).toBe(real.found);
        const { events } = await arrived(ticker);
        expect(events).toBe(dry.pass.records);
        const came = (await of(ticker)).filter((l) => l.attempts > 1);
        expect(counts(came)).toEqual(foretold(dry.refuse));
        const stayed = (await of(ticker)).filter((l) => l.attempts === 1);
        expect(stayed).toHaveLength(dry.stay.refused.reduce((n, r) => n + r.letters, 0));
        expect(stayed).toHaveLength(again ? 0 : mixed.filter((m) => !m.includes("good")).length);
      }),
      { numRuns: 6 },
    );
  });

  test("with a patch judges what the patch makes of the letters", async () => {
    await post(place, "bovespa-dlq", [letter("REMENDO", [misspelled("REMENDO")], "invalid_field")]);
    const plain = await replay(place, { ticker: "REMENDO", dryRun: true });
    expect([plain.pass.records, foretold(plain.stay.refused)]).toEqual([0, { invalid_field: [1, 1] }]);
    expect(plain.stay.refused[0]!.message).toContain('came "12,34"');
    const patch = [`preult=${good("REMENDO").preult}`];
    expect((await replay(place, { ticker: "REMENDO", dryRun: true, patch })).pass).toEqual({ letters: 1, records: 1 });
    expect((await replay(place, { ticker: "REMENDO", patch })).sent).toBe(1);
    expect(await arrived("REMENDO")).toEqual({ rows: 1, events: 1 });
  });
});

describe("a record that failed again after a replay", () => {
  test("keeps its history, and is not sent again unless somebody says so", async () => {
    const ticker = "REINCIDE";
    await post(place, "bovespa", [message(ticker, [good(ticker), negative(ticker, 1)])]);
    await place.stack!.idle();
    const [first] = await of(ticker);
    expect(first).toMatchObject({ reason: "negative", attempts: 1, before: [] });
    await replay(place, { ticker, again: true });
    const [second] = await of(ticker);
    expect(second).toMatchObject({ reason: "negative", attempts: 2, before: ["negative"], seen: first!.seen });

    const patch = ["voltot=1.00"];
    const stays = await replay(place, { ticker, patch });
    expect([stays.sent, stays.left, stays.stay.failedBefore]).toEqual([0, 1, { letters: 1, records: 1 }]);
    expect(place.output.screens.at(-1)).toContain("1 letter that failed again after a replay; --again sends them too");
    expect(await of(ticker)).toEqual([second]);
    expect(await replay(place, { ticker, patch, again: true })).toMatchObject({
      sent: 1,
      left: 0,
      pass: { records: 1 },
    });
    expect(await of(ticker)).toEqual([]);
    expect(await arrived(ticker)).toMatchObject({ events: 2 });
  });
});

describe("replay", () => {
  test("of the oldest few sends exactly so many, and counts the rest", async () => {
    const ticker = "POUCOS3";
    const all = [0, 1, 2, 3].map((i) => letter(ticker, [good(ticker, i)]));
    const aged = all.map((l, i) => ({
      ...l,
      body: JSON.stringify({ ...JSON.parse(l.body), rejectseen: `2024-11-1${9 - i}T00:00:00.000Z` }),
    }));
    await post(place, "bovespa-dlq", aged);
    expect(await replay(place, { ticker, limit: "2" })).toMatchObject({
      found: 4,
      sent: 2,
      left: 2,
      stay: { beyondLimit: { letters: 2 } },
    });
    expect((await of(ticker)).map((l) => l.seen.slice(0, 10)).sort()).toEqual(["2024-11-18", "2024-11-19"]);
    const younger = { ticker, since: "2024-11-19" };
    await dlq.list(place, bovespa, younger);
    expect(place.output.documents.at(-1)).toMatchObject([{ letters: 1, first: "2024-11-19T00:00:00.000Z" }]);
    await dlq.list(place, bovespa, { ticker, olderThan: "2024-11-19" });
    expect(place.output.documents.at(-1)).toMatchObject([{ letters: 1, first: "2024-11-18T00:00:00.000Z" }]);
    expect(await replay(place, { ticker })).toMatchObject({ sent: 2, left: 0 });
  });

  test("cut between sending and deleting sends a letter twice at most, and its rows are the same ones", async () => {
    const ticker = "DUAS3";
    const two = letter(ticker, [good(ticker, 0), good(ticker, 1)]);
    await post(place, "bovespa-dlq", [two]);
    const cut = cutting(place, (command) => (command === "DeleteMessageBatchCommand" ? "before" : undefined));
    await expect(dlq.replay(cut, bovespa, { ticker, yes: true })).rejects.toThrow("cut before");
    await place.stack!.idle();
    expect(await of(ticker)).toHaveLength(1);
    expect(await replay(place, { ticker })).toMatchObject({ sent: 1, left: 0 });
    expect(await of(ticker)).toEqual([]);
    expect(await arrived(ticker)).toEqual({ rows: 4, events: 2 });
    expect(await ask(place, `SELECT count(*) AS n FROM bovespa_refined WHERE ticker = '${ticker}'`)).toEqual([
      { n: "2" },
    ]);
  });

  test("of which the outcome is unknown keeps the letter", async () => {
    const ticker = "TALVEZ3";
    await post(place, "bovespa-dlq", [letter(ticker, [good(ticker)])]);
    const lost = cutting(place, (command) => (command === "SendMessageBatchCommand" ? "after" : undefined));
    await expect(dlq.replay(lost, bovespa, { ticker, yes: true })).rejects.toThrow(
      /0 of 1 dead letter sent again.*stay/,
    );
    await place.stack!.idle();
    expect(await of(ticker)).toHaveLength(1);
    expect((await depth(place.aws, "bovespa-dlq")).inFlight).toBe(0);
    expect(await replay(place, { ticker })).toMatchObject({ sent: 1, left: 0 });
    expect(await arrived(ticker)).toMatchObject({ events: 1 });
  });

  test("takes a letter that is there twice once, and both are gone", async () => {
    const ticker = "GEMEO3";
    const twin = letter(ticker, [good(ticker)]);
    await post(place, "bovespa-dlq", [twin, twin, twin]);
    expect(await replay(place, { ticker })).toMatchObject({ found: 1, sent: 1, left: 0 });
    expect(await of(ticker)).toEqual([]);
    expect(await arrived(ticker)).toEqual({ rows: 1, events: 1 });
  });

  test("asks once everything is visible again, and acts on the letters it counted and no other", async () => {
    const ticker = "CONTADO";
    const counted = letter(ticker, [good(ticker, 0)]);
    const late = letter(ticker, [good(ticker, 1)]);
    await post(place, "bovespa-dlq", [counted]);
    // Its document is written after the question and before the second look.
    const between = cutting(place, () => undefined);
    const s3 = between.aws.s3.send.bind(between.aws.s3) as (...all: unknown[]) => Promise<unknown>;
    const seen: number[] = [];
    const send = async (command: { input: { Key?: string } }, ...rest: unknown[]) => {
      if (/replay\.json$/.test(command.input.Key ?? "")) {
        seen.push((await depth(place.aws, "bovespa-dlq")).inFlight);
        await post(place, "bovespa-dlq", [late]);
      }
      return s3(command, ...rest);
    };
    await dlq.replay({ ...between, aws: { ...between.aws, s3: { send } as never } }, bovespa, { ticker, yes: true });
    await place.stack!.idle();
    expect(seen).toEqual([0]);
    expect((await of(ticker)).map((l) => l.body)).toEqual([late.body]);
    await replay(place, { ticker });
  });

  test("leaves a document of who sent what, and a line in the log", async () => {
    const ticker = "AUDITA3";
    const wrong = letter(ticker, [misspelled(ticker)], "invalid_field");
    await post(place, "bovespa-dlq", [wrong]);
    const patch = [`preult=${good(ticker).preult}`];
    const { replay: id } = await replay(place, { ticker, patch });
    expect(place.output.screens.at(-1)).toContain(`replay ${id}`);
    await dlq.listReplays(place, bovespa);
    expect((place.output.documents.at(-1) as object[]).at(-1)).toMatchObject({
      ...{ replay: id, dataset: "bovespa", options: { ticker, patch }, letters: 1, records: 1, accepted: 1, cut: 0 },
      by: { user: expect.any(String), host: expect.any(String) },
    });
    const { part, outcome } = await readPart(place.aws, "bovespa", id!, 1);
    expect(part.letters).toMatchObject([{ id: wrong.id, reason: "invalid_field", ticker, body: wrong.body }]);
    const arrival = { messageId: "", sentAt: "" };
    expect(readDeadLetter(part.letters[0]!.sent!, arrival).records).toEqual([good(ticker)]);
    expect(outcome).toMatchObject({ accepted: 1, not: [] });
    const { readFileSync } = await import("node:fs");
    const lines = readFileSync(`${place.dir}/log.ndjson`, "utf8").trim().split("\n");
    const audits = lines
      .map((line) => JSON.parse(line))
      .filter((l) => l.component === "dlq" && l.metadata.replay === id);
    expect(audits).toMatchObject([
      { level: "INFO", metadata: { dataset: "bovespa", letters: 1, sent: 1, missing: 0 } },
    ]);
  });

  test.each([
    [{ since: "soon" }, /^expected --since as an age \(90s, 10m, 12h, 3d\), a day or an instant in UTC .*, came soon$/],
    [{ olderThan: "2024-13-45" }, "expected --older-than"],
    [{ olderThan: "2024-02-30" }, "expected --older-than"],
    [{ limit: "0" }, "expected --limit N"],
    [{ patch: ["preult"] }, "expected --patch FIELD=VALUE"],
  ])("with %o is refused before anything is started", (options, message) => {
    expect(() => dlq.check(bovespa, options)).toThrow(message);
  });
});
