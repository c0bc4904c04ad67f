import { DeletePartitionCommand } from "@aws-sdk/client-glue";
import { describe, expect, test } from "vitest";
import { receive, release, send } from "../../packages/aws/queues.ts";
import { put, remove } from "../../packages/aws/store.ts";
import { pausedKey } from "../../packages/core/run.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { HOUR, MINUTE, open, rows, SOON, shifted, without } from "./status.fixture.ts";

describe("what is stuck is one sentence, the command that frees it, and exit status 1:", () => {
  test("a dataset that was paused, until it is resumed", async () => {
    const river = await open();
    await river.idle();
    const at = new Date(Date.now() - 2 * HOUR).toISOString();
    await put(river.aws, "state", pausedKey("bovespa"), JSON.stringify({ at, why: "a bad file" }));
    const paused = await river.look();
    expect(paused.exit).toBe(1);
    expect(paused.stuck).toEqual([
      {
        code: "paused",
        dataset: "bovespa",
        what: "bovespa was paused 2 hours ago (a bad file): no new run is opened",
        free: "pregao resume bovespa",
      },
    ]);
    expect(paused.screen).toContain("Stuck: bovespa was paused 2 hours ago (a bad file)");
    await remove(river.aws, "state", pausedKey("bovespa"));
    expect(await river.look()).toMatchObject({ exit: 0, stuck: [] });
  });

  test("dead letters, those of raw objects too, by reason, and a look takes none of them away", async () => {
    const river = await open();
    await river.idle();
    await send(river.aws, "bovespa", [{ id: "1", group: "x", body: "no json" }]);
    await put(river.aws, "lake", "raw/bovespa/ingest_date=2025-08-29/x.parquet", "no parquet");
    await river.idle();
    for (const _ of ["first", "second"]) {
      const { exit, stuck, status } = await river.look();
      expect(exit).toBe(1);
      expect(stuck).toMatchObject([
        {
          code: "refused",
          dataset: "bovespa",
          what: expect.stringMatching(/^1 record of bovespa refused, the oldest \d+ seconds? ago$/),
          free: "pregao dlq list bovespa",
        },
        { code: "refused", dataset: null, free: "pregao dlq list landed" },
      ]);
      expect(status.datasets[0]?.deadLetters).toMatchObject({
        letters: 1,
        looked: 1,
        records: 1,
        reasons: { not_json: 1 },
      });
    }
    expect(river.stack.depth("bovespa-dlq")).toMatchObject({ visible: 1, inFlight: 0 });
  });

  test("more dead letters than a look may take, and those in the hands of another command", async () => {
    const river = await open();
    const bodies = Array.from({ length: 1100 }, (_, i) => ({ id: String(i), group: "x", body: `no json ${i}` }));
    await send(river.aws, "bovespa-dlq", bodies.slice(0, 1));
    const [taken] = await receive(river.aws, "bovespa-dlq", 600);
    await send(river.aws, "bovespa-dlq", bodies.slice(1, 2));
    expect((await river.look()).status.datasets[0]?.deadLetters).toMatchObject({ letters: 2, looked: 1, hidden: 1 });
    const [other] = await receive(river.aws, "bovespa-dlq", 600);
    expect(await river.look()).toMatchObject({
      exit: 1,
      stuck: [{ what: "2 dead letters of bovespa, in the hands of another command or of one that was interrupted" }],
    });
    await release(river.aws, "bovespa-dlq", [taken!.receipt, other!.receipt]);
    await send(river.aws, "bovespa-dlq", bodies.slice(2));
    const { stuck, status, screen } = await river.look();
    expect(status.datasets[0]?.deadLetters).toMatchObject({ letters: 1100, hidden: 0, looked: expect.any(Number) });
    const { looked } = status.datasets[0]!.deadLetters!;
    expect(looked).toBeGreaterThanOrEqual(1000);
    expect(looked).toBeLessThan(1100);
    expect(stuck[0]?.what).toMatch(/^more than 1,0\d\d records of bovespa refused/);
    expect(screen).toMatch(/of the first 1,0\d\d of 1,100 dead letters/);
    expect(river.stack.depth("bovespa-dlq")).toMatchObject({ visible: 1100, inFlight: 0 });
  });

  test("an event that was given up, until the clock has looked again twice", async () => {
    const river = await open({ retryDelays: [] });
    await river.idle();
    await fetch(`${river.stack.url}/2015-03-31/functions/salvage/invocations`, {
      method: "POST",
      headers: { "x-amz-invocation-type": "Event" },
      body: '{"datasets":["nobody"]}',
    });
    await river.idle();
    const lost = await river.look();
    expect(lost.exit).toBe(1);
    expect(lost.stuck).toEqual([
      {
        code: "dropped",
        dataset: null,
        what: "1 event of the function salvage was given up after the last attempt, in the last 30 minutes; its clock looks again within 15 minutes",
        free: "pregao tail --once --level ERROR",
      },
    ]);
    expect(lost.status.functions).toContainEqual({ name: "salvage", dropped: 1, windowSeconds: 1800 });
    expect(await river.look(Date.now() + 32 * MINUTE)).toMatchObject({ exit: 0, stuck: [] });
  });

  test("messages whose consumer fails, once a whole visibility timeout has passed", async () => {
    const clock = shifted();
    const river = await open({ now: clock.now, around: without("consume") });
    await river.file("1", rows(1), 1, clock.now());
    await expect.poll(() => river.stack.depth("bovespa").inFlight, SOON).toBe(1);
    clock.pass(5 * MINUTE);
    expect(await river.look(clock.now())).toMatchObject({ exit: 0, stuck: [] });
    clock.pass(2 * MINUTE);
    const { exit, stuck, screen } = await river.look(clock.now());
    expect([exit, stuck]).toEqual([
      1,
      [
        {
          code: "waiting",
          dataset: "bovespa",
          what: "1 message of bovespa waits, the oldest for 7 minutes; their reader fails, or is behind",
          free: "pregao tail --once --level WARN",
        },
      ],
    ]);
    expect(screen).toMatch(/\d waiting and \d in flight in the queue/);
  });

  test("records that Firehose took and does not deliver", async () => {
    const clock = shifted();
    const river = await open({
      now: clock.now,
      topology: (t) => ({ ...t, streams: t.streams.map((s) => ({ ...s, seconds: 900 })) }),
    });
    await river.file("1", rows(1), 1, clock.now());
    await expect
      .poll(async () => (await river.look(clock.now())).status.datasets[0]?.firehose?.oldestSeconds, SOON)
      .not.toBeNull();
    expect((await river.look(clock.now())).exit).toBe(0);
    clock.pass(16 * MINUTE);
    expect(await river.look(clock.now())).toMatchObject({
      exit: 1,
      stuck: [
        {
          code: "undelivered",
          what: "Firehose took records of bovespa 16 minutes ago and has not delivered them",
          free: "pregao tail --once --level ERROR",
        },
      ],
    });
  });

  test("raw objects that no run takes, though the job could have ended and the clock have looked", async () => {
    const clock = shifted();
    const river = await open({ now: clock.now, around: without("advance") });
    await river.file("1", rows(1), 1, clock.now());
    await expect.poll(async () => (await river.look(clock.now())).status.datasets[0]?.pending?.objects, SOON).toBe(1);
    clock.pass(79 * MINUTE);
    expect((await river.look(clock.now())).stuck.map(({ code }) => code)).not.toContain("pending");
    clock.pass(2 * MINUTE);
    const { exit, stuck } = await river.look(clock.now());
    expect(exit).toBe(1);
    expect(stuck).toContainEqual({
      code: "pending",
      dataset: "bovespa",
      what: "1 raw object of bovespa is in no run, the oldest landed 81 minutes ago",
      free: "pregao tail --once --level WARN",
    });
    expect(stuck).toContainEqual(expect.objectContaining({ code: "waiting", dataset: null }));
  });

  test("a run whose job neither ends nor fails", async () => {
    const river = await open({
      engine: (job) =>
        job.name === "refine-bovespa"
          ? new Promise((_, fail) => {
              job.signal.addEventListener("abort", () => fail(new Error("stopped")));
            })
          : Promise.resolve(),
    });
    await river.file("1", rows(1), 1);
    await expect
      .poll(async () => (await river.look()).status.datasets[0]?.run, { timeout: 20_000 })
      .toMatchObject({ number: 1, attempts: 1, job: "RUNNING", objects: 1 });
    const of = ({ stuck }: { stuck: { dataset: string | null }[] }) => stuck.filter((s) => s.dataset === "bovespa");
    expect(of(await river.look(Date.now() + 79 * MINUTE))).toEqual([]);
    expect(of(await river.look(Date.now() + 81 * MINUTE))).toEqual([
      {
        code: "overdue",
        dataset: "bovespa",
        what: "run 1 of bovespa was opened 81 minutes ago, its job is RUNNING",
        free: "pregao tail --once --level WARN --dataset bovespa",
      },
    ]);
  });

  test("an object on which the job failed; and when all fail, the job and no object", async () => {
    const river = await open({
      engine: (job) => Promise.reject(new Error(`${job.name}: no disk left`)),
    });
    await river.file("1", rows(1), 1);
    await river.idle();
    const one = (await river.look()).stuck.filter(({ dataset }) => dataset === "bovespa");
    expect(one).toMatchObject([
      {
        code: "failed",
        what: expect.stringMatching(/^the job failed on raw\/bovespa\/.*no disk left.*it is tried again/),
      },
    ]);
    await river.file("2", rows(1, 7), 1);
    await river.idle();
    await river.make("calendario");
    const { exit, stuck } = await river.look();
    expect(exit).toBe(1);
    expect(stuck.filter(({ dataset }) => dataset === "bovespa")).toMatchObject([
      {
        code: "broken",
        what: expect.stringMatching(
          /^the job of bovespa is broken, not an object: its last 2 runs failed, none was published in between; last: .*no disk left/,
        ),
        free: "pregao tail --once --level WARN --dataset bovespa",
      },
    ]);
    expect(stuck.find(({ dataset }) => dataset === "calendario")).toMatchObject({
      code: "broken",
      what: expect.stringMatching(/^the job of calendario is broken, not an object: its run failed/),
    });
  });

  test("a run that an audit holds, with the law, the session and the file that would be accepted", async () => {
    const river = await open();
    await river.file("1", rows(3), 3);
    await river.idle();
    const sha256 = await river.file("2", rows(1, 9), 1);
    await river.idle();
    const { exit, stuck, status } = await river.look();
    expect(exit).toBe(1);
    expect(stuck).toEqual([
      {
        code: "held",
        dataset: "bovespa",
        what: expect.stringMatching(
          /^raw\/bovespa\/.* is held by sessao_encolheu on 2025-08-29; publish a corrected file/,
        ),
        free: `pregao accept bovespa --law sessao_encolheu --session 2025-08-29 --origin ${sha256}`,
      },
    ]);
    expect(status.datasets[0]).toMatchObject({
      commit: { status: "held" },
      held: [{ findings: [{ law: "sessao_encolheu" }] }],
    });
  });

  test("a commit that queries do not see, though the clock must have looked", async () => {
    const river = await open();
    await river.file("1", rows(1), 1);
    await river.idle();
    await river.aws.glue.send(
      new DeletePartitionCommand({
        DatabaseName: bovespa.database,
        TableName: "bovespa_refined",
        PartitionValues: ["2025"],
      }),
    );
    expect(await river.look()).toMatchObject({
      exit: 0,
      status: {
        datasets: expect.arrayContaining([
          expect.objectContaining({ commit: expect.objectContaining({ applied: false }) }),
        ]),
      },
    });
    expect(await river.look(Date.now() + 81 * MINUTE)).toMatchObject({
      exit: 1,
      stuck: [
        {
          code: "unapplied",
          what: "commit 1 of bovespa was made 81 minutes ago and queries do not see all of it yet",
          free: "pregao tail --once --level WARN --dataset bovespa",
        },
      ],
    });
    await river.make("bovespa");
    expect(await river.look(Date.now() + 81 * MINUTE)).toMatchObject({ exit: 0, stuck: [] });
  });

  test("a file of which not every row came within a day", async () => {
    const river = await open();
    const sha256 = await river.file("1", rows(2), 3, Date.now() - 23 * HOUR);
    await river.idle();
    expect(await river.look()).toMatchObject({
      exit: 0,
      stuck: [],
      status: {
        datasets: expect.arrayContaining([
          expect.objectContaining({ partial: [expect.objectContaining({ expected: 3 })] }),
        ]),
      },
    });
    const { exit, stuck } = await river.look(Date.now() + 2 * HOUR);
    expect([exit, stuck]).toEqual([
      1,
      [
        {
          code: "partial",
          dataset: "bovespa",
          what: `of the file ${sha256.slice(0, 12)}, archived 25 hours ago, only 2 rows of 3 of session 2025-08-29 came to bovespa`,
          free: `pregao verify bovespa --origin ${sha256}`,
        },
      ],
    ]);
  });

  test("partitions that another version of the SQL made, of a dataset that only a rebuild makes anew", async () => {
    const river = await open();
    await river.file("1", rows(1), 1);
    await river.idle();
    await river.make("calendario");
    const datasets = river.place.datasets.map((d) => ({
      ...d,
      steps: d.steps.map((s) => ({ ...s, sql: `${s.sql}\n-- mended` })),
    }));
    const { exit, stuck, status } = await river.look(undefined, { datasets });
    expect(exit).toBe(1);
    expect(stuck).toEqual([
      {
        code: "behind",
        dataset: "bovespa",
        what: expect.stringMatching(
          /^\d partitions of bovespa were made by another version of its SQL, columns or calendar: bovespa_\w+ year=2025 and \d others$/,
        ),
        free: "pregao refine bovespa --rebuild",
      },
    ]);
    expect(status.datasets[1]).toMatchObject({ dataset: "calendario", behind: [{ table: "calendario" }] });
  });
});
