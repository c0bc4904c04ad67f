import type { ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { connect } from "../../packages/aws/index.ts";
import { depth, send, walk } from "../../packages/aws/queues.ts";
import { getJson } from "../../packages/aws/store.ts";
import { laptop } from "../../packages/core/stage.ts";
import { document, folder, pregao, stackTrace, type Up, up } from "./command.ts";

const { dir, remove } = folder();
const state = join(dir, "state");
let river: Up;
beforeAll(async () => {
  river = await up(state);
});
afterAll(async () => {
  await river.stop();
  remove();
});

/** A command on the river that is up, and what it set going. */
const run = async (...args: string[]) => {
  const ended = await pregao([...args, "--state", state]);
  await river.idle();
  return ended;
};

type Group = { reason: string; letters: number; records: number };
const listed = async (...args: string[]) => document<Group[]>(await run("dlq", "list", "bovespa", "--json", ...args));

describe("dead letters", () => {
  let patch = "";
  test("none of them is a screen with a next command, and no failure", async () => {
    const [list, landed, replay, status] = await Promise.all([
      run("dlq", "list", "bovespa"),
      run("dlq", "list", "landed", "--json"),
      run("dlq", "replay", "bovespa", "--yes", "--json"),
      run("status"),
    ]);
    expect(list).toMatchObject({
      status: 0,
      out: `No dead letters in bovespa.\n\nNext: pregao --state ${state} status\n`,
    });
    expect(document(landed)).toEqual([]);
    expect(document(replay)).toMatchObject({ found: 0, sent: 0, left: 0 });
    expect(status.status).toBe(0);
  });

  test("one of each kind of mistake is listed by its reason, and status says what is stuck and what frees it", async () => {
    const sent = document<{ messages: number; sent: { about: string }[] }>(
      await run("publish", "bovespa", "--invalid", "--json"),
    );
    const groups = await listed();
    expect(groups.map((g) => g.reason).sort()).toEqual(sent.sent.map((s) => s.about).sort());
    const { status, out } = await run("status");
    expect(status).toBe(1);
    expect(out).toMatch(
      new RegExp(
        `Stuck: ${sent.messages} records of bovespa refused, the oldest \\d+ \\w+ ago\\. Next: pregao .* dlq list bovespa`,
      ),
    );
  });

  test("are all in a document, and the oldest ones on a screen, which says so", async () => {
    const all = document<unknown[]>(await run("dlq", "show", "bovespa", "--json"));
    expect(all.length).toBeGreaterThan(10);
    expect((await run("dlq", "show", "bovespa")).out).toContain(`The oldest 10 of ${all.length}`);
    const { out } = await run("dlq", "show", "bovespa", "--reason", "nothing_like_it");
    expect(out).toContain(`None of the ${all.length} dead letters of bovespa is like that.`);
    const { datasets, stuck } = document<{ datasets: { deadLetters: object }[]; stuck: unknown[] }>(
      await run("status", "--json"),
    );
    expect(stuck).toHaveLength(1);
    expect(datasets[0]?.deadLetters).toMatchObject({
      letters: all.length,
      hidden: 0,
      oldest: expect.stringMatching(/^\d{4}-/),
    });
  });

  test("are not sent again without somebody's word, nor with a patch that does not fit them", async () => {
    const before = await listed();
    const refused = await run("dlq", "replay", "bovespa");
    expect(refused).toMatchObject({ status: 0, out: expect.stringMatching(/would be refused again today; --again/) });
    const unasked = await run("dlq", "replay", "bovespa", "--again");
    expect(unasked).toMatchObject({ status: 2, out: "" });
    expect(unasked.err).toMatch(/There is no terminal to ask on: expected --yes/);
    const { status, err } = await run(
      "dlq",
      "replay",
      "bovespa",
      "--reason",
      "not_json",
      "--patch",
      "preult=1.00",
      "--yes",
    );
    expect(status).toBe(1);
    expect(err).toMatch(/\(not_json\) is no message with records.*nothing was sent/);
    expect(err).not.toMatch(stackTrace);
    expect(document(await run("dlq", "replay", "bovespa", "--dry-run", "--json"))).toMatchObject({
      dryRun: true,
      sent: 0,
    });
    expect(await listed()).toEqual(before);
  });

  test("one that is put right and sent again is gone from them", async () => {
    const before = await listed();
    const [quote] = document<{ records: { preabe: string }[] }[]>(
      await run("dlq", "show", "bovespa", "--reason", "invalid_field", "--json"),
    );
    patch = `preult=${quote?.records[0]?.preabe}`;
    const { status, out } = await run(
      "dlq",
      "replay",
      "bovespa",
      "--reason",
      "invalid_field",
      "--patch",
      patch,
      "--yes",
    );
    expect([status, out.split("\n")[0]]).toEqual([0, "1 dead letter sent again."]);
    expect(await listed()).toEqual(before.filter((g) => g.reason !== "invalid_field"));
    const rows = await run("query", "SELECT count(*) AS n FROM bovespa_refined WHERE ticker = 'TESTE99'", "--json");
    expect(document(rows)).toEqual([{ n: "1" }]);
  });

  test("junk that nobody will mend is put into the archive, is found there, and is stuck no more", async () => {
    const reason = ["--reason", "not_json"];
    const asked = await run("dlq", "archive", "bovespa", ...reason);
    expect(asked).toMatchObject({ status: 2, out: "", err: expect.stringContaining("expected --yes") });
    const before = await listed();
    const ended = document(await run("dlq", "archive", "bovespa", ...reason, "--yes", "--json"));
    expect(ended).toMatchObject({ dataset: "bovespa", letters: 1, records: 1, archive: expect.any(String) });
    const aws = connect(laptop(), { AWS_ENDPOINT_URL: river.url });
    const key = `archives/bovespa/${ended.archive}.json`;
    expect(await getJson(aws, "state", key)).toMatchObject({ options: { reason: "not_json" }, letters: 1, by: {} });
    aws.close();
    expect(readFileSync(join(state, "log.ndjson"), "utf8")).toContain("dead letters put into the archive");
    // Listed as before, but for where it is, and shown, and replayed.
    const groups = await listed();
    expect(groups.map(({ reason, letters }) => ({ reason, letters }))).toEqual(
      before.map(({ reason, letters }) => ({ reason, letters })),
    );
    expect(groups.find((g) => g.reason === "not_json")).toMatchObject({ archived: 1 });
    expect(document(await run("dlq", "show", "bovespa", ...reason, "--json"))).toMatchObject([{ at: "archive" }]);
    expect(document(await run("dlq", "replay", "bovespa", ...reason, "--dry-run", "--json"))).toMatchObject({
      found: 1,
    });
    const { datasets } = document<{ datasets: { deadLetters: object }[] }>(await run("status", "--json"));
    expect(datasets[0]?.deadLetters).toMatchObject({ archived: 1, letters: before.length - 1 });
    expect(await run("dlq", "archive", "bovespa", ...reason, "--yes")).toMatchObject({
      status: 0,
      out: expect.stringContaining("is like that"),
    });
  });

  test("fit on a screen, whatever was said of them", async () => {
    const { out } = await run("dlq", "list", "bovespa");
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
    expect(out).toContain("…");
  });

  test("a replay is listed with who sent it, and undone by its name or as the last one", async () => {
    const before = await listed();
    const [last, ...others] = document<{ replay: string; letters: number; by: object; undone: string | null }[]>(
      await run("dlq", "replays", "bovespa", "--json"),
    );
    expect([last, others]).toMatchObject([{ letters: 1, by: { user: expect.any(String) }, undone: null }, []]);
    expect(await run("dlq", "undo", "bovespa")).toMatchObject({ status: 2, out: "" });
    const undone = document(await run("dlq", "undo", "bovespa", "--yes", "--json"));
    expect(undone).toMatchObject({ replay: last!.replay, letters: 1, events: 1, rebuilt: true });
    expect(await listed()).toHaveLength(before.length + 1);
    const rows = await run("query", "SELECT count(*) AS n FROM bovespa_refined WHERE ticker = 'TESTE99'", "--json");
    expect(document(rows)).toEqual([{ n: "0" }]);
    const again = await run("dlq", "undo", "bovespa", last!.replay, "--yes");
    expect([again.status, again.out]).toEqual([0, expect.stringMatching(/was undone \d+ second/)]);
    expect((await run("dlq", "replays", "bovespa")).out).toMatch(/ \d+ seconds? ago\n/);
    expect(await run("dlq", "undo", "landed", "--yes")).toMatchObject({ status: 2 });
    const unnamed = await run("dlq", "undo", "bovespa", "", "--yes");
    expect([unnamed.status, unnamed.err]).toEqual([2, expect.stringMatching(/expected the name of a replay/)]);
    const back = await run(
      "dlq",
      "replay",
      "bovespa",
      "--reason",
      "invalid_field",
      "--patch",
      patch,
      "--yes",
      "--json",
    );
    expect(document(back)).toMatchObject({ sent: 1, pass: { records: 1 } });
    expect(await listed()).toEqual(before);
  });
});

describe("a look that a signal ends", () => {
  test.each([["list"], ["replay"]] as const)("hides no letter for any time: dlq %s", async (verb) => {
    const aws = connect(laptop(), { AWS_ENDPOINT_URL: river.url });
    try {
      const many = Array.from({ length: 6000 }, (_, i) => ({
        id: String(i),
        group: "x",
        body: `no letter ${verb} ${i}`,
      }));
      await send(aws, "landed-dlq", many);
      let child: ChildProcess | undefined;
      const looking = pregao(["dlq", verb, "landed", "--state", state], {
        begun: (process) => {
          child = process;
        },
      });
      await vi.waitFor(async () => expect((await depth(aws, "landed-dlq")).inFlight).toBeGreaterThan(200), {
        timeout: 20_000,
        interval: 1,
      });
      child!.kill("SIGINT");
      expect(await looking).toMatchObject({ status: 130, err: expect.stringMatching(/ended by SIGINT/) });
      expect((await depth(aws, "landed-dlq")).inFlight).toBe(0);
    } finally {
      await walk(aws, "landed-dlq", async (messages, queue) => {
        await queue.remove(messages);
        return undefined;
      });
      aws.close();
    }
  });
});

describe("publish", () => {
  test("sends records of one's own, from a file or standard input, and they end where they belong", async () => {
    const file = join(dir, "own.ndjson");
    const [good] = document<{ records: object[] }[]>(
      await run("dlq", "show", "bovespa", "--reason", "price_order", "--json"),
    );
    const record = { ...good?.records[0], codneg: "TESTE96", premin: "36.10" };
    writeFileSync(file, `\ufeff${JSON.stringify(record)}\r\n\r\n`);
    expect(document(await run("publish", "bovespa", "--file", file, "--json"))).toMatchObject({
      messages: 1,
      accepted: 1,
    });
    const piped = await pregao(["publish", "bovespa", "--file", "-", "--state", state], {
      input: '{"nothing": "of ours"}\n',
    });
    expect(piped.out).toContain("1 message, 1 record of standard input, accepted");
    await river.idle();
    const rows = await run("query", "SELECT count(*) AS n FROM bovespa_refined WHERE ticker = 'TESTE96'", "--json");
    expect(document(rows)).toEqual([{ n: "1" }]);
    expect((await listed("--reason", "invalid_field")).map((g) => g.records)).toEqual([1]);
  });

  test("of a ticker with a quote in it names a query that finds it", async () => {
    const { out } = await run("publish", "bovespa", "--ticker", "T'X", "--count", "2", "--session", "2024-11-10");
    expect(out).toContain("T'X on 2 sessions from 2024-11-07 to 2024-11-08, accepted");
    const sql = /query "(.*)"/.exec(out)?.[1] ?? "";
    expect(document<unknown[]>(await run("query", sql, "--json"))).toHaveLength(2);
  });
});
