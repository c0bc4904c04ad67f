import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type ReplayState, replays } from "../../packages/aws/replays.ts";
import { getJson, list as objects, put } from "../../packages/aws/store.ts";
import * as dlq from "../../packages/cli/dlq/index.ts";
import { refine } from "../../packages/cli/refine.ts";
import type { Law } from "../../packages/core/dataset.ts";
import { partKey } from "../../packages/core/replay.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { ask, testPlace } from "../place.ts";
import { cutting, good, letter, letters, misspelled, negative, post, replay } from "./letters.fixture.ts";
import { cutsSuite, tablesOf, undoCuts, undoIn } from "./letters-undo.suite.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
beforeAll(async () => {
  place = await testPlace();
  await post(place, "bovespa-dlq", [letter("OUTRA1", [good("OUTRA1", 0), good("OUTRA1", 50)])]);
  await replay(place);
});
afterAll(() => place.remove());

const undo = (id?: string) => undoIn(place, id);
const tables = () => tablesOf(place);
const tickers = async () =>
  (await ask(place, "SELECT DISTINCT ticker FROM bovespa_refined ORDER BY ticker")).map((row) => row.ticker);
const withdrawn = async () => {
  const keys: string[] = [];
  for await (const { key } of objects(place.aws, "state", "withdrawn/")) keys.push(key);
  return keys.length;
};
const allReplays = async () => {
  const all: ReplayState[] = [];
  for await (const one of replays(place.aws, "bovespa")) all.push(one);
  return all;
};
/** As if so many minutes had passed for this process. */
const later = async <T>(minutes: number, work: () => Promise<T>): Promise<T> => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + minutes * 60_000 });
  try {
    return await work();
  } finally {
    vi.useRealTimers();
  }
};
const newest = async () => (await allReplays()).at(-1)!.replay.replay;
const bodies = async () => (await letters(place)).map((l) => l.body);

describe("undo of a replay", () => {
  test("gives back exactly the records that had passed, and leaves every table as it was before", async () => {
    const before = await tables();
    const mixed = letter("MISTA3", [good("MISTA3", 0), negative("MISTA3", 1), good("MISTA3", 2)]);
    await post(place, "bovespa-dlq", [mixed]);
    const { replay: id, pass, refuse } = await replay(place);
    expect([pass, refuse.map((r) => [r.reason, r.records])]).toEqual([{ letters: 1, records: 2 }, [["negative", 1]]]);
    expect(await tickers()).toContain("MISTA3");
    const [refused] = await letters(place);
    expect(refused).toMatchObject({ reason: "negative", attempts: 2, before: ["unjudgeable"] });

    expect(await undo()).toMatchObject({ replay: id, letters: 1, events: 2, rebuilt: true, before: false });
    expect(await tables()).toEqual(before);
    expect(await withdrawn()).toBe(2);
    const all = await letters(place);
    expect(all.map((l) => [l.reason, l.attempts, l.records]).sort()).toEqual(
      [
        ["negative", 2, [negative("MISTA3", 1)]],
        ["unjudgeable", 1, [good("MISTA3", 0), good("MISTA3", 2)]],
      ].sort(),
    );
  });

  test("asked for again by its name it says that it was done, and changes nothing", async () => {
    const before = [await tables(), await bodies()];
    expect(await undo(await newest())).toMatchObject({ letters: 1, events: 2, rebuilt: true, before: true });
    expect([await tables(), await bodies()]).toEqual(before);
  });

  test("a later replay of what was withdrawn lets it count again", async () => {
    const { pass, stay } = await replay(place);
    expect([pass.records, stay.failedBefore.letters]).toEqual([2, 1]);
    expect(await withdrawn()).toBe(0);
    const rows = await ask(place, "SELECT count(*) AS n FROM bovespa_refined WHERE ticker = 'MISTA3'");
    expect(rows).toEqual([{ n: "2" }]);
  });

  test("takes back the letter as it was before the patch", async () => {
    const before = await tables();
    const wrong = letter("TORTA3", [misspelled("TORTA3")], "invalid_field");
    await post(place, "bovespa-dlq", [wrong]);
    const { sent } = await replay(place, { ticker: "TORTA3", patch: [`preult=${good("TORTA3").preult}`] });
    expect([sent, await tickers()]).toEqual([1, expect.arrayContaining(["TORTA3"])]);
    await undo();
    expect(await bodies()).toContain(wrong.body);
    expect(await tables()).toEqual(before);
  });

  test("before its rows have arrived keeps them out all the same", async () => {
    const before = await tables();
    const early = letter("CEDO3", [good("CEDO3", 0), good("CEDO3", 1)]);
    await post(place, "bovespa-dlq", [early]);
    await dlq.replay(place, bovespa, { ticker: "CEDO3", yes: true });
    // Its message is in the queue, in the stream or in a run: nobody waited.
    expect(await undo()).toMatchObject({ events: 2, rebuilt: true });
    expect(await tables()).toEqual(before);
    expect(await bodies()).toContain(early.body);
  });

  test("takes back what passed by the rules of the day it was sent, whatever today's say", async () => {
    const before = await tables();
    const mixed = letter("REGRA3", [good("REGRA3", 0), negative("REGRA3", 1), good("REGRA3", 2)]);
    await post(place, "bovespa-dlq", [mixed]);
    await replay(place, { ticker: "REGRA3" });
    const no = { code: "never", broken: () => "nothing passes any more" } as unknown as Law;
    const strict = { ...bovespa, raw: { ...bovespa.raw!, laws: [no] } };
    await dlq.undo(place, strict, undefined, { yes: true });
    expect(place.output.documents.at(-1)).toMatchObject({ letters: 1, events: 2, rebuilt: true });
    expect(await tables()).toEqual(before);
    expect((await letters(place)).find((l) => l.ticker === "REGRA3" && l.attempts === 1)?.records).toEqual([
      good("REGRA3", 0),
      good("REGRA3", 2),
    ]);
  });

  test("of documents of before, which do not say what passed, asks the judge", async () => {
    const old = letter("ANTIGA3", [good("ANTIGA3", 0), negative("ANTIGA3", 1)]);
    await post(place, "bovespa-dlq", [old]);
    const { replay: id } = await replay(place, { ticker: "ANTIGA3" });
    const key = partKey("bovespa", id!, 1);
    const part = (await getJson(place.aws, "state", key)) as { letters: Record<string, unknown>[] };
    const bare = part.letters.map(({ passed: _, restored: __, ...rest }) => rest);
    await put(place.aws, "state", key, JSON.stringify({ format: 1, letters: bare }));
    expect(await undo(id!)).toMatchObject({ letters: 1, events: 1, rebuilt: true });
    expect(await tickers()).not.toContain("ANTIGA3");
  });

  test("that is still under way, or was cut a moment ago, is refused; once it is surely over it is not", async () => {
    const open = letter("CORRE3", [good("CORRE3", 0)]);
    await post(place, "bovespa-dlq", [open]);
    const cut = cutting(place, (c, i) =>
      c === "PutObjectCommand" && /\.sent\.json$/.test(String(i.Key)) ? "before" : undefined,
    );
    await expect(replay(cut, { ticker: "CORRE3" })).rejects.toThrow("cut before");
    await place.stack!.idle();
    await expect(undo()).rejects.toThrow(/still under way, or was cut within the last two minutes/);
    expect(await tickers()).toContain("CORRE3");
    await later(3, () => undo());
    expect(place.output.documents.at(-1)).toMatchObject({ letters: 1, events: 1, rebuilt: true });
    expect(await tickers()).not.toContain("CORRE3");
    expect((await bodies()).filter((body) => body === open.body)).toHaveLength(1);
  });

  test("of one that nobody knows, or of what cannot be undone, says so", async () => {
    await expect(undo("none-such")).rejects.toThrow("expected the replay none-such of bovespa, there is none");
    for (const name of ["", "../landed", "a/b"])
      expect(() => dlq.undoable(bovespa, name)).toThrow("expected the name of a replay");
    await expect(dlq.undo(place, dlq.landed, undefined, { yes: true })).rejects.toThrow("cannot be undone");
    await expect(dlq.undo(place, bovespa, await newest(), {})).resolves.toBeUndefined();
  });
});

describe("what was withdrawn stays so for as long as its letter waits", () => {
  const ticker = "VOLTA3";
  const waiting = letter(ticker, [good(ticker, 0), good(ticker, 1)]);
  beforeAll(async () => {
    await post(place, "bovespa-dlq", [waiting, letter("OUTRA2", [negative("OUTRA2")])]);
    await replay(place, { ticker });
    await undo();
  });
  /** A process that dies when it is about to send; its letters are visible at once. */
  const dying = () => {
    let dead = false;
    return cutting(place, (command) => {
      dead ||= command === "SendMessageBatchCommand";
      return dead && command !== "ChangeMessageVisibilityBatchCommand" ? "before" : undefined;
    });
  };
  /** A letter that waits is in no table, whoever makes the year anew. */
  const waits = async () => {
    expect((await bodies()).filter((body) => body === waiting.body)).toHaveLength(1);
    await refine(place, bovespa, { rebuild: true, yes: true });
    await place.stack!.idle();
    expect(await tickers()).not.toContain(ticker);
  };

  test("when the queue does not accept it", async () => {
    const before = await withdrawn();
    const refusing = cutting(place, (c) => (c === "SendMessageBatchCommand" ? "before" : undefined));
    await expect(replay(refusing, { ticker })).rejects.toThrow("0 of 1 dead letter sent again");
    expect(await withdrawn()).toBe(before);
    await waits();
  });

  test("when its replay was cut before it was sent: the next replay withdraws it again, whatever letters that is of", async () => {
    const before = await withdrawn();
    await expect(replay(dying(), { ticker })).rejects.toThrow("cut before");
    expect(await withdrawn()).toBe(before - 2);
    await later(3, () => replay(place, { ticker: "OUTRA2", again: true }));
    expect(await withdrawn()).toBe(before);
    await waits();
    const all = await allReplays();
    expect(all.filter((r) => r.cut > 0 && !r.undone)).toEqual([]);
  });

  test("when its replay was cut: the undo of another one withdraws it again before anything is made anew", async () => {
    await post(place, "bovespa-dlq", [letter("OUTRA4", [good("OUTRA4")])]);
    const { replay: other } = await replay(place, { ticker: "OUTRA4" });
    await expect(replay(dying(), { ticker })).rejects.toThrow("cut before");
    await later(3, () => undo(other!));
    await waits();
  });

  test("and counts again once it was accepted", async () => {
    expect(await replay(place, { ticker })).toMatchObject({ sent: 1 });
    expect(await tickers()).toContain(ticker);
  });
});

describe("an undo that is cut", () => cutsSuite(() => place, undoCuts.slice(3, 4)));
