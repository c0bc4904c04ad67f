import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { newestCommit } from "../../packages/aws/documents.ts";
import { put } from "../../packages/aws/store.ts";
import { followed, waitedFor } from "../../packages/cli/account.ts";
import { flow, openFile } from "../../packages/cli/ingest.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { ask, sendFile, testPlace } from "../place.ts";
import { cotahist } from "../synthetic.ts";
import { document, type Ended, folder, pregao } from "./command.ts";

const { dir, remove } = folder();
afterAll(remove);

const fileOf = (name: string, session: string, rows: number, seed: number): string => {
  const path = join(dir, name);
  writeFileSync(path, cotahist({ sessions: [session], perSession: rows, seed }));
  return path;
};

test("a verb that only looks makes no state directory and calls none healthy", async () => {
  const state = join(dir, "typo");
  const verbs = [
    ["status"],
    ["query", "SELECT 1"],
    ["verify"],
    ["explain", "PETR4", "2024-11-08"],
    ["refine", "bovespa"],
    ["pause", "bovespa"],
    ["resume", "bovespa"],
    ["accept", "bovespa", "--law", "x", "--yes"],
    ["dlq", "list", "bovespa"],
    ["dlq", "show", "bovespa"],
    ["dlq", "replay", "bovespa", "--yes"],
    ["dlq", "replays", "bovespa"],
    ["dlq", "undo", "bovespa", "--yes"],
    ["dlq", "archive", "bovespa", "--yes"],
  ];
  for (const verb of verbs) {
    const ended = await pregao([...verb, "--json", "--state", state]);
    expect([verb, ended.status]).toEqual([verb, 1]);
    expect([verb, document(ended)]).toEqual([
      verb,
      {
        error: "no_state",
        message: expect.stringMatching(/^expected a state directory at .*typo, there is none\. Next: /),
      },
    ]);
  }
  expect(existsSync(state)).toBe(false);
});

test("who waits for a paused dataset is told so once all of it is in raw, and not left to wait for ever", async () => {
  const place = await testPlace();
  try {
    const why = "the exchange corrects March";
    await put(place.aws, "state", "paused/bovespa.json", JSON.stringify({ at: "2026-01-02T03:04:05.000Z", why }));
    const path = fileOf("paused.txt", "2024-03-07", 20, 1);
    await expect(sendFile(place, bovespa, path)).rejects.toMatchObject({
      code: "paused",
      message: `bovespa is paused since 2026-01-02T03:04:05.000Z (${why}): what was sent waits in raw. Next: pregao resume bovespa`,
    });
    expect(await ask(place, "SELECT count(DISTINCT event_id) AS n FROM bovespa_raw")).toEqual([{ n: "20" }]);
    expect(await waitedFor(place, bovespa)).toMatch(
      /^0 messages in the queue, [1-9]\d* raw objects? pending, no run under way$/,
    );
  } finally {
    await place.remove();
  }
});

test("what is held, fails or is refused of others is nobody's who waits for a file of his own", async () => {
  const place = await testPlace();
  try {
    await sendFile(place, bovespa, fileOf("all.txt", "2024-03-07", 100, 1));
    const before = await newestCommit(place.aws, "bovespa");
    const few = sendFile(place, bovespa, fileOf("few.txt", "2024-03-07", 50, 2));
    await expect(few).rejects.toMatchObject({ code: "held" });
    const today = new Date().toISOString().slice(0, 10);
    await put(place.aws, "lake", `raw/bovespa/ingest_date=${today}/junk.parquet`, "no Parquet");
    await vi.waitFor(async () => expect((await newestCommit(place.aws, "bovespa"))?.rejected).toHaveLength(1), 20_000);
    // As if it had begun before all that.
    const { file, close } = await openFile(fileOf("own.txt", "2023-03-07", 20, 3));
    const { scraped } = await flow(place, bovespa, file, false).finally(close);
    const account = await followed(place, bovespa, scraped, before, () => {});
    expect(account).toMatchObject({ sent: 20, raw: 20, superseded: 0 });
  } finally {
    await place.remove();
  }
});

test("a command that ends badly lets the others that use its river finish", async () => {
  const state = join(dir, "shared");
  const ingest = (path: string, begun?: (err: string) => void) =>
    pregao(["ingest", "bovespa", "--file", path, "--wait", "--json", "--state", state], {
      watch: (_, { err }) => begun?.(err),
    });
  expect(await ingest(fileOf("first.txt", "2024-03-07", 100, 1))).toMatchObject({ status: 0 });
  const host = ingest(fileOf("second.txt", "2024-03-07", 50, 2));
  // Whoever comes now uses the river of the first.
  await vi.waitFor(() => expect(existsSync(join(state, "stack.json"))).toBe(true), { timeout: 20_000 });
  const guests: Ended[] = await Promise.all([
    ingest(fileOf("third.txt", "2023-03-07", 2_000, 3)),
    ingest(fileOf("fourth.txt", "2022-03-07", 2_000, 4)),
  ]);
  const held = await host;
  expect([held.status, document(held)]).toMatchObject([1, { error: "held" }]);
  // Firehose may have put rows of both into one object: then that is held, which is no end of the river.
  for (const guest of guests)
    expect(document(guest)).toMatchObject(guest.status === 0 ? { account: { raw: 2_000 } } : { error: "held" });
});
