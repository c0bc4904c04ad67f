import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newestCommit, pausedSince } from "../../packages/aws/documents.ts";
import { depth } from "../../packages/aws/queues.ts";
import { declareLost, goneObjects } from "../../packages/aws/recall.ts";
import { getBytes, getJson, list, put, remove } from "../../packages/aws/store.ts";
import { accept } from "../../packages/cli/accept.ts";
import { pause, resume } from "../../packages/cli/pause.ts";
import { check, refine } from "../../packages/cli/refine.ts";
import type { PregaoError } from "../../packages/core/errors.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { calendario } from "../../packages/datasets/calendario/index.ts";
import { refineJob } from "../../packages/engines/duckdb/job.ts";
import { ask } from "../place.ts";
import { digest, openRiver, record, type TestRiver } from "./stack.ts";

const [SESSION, EARLIER] = ["2025-08-29", "2024-11-08"];
let river: TestRiver;
let broken = false;

beforeAll(async () => {
  river = await openRiver({
    engine: (job) => (broken ? Promise.reject(new Error("no disk left")) : refineJob(job)),
  });
  await file("1", SESSION, 3);
  await file("1", EARLIER, 2);
});
afterAll(() => river.close());

/** A file of a session with so many rows, each of another ticker and so a message of its own. */
const file = async (version: string, session: string, n: number) => {
  const at = Date.now();
  let sha256 = "";
  for (let i = 0; i < n; i++) sha256 = await river.file(version, [record(`TESTE${i}`, session, 0)], n, at);
  await river.idle();
  return sha256;
};
const commit = async () => (await newestCommit(river.place.aws, "bovespa"))!;
const tables = () =>
  Promise.all(bovespa.tables.map((t) => ask(river.place, `SELECT * FROM ${t.name} ORDER BY ${[...t.key].join(", ")}`)));
const shown = () => river.place.output as TestRiver["place"]["output"] & { documents: unknown[]; screens: string[] };
const document = () => shown().documents.at(-1);
const screen = () => shown().screens.at(-1)!;
const error = (work: Promise<unknown>): Promise<PregaoError> =>
  work.then(
    () => {
      throw new Error("expected a failure");
    },
    (e: PregaoError) => e,
  );
/** A raw object whose bell never rings: no notice covers its name. */
const unheard = async (name: string) => {
  for await (const { key } of list(river.aws, "lake", "raw/bovespa/", { limit: 1 }))
    await put(river.aws, "lake", `${key}.${name}`, (await getBytes(river.aws, "lake", key))!);
};

describe("refine", () => {
  test("takes what no bell told of, and says of each run how it ended", async () => {
    const { commit: before } = await commit();
    const was = await tables();
    await unheard("lost");
    await refine(river.place, bovespa, {});
    expect(document()).toMatchObject({
      dataset: "bovespa",
      runs: [{ run: before + 1, status: "published", objects: 1, rebuild: false }],
      why: "nothing is pending",
      commit: before + 1,
    });
    expect(screen().trimEnd().split("\n").at(-1)).toMatch(/^Next: pregao query/);
    expect(await tables()).toEqual(was);
    await refine(river.place, bovespa, {});
    expect(document()).toMatchObject({ runs: [], commit: before + 1 });
    expect(screen()).toContain("bovespa: nothing is pending");
  });

  test("of a dataset that is computed makes it, once", async () => {
    await refine(river.place, calendario, {});
    expect(document()).toMatchObject({ runs: [{ run: 1, status: "published" }] });
    await refine(river.place, calendario, {});
    expect(document()).toMatchObject({ runs: [], commit: 1 });
  });

  test("says on which object the job failed, and takes it once the cause is gone", async () => {
    await unheard("failing");
    broken = true;
    const failed = await error(refine(river.place, bovespa, {}));
    broken = false;
    expect(failed).toMatchObject({ code: "failed", details: { runs: [{ status: "failed" }] } });
    expect(failed.message).toMatch(/the job failed on raw\/bovespa\/.*failing: .*no disk left.*tried again/);
    // What fails alone waits for another run to be published.
    await refine(river.place, bovespa, { rebuild: true, unit: ["2024"], yes: true });
    await refine(river.place, bovespa, {});
    expect((await commit()).failed).toEqual([]);
  });

  test("options that contradict each other are found before anything", () => {
    expect(() => check({ unit: ["2024"] })).toThrow("--unit with --rebuild");
    expect(() => check({ rebuild: true, retryHeld: true })).toThrow("came both");
    expect(() => check({ withoutGone: true })).toThrow("--without-gone with --rebuild");
    expect(() => check({ rebuild: true, unit: ["2024"] })).not.toThrow();
  });
});

describe("refine --rebuild", () => {
  test("makes every unit anew from raw, a run each, and no row is another", async () => {
    const { commit: before, tables: map } = await commit();
    const was = await tables();
    await refine(river.place, bovespa, { rebuild: true, yes: true });
    expect(document()).toMatchObject({
      units: [
        { run: before + 1, units: ["2024"], status: "published", rebuild: true },
        { run: before + 2, units: ["2025"], status: "published", rebuild: true },
      ],
      left: [],
    });
    expect(screen()).toContain("published, made anew");
    expect(await tables()).toEqual(was);
    const after = await commit();
    for (const [table, partitions] of Object.entries(map))
      for (const [partition, { folder }] of Object.entries(partitions))
        expect(after.tables[table]![partition]!.folder).not.toBe(folder);
  });

  test("only the units that are named", async () => {
    const { commit: before } = await commit();
    await refine(river.place, bovespa, { rebuild: true, unit: ["2025", "2025"], yes: true });
    expect(document()).toMatchObject({ units: [{ run: before + 1, units: ["2025"] }] });
  });

  test("is asked for by a person, of units that there are", async () => {
    const { commit: before } = await commit();
    expect(await error(refine(river.place, bovespa, { rebuild: true }))).toMatchObject({
      code: "usage",
      message: expect.stringMatching(/Make 2 units of bovespa anew from raw \(2024, 2025\)\?.*expected --yes/),
    });
    expect(await error(refine(river.place, bovespa, { rebuild: true, unit: ["1999"], yes: true }))).toMatchObject({
      code: "unit",
      message: "expected units of bovespa (2024, 2025), came --unit 1999",
    });
    expect((await commit()).commit).toBe(before);
  });

  test("whose job fails says so, begins no other unit, and what is published stands", async () => {
    const { commit: before, tables: map } = await commit();
    broken = true;
    const failed = await error(refine(river.place, bovespa, { rebuild: true, yes: true }));
    broken = false;
    expect(failed).toMatchObject({
      code: "failed",
      details: { units: [{ units: ["2024"], status: "failed" }], left: ["2025"] },
    });
    expect(failed.message).toMatch(
      /the rebuild of 2024 is failed \(run \d+\): .*no disk left.*What was published of it stands/,
    );
    expect(await commit()).toMatchObject({ status: "failed", tables: map });
    await river.idle();
    expect((await commit()).commit).toBe(before + 1);
  });
});

describe("what is published of a unit and cannot be read", () => {
  test("fails what arrives for it as often as it comes, counts against no object, and a rebuild mends it", async () => {
    const { folder, files } = (await commit()).tables.bovespa_refined!["year=2024"]!;
    const key = folder + files[0]!.name;
    const bytes = (await getBytes(river.aws, "lake", key))!;
    await put(river.aws, "lake", key, bytes.slice(0, -1));
    await file("1", "2024-11-07", 1);
    const [failed] = (await commit()).failed;
    expect(failed).toMatchObject({ counts: 0, reason: expect.stringContaining(`[base] ${key}: expected`) });
    expect(failed?.reason).toContain("pregao refine bovespa --rebuild --unit 2024");
    await refine(river.place, bovespa, { rebuild: true, unit: ["2024"], yes: true });
    await river.idle();
    expect(await commit()).toMatchObject({ failed: [], rejected: [] });
  });
});

describe("pause and resume", () => {
  test("what arrives waits; a second pause keeps since when; a look at either says so", async () => {
    const { commit: before } = await commit();
    await pause(river.place, bovespa, { why: "a new layout" });
    const first = await pausedSince(river.place.aws, "bovespa");
    expect(document()).toEqual({ dataset: "bovespa", ...first, before: false });
    await pause(river.place, bovespa, {});
    expect(document()).toEqual({ dataset: "bovespa", ...first, before: true });
    await pause(river.place, bovespa, { why: "still" });
    expect(await pausedSince(river.place.aws, "bovespa")).toEqual({ ...first, why: "still" });
    await file("1", "2025-08-28", 1);
    expect((await commit()).commit).toBe(before);
    expect(await error(refine(river.place, bovespa, {}))).toMatchObject({
      code: "paused",
      message: expect.stringMatching(
        /no run of bovespa is opened: paused since .*: still\. Next: pregao resume bovespa/,
      ),
    });
    expect((await commit()).commit).toBe(before);
  });

  test("a rebuild is made all the same: on a feed that never rests, a pause is how one makes room for it", async () => {
    const { commit: before } = await commit();
    await refine(river.place, bovespa, { rebuild: true, unit: ["2024"], yes: true });
    expect(document()).toMatchObject({ units: [{ run: before + 1, units: ["2024"], status: "published" }] });
    expect(screen()).toContain("Next: pregao resume bovespa");
    await river.idle();
    expect((await commit()).commit).toBe(before + 1);
  });

  test("resume takes at once what waited; a second one is no failure", async () => {
    const { commit: before } = await commit();
    await resume(river.place, bovespa);
    expect(document()).toMatchObject({ dataset: "bovespa", paused: { why: "still" }, run: before + 1 });
    await river.idle();
    expect(await commit()).toMatchObject({ commit: before + 1, status: "published" });
    await resume(river.place, bovespa);
    expect(document()).toMatchObject({ paused: null, run: null, commit: before + 1 });
    expect(screen()).toContain("bovespa was not paused.");
  });
});

describe("accept", () => {
  let sha256 = "";
  test("of what is not held says what is, and changes nothing", async () => {
    expect(await error(accept(river.place, bovespa, { law: "sessao_encolheu", yes: true }))).toMatchObject({
      code: "not_held",
      message: expect.stringContaining("Nothing of bovespa is held"),
    });
    sha256 = await file("2", EARLIER, 1);
    const held = `--law sessao_encolheu --session ${EARLIER} --origin ${sha256}`;
    for (const options of [
      { law: "sessao" },
      { law: "sessao_encolheu", session: SESSION },
      { law: "sessao_encolheu", origin: "0000" },
    ])
      expect(await error(accept(river.place, bovespa, { ...options, yes: true }))).toMatchObject({
        code: "not_held",
        message: expect.stringContaining(`Held are: ${held}`),
      });
    expect(await error(accept(river.place, bovespa, { law: "sessao_encolheu" }))).toMatchObject({ code: "usage" });
    expect(await accepted()).toEqual([]);
  });

  test("what is held stays so when it is only tried again", async () => {
    const { commit: before } = await commit();
    await refine(river.place, bovespa, {});
    expect(document()).toMatchObject({ runs: [], commit: before });
    expect(screen()).toContain("by sessao_encolheu on 2024-11-08");
    expect(screen()).toContain(
      `Next: pregao accept bovespa --law sessao_encolheu --session ${EARLIER} --origin ${sha256}`,
    );
    const again = await error(refine(river.place, bovespa, { retryHeld: true }));
    expect(again).toMatchObject({ code: "held", details: { runs: [{ run: before + 1, status: "held" }] } });
    expect(again.message).toContain("Next: pregao accept bovespa --law sessao_encolheu");
    expect((await commit()).held).toHaveLength(1);
  });

  test("publishes what was held, and gives up the law for nothing else", async () => {
    await accept(river.place, bovespa, { law: "sessao_encolheu", origin: sha256.slice(0, 8), yes: true });
    expect(document()).toMatchObject({
      accepted: [{ law: "sessao_encolheu", session: EARLIER, origin: sha256 }],
      runs: [{ status: "published" }],
      held: [],
    });
    expect(await accepted()).toEqual([{ law: "sessao_encolheu", session: EARLIER, origin: sha256 }]);
    const origins = await ask(
      river.place,
      `SELECT DISTINCT origin_sha256 FROM bovespa_refined WHERE data_pregao = DATE '${EARLIER}'`,
    );
    expect(origins).toEqual([{ origin_sha256: sha256 }]);
    await file("2", SESSION, 1);
    expect((await commit()).held).toHaveLength(1);
  });

  test("while the dataset is paused says that it stays held, and why", async () => {
    await pause(river.place, bovespa, { why: "a look" });
    const refused = await error(accept(river.place, bovespa, { law: "sessao_encolheu", yes: true }));
    expect(refused).toMatchObject({ code: "held", details: { accepted: [{ session: SESSION }], runs: [] } });
    expect(refused.message).toMatch(
      /is accepted, and raw\/bovespa\/.* is still held: paused since .*: a look\. Next: pregao resume bovespa$/,
    );
  });

  test("of what was deleted meanwhile: it is held no more, and a dead letter says so", async () => {
    const { commit: before, held } = await commit();
    const [{ key }] = held as [(typeof held)[0]];
    await remove(river.aws, "lake", key);
    await resume(river.place, bovespa);
    await river.idle();
    expect(await commit()).toMatchObject({
      commit: before + 1,
      status: "published",
      held: [],
      rejected: [{ key, reason: "gone" }],
    });
    const { stuck } = await river.look();
    expect(stuck.filter((s) => s.code === "held")).toEqual([]);
    expect((await depth(river.aws, "landed-dlq")).visible).toBe(1);
  });

  const accepted = async () => {
    const found: unknown[] = [];
    for await (const { key } of list(river.aws, "state", "accepted/bovespa/"))
      found.push(await getJson(river.aws, "state", key));
    return found;
  };
});

describe("what was refined and is gone from raw", () => {
  const raw = async () => {
    const keys: string[] = [];
    for await (const { key } of list(river.aws, "lake", "raw/bovespa/")) keys.push(key);
    return keys;
  };
  const rebuilt = (options = {}) => refine(river.place, bovespa, { rebuild: true, yes: true, ...options });
  let was: unknown;
  let bytes: Buffer;
  let key = "";

  test("refuses the rebuild of its units: its rows may be in the tables only", async () => {
    const before = new Set(await raw());
    await file("3", "2025-08-27", 1);
    key = (await raw()).find((one) => !before.has(one))!;
    was = await tables();
    bytes = Buffer.from((await getBytes(river.aws, "lake", key))!);
    await remove(river.aws, "lake", key);
    const { commit: n } = await commit();
    const refused = await error(rebuilt());
    expect(refused).toMatchObject({ code: "rebuild", details: { objects: [{ key }] } });
    expect(refused.message).toContain("may be in the tables only");
    expect(refused.message).toContain("pregao verify bovespa --repair");
    // Not even of the units that it is not in: it is found before any is begun.
    expect((await commit()).commit).toBe(n);
    expect(await tables()).toEqual(was);
  });

  test("asks, with the number of rows that would leave the tables, before it is left out", async () => {
    const asked = await error(refine(river.place, bovespa, { rebuild: true, withoutGone: true }));
    expect(asked.message).toMatch(
      /1 raw object that is gone will never count again \(.*\): [1-9]\d* rows? of the tables/,
    );
    expect(await goneObjects(river.aws, "bovespa")).toMatchObject([{ key }]);
  });

  test("is left out once its rows came again and somebody has seen that they did", async () => {
    await put(river.aws, "lake", `${key}.again`, bytes);
    await refine(river.place, bovespa, {});
    expect((await error(rebuilt())).code).toBe("rebuild");
    const asked = await error(refine(river.place, bovespa, { rebuild: true, withoutGone: true }));
    expect(asked.message).toContain(": 0 rows of the tables");
    await declareLost(river.aws, "bovespa", await goneObjects(river.aws, "bovespa"), "a test", digest);
    await rebuilt();
    expect(await tables()).toEqual(was);
    await rebuilt();
  });

  test("is left out, rows and all, when a person says so", async () => {
    await remove(river.aws, "lake", `${key}.again`);
    await rebuilt({ withoutGone: true });
    expect(await tables()).not.toEqual(was);
    expect(await goneObjects(river.aws, "bovespa")).toEqual([]);
  });
});
