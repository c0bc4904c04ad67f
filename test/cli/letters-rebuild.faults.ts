import { readFile, writeFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { list } from "../../packages/aws/store.ts";
import * as dlq from "../../packages/cli/dlq/index.ts";
import { pause, resume } from "../../packages/cli/pause.ts";
import { refine } from "../../packages/cli/refine.ts";
import type { PregaoError } from "../../packages/core/errors.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { calendario } from "../../packages/datasets/calendario/index.ts";
import { refineJob } from "../../packages/engines/duckdb/job.ts";
import { ask } from "../place.ts";
import { good, letter, letters, post, replay } from "./letters.fixture.ts";
import { openRiver, type TestRiver } from "./stack.ts";

let river: TestRiver;
let job = refineJob;
/** The pace `daily`: what landed waits five minutes for others, so that whoever asks for a run is alone with it. */
beforeAll(async () => {
  river = await openRiver({
    engine: (of) => job(of),
    topology: (built) => ({
      ...built,
      mappings: built.mappings.map((m) => (m.function === "advance" ? { ...m, batch: 1000, window: 300 } : m)),
    }),
  });
  await refine(river.place, calendario, {});
});
afterAll(() => river.close());
afterEach(() => {
  job = refineJob;
});

/** The job, of which a law holds what it made. */
const holding: typeof refineJob = (of) => {
  const write: typeof of.store.write = async (bucket, key, path) => {
    if (bucket === "state") {
      const report = JSON.parse(await readFile(path, "utf8")) as { audit: object[] };
      const finding = { law: "a_law", severity: "hold", session: null, origin: null, detail: "held for a test" };
      await writeFile(path, JSON.stringify({ ...report, audit: [...report.audit, finding] }));
    }
    return of.store.write(bucket, key, path);
  };
  return refineJob({ ...of, store: { ...of.store, write } });
};

type Tested = Parameters<typeof replay>[0];
const place = () => river.place as Tested;
const keys = async (bucket: "lake" | "state", prefix: string) => {
  const all: string[] = [];
  for await (const { key } of list(river.aws, bucket, prefix)) all.push(key);
  return all;
};
const tickers = async () =>
  (await ask(place(), "SELECT DISTINCT ticker FROM bovespa_refined ORDER BY ticker")).map((row) => row.ticker);
const undo = async () => {
  await dlq.undo(place(), bovespa, undefined, { yes: true });
  return place().output.documents.at(-1);
};
const refused = (work: Promise<unknown>): Promise<PregaoError> =>
  work.then(
    (said) => {
      throw new Error(`expected a failure, came ${JSON.stringify(said)}`);
    },
    (error: PregaoError) => error,
  );
/** Sends the dead letter of a record again, and waits until it is in raw. */
const replayed = async (ticker: string, index: number) => {
  const { length } = await keys("lake", "raw/bovespa/");
  await post(place(), "bovespa-dlq", [letter(ticker, [good(ticker, index)])]);
  await replay(place(), { ticker });
  await vi.waitFor(async () => expect((await keys("lake", "raw/bovespa/")).length).toBe(length + 1), 20_000);
};

describe("an undo is not done before its rows have left the tables", () => {
  test("when the job of the rebuild fails, which nobody but the undo itself commits", async () => {
    await replayed("FICA3", 0);
    await replayed("MORTA3", 1);
    await refine(place(), bovespa, {});
    expect(await tickers()).toEqual(["FICA3", "MORTA3"]);
    job = () => Promise.reject(new Error("no disk left"));
    const failed = await refused(undo());
    expect(failed).toMatchObject({ code: "not_rebuilt", details: { letters: 1, events: 1, rebuilt: false } });
    expect(failed.message).toMatch(
      /still in the tables until 2024 can be made anew \(run \d+ is failed: .*no disk left/,
    );
    expect(await tickers()).toEqual(["FICA3", "MORTA3"]);
    expect((await letters(place())).map((l) => l.ticker)).toEqual(["MORTA3"]);
    job = refineJob;
    expect(await undo()).toMatchObject({ rebuilt: true, before: true, units: ["2024"] });
    expect(await tickers()).toEqual(["FICA3"]);
  });

  test("when its rows are the first of a year, in a run that was planned before the withdrawal", async () => {
    await replayed("ANO3", 300);
    const gate = Promise.withResolvers<void>();
    let begun = false;
    job = async (of) => {
      begun = true;
      await gate.promise;
      return refineJob(of);
    };
    const refining = refine(place(), bovespa, {});
    await vi.waitFor(() => expect(begun).toBe(true), 20_000);
    const undone = (await keys("state", "replays/")).filter((key) => /undone/.test(key)).length;
    const undoing = undo();
    await vi.waitFor(
      async () => expect((await keys("state", "replays/")).filter((key) => /undone/.test(key)).length).toBe(undone + 1),
      20_000,
    );
    gate.resolve();
    expect(await undoing).toMatchObject({ events: 1, units: ["2019"], rebuilt: true });
    await refining;
    expect(await tickers()).not.toContain("ANO3");
  });

  test("when a law holds the rebuild", async () => {
    await replayed("RETIDA3", 2);
    await refine(place(), bovespa, {});
    job = holding;
    const held = await refused(undo());
    expect(held).toMatchObject({ code: "not_rebuilt", details: { rebuilt: false } });
    expect(held.message).toMatch(/run \d+ is held: a_law: held for a test/);
    expect(await tickers()).toContain("RETIDA3");
    job = refineJob;
    expect(await undo()).toMatchObject({ rebuilt: true, before: true });
    expect(await tickers()).not.toContain("RETIDA3");
  });

  test("also while the dataset is paused", async () => {
    await replayed("PAUSA3", 3);
    await refine(place(), bovespa, {});
    await pause(place(), bovespa, { why: "a new layout" });
    expect(await undo()).toMatchObject({ rebuilt: true });
    expect(await tickers()).not.toContain("PAUSA3");
    await resume(place(), bovespa);
  });
});
