import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { send } from "../../packages/aws/queues.ts";
import { getJson, list, put } from "../../packages/aws/store.ts";
import { limitsOf, stuckIn } from "../../packages/cli/status/stuck.ts";
import { commitKey, pausedKey } from "../../packages/core/run.ts";
import { topology } from "../../packages/core/topology.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { catalogue } from "../../packages/datasets/index.ts";
import { document, folder, pregao } from "./command.ts";
import { record } from "./stack.ts";
import { HOUR, open, rows, SESSION } from "./status.fixture.ts";

describe("a river at rest", () => {
  test("is not stuck because the exchange was closed or its newest session is old", async () => {
    const river = await open();
    await river.file("1", [record("TESTE3", SESSION, 0)], 1);
    await river.idle();
    const sunday = Date.parse("2025-08-31T15:00:00Z");
    const onSunday = await river.look(sunday);
    expect(onSunday.status.datasets[0]?.session).toEqual({ last: SESSION, days: 2, behind: 0 });
    expect(onSunday).toMatchObject({ exit: 0, stuck: [] });
    expect(onSunday.screen).toContain("last session 2025-08-29, the newest there is (2 days ago)");
    // Monday's own file comes in the evening; on Wednesday two are missing. 2025-09-07 was a Sunday.
    expect((await river.look(Date.parse("2025-09-01T15:00:00Z"))).status.datasets[0]?.session?.behind).toBe(0);
    const later = await river.look(Date.parse("2025-09-03T15:00:00Z"));
    expect(later.status.datasets[0]?.session).toEqual({ last: SESSION, days: 5, behind: 2 });
    expect(later).toMatchObject({ exit: 0, stuck: [] });
    expect(later.screen).toContain("2 sessions behind");
    expect(later.screen).toContain("Next: pregao ingest bovespa --from 2025-08-27 --to 2025-09-02 --wait");
  });
});

test("a test message of today passes for a session, so that nobody is behind", async () => {
  const river = await open();
  await river.file("1", [record("TESTE3", SESSION, 0)], 1);
  await river.file("by hand", [record("TESTE3", "2025-09-02", 0)], null);
  await river.idle();
  const { status } = await river.look(Date.parse("2025-09-03T15:00:00Z"));
  expect(status.datasets[0]?.session).toEqual({ last: SESSION, days: 5, behind: 2 });
});

describe("a river that does not run", () => {
  test("is looked at without being set going, and old messages in it are stuck because nothing runs", async () => {
    const anHourAgo = Date.now() - HOUR;
    const river = await open({ still: true, now: () => anHourAgo });
    await river.file("1", rows(1), 1, anHourAgo);
    await river.stack.stop();
    const again = await open({ dir: river.dir, still: true });
    const before = again.stack.depth("bovespa");
    const { exit, stuck, screen } = await again.look(undefined, { stack: again.stack });
    expect([exit, stuck]).toEqual([
      1,
      [
        {
          code: "waiting",
          dataset: "bovespa",
          what: "1 message of bovespa waits, the oldest for 60 minutes, and nothing is running",
          free: "pregao up",
        },
      ],
    ]);
    expect(screen).toContain("Nothing is running.");
    expect(before).toMatchObject({ visible: 1, inFlight: 0 });
    expect(again.stack.depth("bovespa")).toMatchObject({ visible: 1, inFlight: 0 });
    const keys: string[] = [];
    for await (const { key } of list(again.aws, "state", "")) keys.push(key);
    expect(keys).toEqual([]);
    expect(await getJson(again.aws, "state", pausedKey(bovespa.name))).toBeNull();
  });
});

test("an object that came late is pending, though no listing of the open dates shows it", async () => {
  const river = await open();
  await river.file("1", rows(1), 1);
  await river.idle();
  await put(river.aws, "state", pausedKey("bovespa"), JSON.stringify({ at: new Date().toISOString(), why: "" }));
  const key = "raw/bovespa/ingest_date=2020-01-01/late.parquet";
  await put(river.aws, "lake", key, "as late as can be");
  const late: { key: string; etag: string; size: number; late: true }[] = [];
  for await (const { etag, size } of list(river.aws, "lake", key)) late.push({ key, etag, size, late: true });
  const newest = (await river.look()).status.datasets[0]!.commit!.number;
  const commit = (await getJson(river.aws, "state", commitKey("bovespa", newest))) as Record<string, unknown>;
  const through = new Date().toISOString().slice(0, 10);
  const next = { ...commit, commit: newest + 1, through, late };
  await put(river.aws, "state", commitKey("bovespa", newest + 1), JSON.stringify(next));
  expect((await river.look()).status.datasets[0]?.pending).toMatchObject({ objects: 1, bytes: late[0]!.size });
});

test("looks for files that were given up are told of, though no function dropped them lately", async () => {
  const river = await open();
  expect((await river.look()).status.givenUp).toEqual({ queue: "scrape-dlq", letters: 0 });
  await send(river.aws, "scrape-dlq", [{ id: "1", group: "x", body: "{}" }]);
  const { status, screen } = await river.look();
  expect(status.givenUp).toEqual({ queue: "scrape-dlq", letters: 1 });
  expect(screen).toContain("looks\n  given up   1, with their errors in the queue scrape-dlq");
});

test("names from tables and keys neither steer the terminal nor are commands of their own", () => {
  const evil = "x\u001b[31m'; rm -rf ~ #";
  const at = new Date(0).toISOString();
  const findings = [{ law: evil, session: null, origin: evil }];
  const queue = { visible: 0, inFlight: 0, delayed: 0, oldestSeconds: null };
  const deadLetters = { letters: 0, looked: 0, records: 0, hidden: 0, oldest: null, reasons: {}, archived: 0 };
  const dataset = {
    ...{ dataset: "bovespa", session: null, looks: null, commit: null, paused: null, run: null, queue, firehose: null },
    ...{ pending: null, held: [{ key: evil, findings }], failed: [{ key: evil, at, reason: evil }], broken: null },
    ...{ behind: [{ table: evil, partition: evil }], rebuilds: true, deadLetters },
    partial: [{ session: evil, origin: evil, part: evil, expected: 2, seen: 1, since: at }],
  };
  const found = {
    ...{ stage: "local", account: "000000000000", region: "sa-east-1" },
    state: "",
    endpoint: null,
    running: true,
    functions: [],
    landed: { queue, deadLetters },
  };
  const limits = limitsOf(topology(catalogue({}), "intraday"));
  const stuck = stuckIn({ ...found, datasets: [dataset] }, limits, Date.now());
  expect(stuck.map(({ code }) => code)).toEqual(["held", "failed", "partial", "behind"]);
  expect(JSON.stringify(stuck)).not.toContain("\\u001b");
  const quoted = "'x·[31m'\\''; rm -rf ~ #'";
  expect(stuck.map(({ free }) => free)).toEqual([
    `pregao accept bovespa --law ${quoted} --origin ${quoted}`,
    expect.stringMatching(/^pregao tail/),
    `pregao verify bovespa --origin ${quoted}`,
    "pregao refine bovespa --rebuild",
  ]);
});

test("a look where no river ever was makes none, calls none healthy, and says where to begin", async () => {
  const { dir, remove } = folder();
  const state = join(dir, "none");
  const said = await pregao(["status", "--state", state]);
  expect([said.status, said.out]).toEqual([1, ""]);
  expect(said.err).toMatch(/expected a state directory at .*none, there is none\. Next: pregao --state .* demo/);
  const json = await pregao(["status", "--json"], { cwd: dir });
  expect([json.status, document(json)]).toMatchObject([1, { error: "no_state" }]);
  expect([existsSync(state), existsSync(join(dir, ".pregao"))]).toEqual([false, false]);
  remove();
});

test("two indexes' files of one day that came in part are told apart by a digest alone", () => {
  const at = new Date(0).toISOString();
  const queue = { visible: 0, inFlight: 0, delayed: 0, oldestSeconds: null };
  const deadLetters = { letters: 0, looked: 0, records: 0, hidden: 0, oldest: null, reasons: {}, archived: 0 };
  const of = { session: SESSION, expected: 2, seen: 1, since: at };
  const dataset = {
    ...{ dataset: "carteira", session: null, looks: null, commit: null, paused: null, run: null, queue },
    ...{ firehose: null, pending: null, held: [], failed: [], broken: null, behind: [], rebuilds: true, deadLetters },
    partial: ["IBOV", "SMLL", null].map((part, i) => ({ ...of, part, origin: `${i}`.repeat(64) })),
  };
  const found = {
    ...{ stage: "local", account: "000000000000", region: "sa-east-1", state: "", endpoint: null, running: true },
    ...{ functions: [], landed: { queue, deadLetters }, datasets: [dataset] },
  };
  const stuck = stuckIn(found, limitsOf(topology(catalogue({}), "intraday")), Date.now());
  expect(stuck.map(({ what }) => what.split(", ")[0])).toEqual([
    "of the file 000000000000 of IBOV",
    "of the file 111111111111 of SMLL",
    "of the file 222222222222",
  ]);
});

test("a published file that is damaged is named with what makes it anew, and the job is not called broken", () => {
  const reason =
    "jr_1: FAILED PregaoError: [base] refined/t/run=1-j/year=2024/f.parquet: expected 9 bytes as its commit says, it has 8. What is published was damaged: restore it, or make it anew by pregao refine bovespa --rebuild --unit 2024";
  const queue = { visible: 0, inFlight: 0, delayed: 0, oldestSeconds: null };
  const deadLetters = { letters: 0, looked: 0, records: 0, hidden: 0, oldest: null, reasons: {}, archived: 0 };
  const dataset = {
    ...{ dataset: "bovespa", session: null, looks: null, commit: null, paused: null, run: null, queue, firehose: null },
    ...{ pending: null, held: [], failed: [{ key: "raw/x", at: new Date(0).toISOString(), reason }] },
    ...{ behind: [], rebuilds: true, deadLetters, partial: [] },
  };
  const limits = limitsOf(topology(catalogue({}), "intraday"));
  const of = (broken: { runs: number; reason: string } | null) =>
    stuckIn(
      {
        ...{ stage: "local", account: "000000000000", region: "sa-east-1", state: "" },
        ...{ endpoint: null, running: true, functions: [] },
        ...{ landed: { queue, deadLetters }, datasets: [{ ...dataset, broken }] },
      },
      limits,
      Date.now(),
    );
  for (const broken of [null, { runs: 3, reason }])
    expect(of(broken)).toMatchObject([
      {
        code: "damaged",
        what: expect.stringMatching(
          /^a published file of bovespa is damaged, refined\/t\/run=1-j\/year=2024\/f.parquet: expected 9 bytes as its commit says, it has 8; /,
        ),
        free: "pregao refine bovespa --rebuild --unit 2024",
      },
    ]);
});
