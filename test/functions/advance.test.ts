import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DeletePartitionCommand, GetTableCommand, UpdatePartitionCommand } from "@aws-sdk/client-glue";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { advance, readBell, standing } from "../../functions/advance.ts";
import { readCatalog } from "../../packages/aws/catalog.ts";
import { attempts, startJob } from "../../packages/aws/jobs.ts";
import { inspect } from "../../packages/aws/parquet.ts";
import { depth, send } from "../../packages/aws/queues.ts";
import { create, getBytes, getJson, list, put, remove } from "../../packages/aws/store.ts";
import { publish } from "../../packages/cli/publish.ts";
import { differs } from "../../packages/core/advance.ts";
import { type Commit, parseCommit } from "../../packages/core/commit.ts";
import { shapeOf } from "../../packages/core/facts.ts";
import { type DeadLetter, readDeadLetter } from "../../packages/core/reject.ts";
import {
  acceptedKey,
  commitKey,
  nameObject,
  parseRun,
  pausedKey,
  runKey,
  withdrawnKey,
} from "../../packages/core/run.ts";
import { laptop } from "../../packages/core/stage.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { openSession } from "../../packages/engines/duckdb/session.ts";
import { peek } from "../peek.ts";
import { ask, testPlace } from "../place.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
const scratch = mkdtempSync(join(tmpdir(), "pregao-advance-"));

beforeAll(async () => {
  place = await testPlace();
  await publish(place, bovespa, { count: "2", session: "2024-11-08" });
  await place.stack!.idle();
});
afterAll(async () => {
  await place.remove();
  rmSync(scratch, { recursive: true, force: true });
});

const newest = async (): Promise<Commit> => {
  for await (const { key } of list(place.aws, "state", "commits/bovespa/", { limit: 1 }))
    return parseCommit(await getJson(place.aws, "state", key), key);
  throw new Error("no commit");
};
const letters = (): Promise<DeadLetter[]> =>
  peek(place.aws, "landed-dlq", (messages) => messages.map((m) => readDeadLetter(m.body, m)));
const rawKeys = async () => {
  const keys: string[] = [];
  for await (const { key } of list(place.aws, "lake", "raw/bovespa/")) keys.push(key);
  return keys;
};
const parquet = async (sql: string): Promise<Uint8Array> => {
  const session = await openSession({ scratch });
  const path = join(scratch, "made.parquet");
  try {
    await session.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`);
  } finally {
    await session.close();
  }
  return readFileSync(path);
};
const land = async (name: string, body: Uint8Array | string, date = new Date().toISOString().slice(0, 10)) => {
  const key = `raw/bovespa/ingest_date=${date}/${name}.parquet`;
  await put(place.aws, "lake", key, body);
  return key;
};

describe("a bell", () => {
  const stage = laptop();
  // As text: to write such a value is too deep for JSON.stringify as well.
  const nested = (body: unknown) =>
    JSON.stringify(body).replace('"deep"', `${"[".repeat(50_000)}${"]".repeat(50_000)}`);
  const bell = (body: unknown) => readBell(stage, [bovespa], typeof body === "string" ? body : JSON.stringify(body));
  const notice = (key: string, bucket = "lake") => ({
    Records: [{ s3: { bucket: { name: bucket }, object: { key } } }],
  });

  test("names a dataset and a key, form-encoded with / kept", () => {
    expect(bell(notice("raw/bovespa/ingest_date%3D2025-01-10/a+b%2Bc.parquet"))).toEqual({
      for: ["bovespa"],
      keys: ["raw/bovespa/ingest_date=2025-01-10/a b+c.parquet"],
      problem: null,
    });
  });
  test("of a job names its dataset", () => {
    expect(bell({ source: "aws.glue", detail: { jobName: "refine-bovespa", state: "FAILED" } })).toEqual({
      for: ["bovespa"],
      keys: [],
      problem: null,
    });
    const there = readBell(
      { ...stage, name: "prod" },
      [bovespa],
      JSON.stringify({ source: "aws.glue", detail: { jobName: "pregao-prod-refine-bovespa" } }),
    );
    expect(there.for).toEqual(["bovespa"]);
  });
  test("that tests the wiring is acknowledged", () => {
    expect(bell({ Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "lake" })).toEqual({
      for: [],
      keys: [],
      problem: null,
    });
  });
  test.each([
    ["no JSON", "ding"],
    ["null", "null"],
    ["nothing known", { hello: 1 }],
    ["no records", { Records: [] }],
    ["another bucket", notice("raw/bovespa/x.parquet", "origin")],
    ["no dataset", notice("raw/novela/x.parquet")],
    ["a key that cannot be decoded", notice("raw/bovespa/%zz")],
    ["another job", { source: "aws.glue", detail: { jobName: "nightly" } }],
    ["a record of nothing", { Records: [null] }],
    ["a number", "5"],
    [
      "a job whose name is a number: it threw, and its whole batch came back",
      { source: "aws.glue", detail: { jobName: 5 } },
    ],
    ["a job without details", { source: "aws.glue", detail: null }],
    ["a job whose name is no name", { source: "aws.glue", detail: { jobName: `${"a".repeat(200_000)}/` } }],
    ["a bucket that is nested without end", nested(notice("raw/bovespa/x.parquet", "deep"))],
    ["a bucket that is no text", notice("raw/bovespa/x.parquet", { toString: 5 } as never)],
    ["a key that is nested without end", nested(notice("deep"))],
    ["a key longer than any that S3 has", notice(`raw/bovespa/${"á".repeat(600)}`)],
    ["a key that is no text of Unicode", notice("raw/bovespa/\ud800")],
  ])("of %s is a problem for a person, and never vanishes", (_, body) => {
    const { problem, ...rest } = bell(body);
    expect(rest).toEqual({ for: [], keys: [] });
    expect(problem).toContain("expected");
    expect(problem!.length).toBeLessThan(300);
  });
});

describe("advance over the stores", () => {
  test("left documents that say all: run, commit, report and catalog agree", async () => {
    const commit = await newest();
    const run = parseRun(await getJson(place.aws, "state", runKey("bovespa", commit.commit)), "run");
    expect(run).toMatchObject({ run: commit.commit, base: commit.commit - 1, units: ["2024"], rebuild: false });
    expect(commit).toMatchObject({ status: "published", held: [], failed: [], rejected: [] });
    expect(commit.recent.map((o) => o.key)).toEqual(await rawKeys());
    const catalog = await readCatalog(place.aws, bovespa.database, bovespa.tables);
    expect(differs(catalog, commit.tables, shapeOf(bovespa, ""))).toBe(false);
    expect(await attempts(place.aws, "bovespa", commit.commit)).toMatchObject([
      { id: commit.attempt, state: "SUCCEEDED" },
    ]);
  });

  test("called again, and by many at once, does nothing", async () => {
    const before = await newest();
    const ends = await Promise.all([1, 2, 3].map(() => advance(place.aws, bovespa)));
    for (const end of ends) expect(end).toMatchObject({ rested: true, why: "nothing is pending", rounds: 1 });
    expect(await newest()).toEqual(before);
  });

  test("puts right what another hand did to the catalog", async () => {
    const commit = await newest();
    const at = { DatabaseName: bovespa.database, TableName: "bovespa_refined" };
    const { Table } = await place.aws.glue.send(
      new GetTableCommand({ DatabaseName: bovespa.database, Name: "bovespa_refined" }),
    );
    await place.aws.glue.send(
      new UpdatePartitionCommand({
        ...at,
        PartitionValueList: ["2024"],
        PartitionInput: {
          Values: ["2024"],
          StorageDescriptor: { ...Table!.StorageDescriptor, Location: "s3://lake/refined/old/" },
        },
      }),
    );
    await place.aws.glue.send(
      new DeletePartitionCommand({ ...at, TableName: "bovespa_metrics", PartitionValues: ["2024"] }),
    );
    expect(await advance(place.aws, bovespa)).toMatchObject({ rested: true, rounds: 2 });
    const catalog = await readCatalog(place.aws, bovespa.database, bovespa.tables);
    expect(differs(catalog, commit.tables, shapeOf(bovespa, ""))).toBe(false);
    expect((await ask(place, "SELECT count(*) AS n FROM bovespa_refined"))[0]!.n).not.toBe("0");
  });

  test("rejects what is no raw Parquet, with its reason, and takes what is beside it", async () => {
    const [sample] = await rawKeys();
    const good = (await getBytes(place.aws, "lake", sample!))!;
    const junk = await land("junk", "this is no Parquet at all");
    const empty = await land("empty", "");
    const torn = await land("torn", good.subarray(0, good.length - 100));
    const other = await land("other", await parquet("SELECT 1 AS a, 'x' AS b"));
    const copy = await land("copy", good);
    await place.stack!.idle();
    const found = new Map((await letters()).map((l) => [l.path, l]));
    expect(found.get(junk)?.reason).toBe("not_parquet");
    expect(found.get(empty)).toMatchObject({ reason: "not_parquet", message: "expected Parquet, came 0 bytes" });
    expect(found.get(torn)?.reason).toBe("not_parquet");
    expect(found.get(other)).toMatchObject({ reason: "columns", message: expect.stringContaining("unknown a, b") });
    expect(found.has(copy)).toBe(false);
    expect((await newest()).recent.map((o) => o.key)).toEqual(expect.arrayContaining([junk, empty, torn, other, copy]));
    expect((await ask(place, "SELECT count(*) AS n FROM bovespa_refined WHERE ticker = 'TESTE99'"))[0]!.n).toBe("2");
    const many = await letters();
    await advance(place.aws, bovespa, { full: true });
    expect((await letters()).length).toBe(many.length);
  });

  test("takes what landed under a closed date, by its bell, once", async () => {
    const before = await newest();
    const [sample] = await rawKeys();
    const key = await land("late", (await getBytes(place.aws, "lake", sample!))!, "2024-01-02");
    await place.stack!.idle();
    const after = await newest();
    expect(after.commit).toBe(before.commit + 1);
    expect(after.recent).toContainEqual(expect.objectContaining({ key, late: true }));
    await advance(place.aws, bovespa, { named: [key] });
    await advance(place.aws, bovespa, { full: true });
    expect((await newest()).commit).toBe(after.commit);
  });

  test("finds in a full listing what landed late and whose bell was lost", async () => {
    const [sample] = await rawKeys();
    const body = (await getBytes(place.aws, "lake", sample!))!;
    // No bell rings for a name that the notice does not cover.
    const key = "raw/bovespa/ingest_date=2024-01-03/lost";
    expect(await create(place.aws, "lake", key, body)).toBe("created");
    await advance(place.aws, bovespa);
    expect((await newest()).recent.some((o) => o.key === key)).toBe(false);
    await advance(place.aws, bovespa, { full: true });
    await place.stack!.idle();
    expect((await newest()).recent).toContainEqual(expect.objectContaining({ key, late: true }));
  });

  test("a message that is no bell goes to a person, and does not come back", async () => {
    await send(place.aws, "landed", [{ id: "x", group: "x", body: "ding dong" }]);
    await place.stack!.idle();
    expect(await letters()).toContainEqual(expect.objectContaining({ reason: "no_bell", records: ["ding dong"] }));
    expect(await depth(place.aws, "landed")).toMatchObject({ visible: 0, inFlight: 0 });
  });

  test("a job that is running refuses a second start", async () => {
    const run = parseRun(await getJson(place.aws, "state", runKey("bovespa", 1)), "run");
    const starts = await Promise.all([1, 2, 3, 4].map(() => startJob(place.aws, run)));
    expect(starts.filter((s) => s === "started").length).toBeLessThan(4);
    expect(starts).toContain("refused");
    await place.stack!.idle();
    // An attempt at a run that has its commit ends at once and changes nothing.
    expect(await attempts(place.aws, "bovespa", 1)).toHaveLength(1 + starts.filter((s) => s === "started").length);
    expect((await getJson(place.aws, "state", commitKey("bovespa", 1))) as Commit).toMatchObject({
      status: "published",
    });
  });

  test("a rebuild makes a unit anew of all that is refined and settles nothing; its run says what a person accepts", async () => {
    const before = await newest();
    const rejected = (await letters()).map((l) => l.path);
    const rows = await ask(place, "SELECT * FROM bovespa_refined ORDER BY event_id");
    const accepted = { law: "any", session: "2024-11-08", origin: null };
    await create(place.aws, "state", acceptedKey("bovespa", "0".repeat(64)), JSON.stringify(accepted));
    const end = await advance(place.aws, bovespa, { wish: { rebuild: ["2024"] } });
    expect(end).toMatchObject({ rested: true, wish: { rebuild: [] } });
    await place.stack!.idle();
    const after = await newest();
    const run = parseRun(await getJson(place.aws, "state", runKey("bovespa", after.commit)), "run");
    const names = before.recent.map((o) => o.key).filter((key) => !rejected.includes(key));
    expect(run).toMatchObject({ rebuild: true, units: ["2024"], accepted: [accepted] });
    expect(run.objects.map((o) => o.key)).toEqual(names.sort());
    expect(after).toMatchObject({
      commit: before.commit + 1,
      status: "published",
      rebuild: true,
      recent: before.recent,
    });
    expect(Object.keys(after.tables.bovespa_refined!)).toEqual(Object.keys(before.tables.bovespa_refined!));
    expect(after.tables.bovespa_refined!["year=2024"]!.folder).toContain(`run=${after.commit}-`);
    expect(await ask(place, "SELECT * FROM bovespa_refined ORDER BY event_id")).toEqual(rows);
    expect(rows.length).toBeGreaterThan(1);
    expect((await standing(place.aws, bovespa)).units).toEqual(["2024"]);
    expect((await standing(place.aws, bovespa)).behind).toEqual([]);
    await expect(advance(place.aws, bovespa, { wish: { rebuild: ["1987"] } })).rejects.toThrow(
      "the rebuild of bovespa 1987: expected raw objects that were refined into it, came none. Units of bovespa: 2024",
    );
  });

  test("a withdrawn row is gone after a rebuild of its unit, and does not come back with the next run", async () => {
    const [row] = await ask(place, "SELECT event_id FROM bovespa_refined WHERE ticker = 'TESTE99' ORDER BY event_id");
    const event = row!.event_id!;
    const there = async () =>
      (await ask(place, `SELECT count(*) AS n FROM bovespa_refined WHERE event_id = '${event}'`))[0]!.n;
    await create(place.aws, "state", withdrawnKey("bovespa", event), JSON.stringify({ at: new Date().toISOString() }));
    expect(await there()).toBe("1");
    await advance(place.aws, bovespa, { wish: { rebuild: ["2024"] } });
    await place.stack!.idle();
    expect(await there()).toBe("0");
    const run = parseRun(await getJson(place.aws, "state", runKey("bovespa", (await newest()).commit)), "run");
    expect(run.withdrawn).toEqual([event]);
    // The same row once more, in another object.
    const [sample] = await rawKeys();
    await land("again", (await getBytes(place.aws, "lake", sample!))!);
    await place.stack!.idle();
    expect(await newest()).toMatchObject({ status: "published", rebuild: false });
    expect(await there()).toBe("0");
  });

  test("paused, nothing new is opened but a rebuild that is asked for; resumed, what landed meanwhile is refined", async () => {
    const before = await newest();
    await create(
      place.aws,
      "state",
      pausedKey("bovespa"),
      JSON.stringify({ at: "2025-01-10T12:00:00.000Z", why: "a look" }),
    );
    const [sample] = await rawKeys();
    const key = await land("meanwhile", (await getBytes(place.aws, "lake", sample!))!);
    await place.stack!.idle();
    const why = "paused since 2025-01-10T12:00:00.000Z: a look";
    expect(await advance(place.aws, bovespa)).toMatchObject({ rested: true, why, rounds: 1 });
    expect((await newest()).commit).toBe(before.commit);
    const rebuilt = { why: "the job is running", open: before.commit + 1, wish: { rebuild: [] } };
    expect(await advance(place.aws, bovespa, { wish: { rebuild: ["2024"] } })).toMatchObject(rebuilt);
    await place.stack!.idle();
    expect(await newest()).toMatchObject({ commit: before.commit + 1, status: "published", rebuild: true });
    expect((await newest()).recent.some((o) => o.key === key)).toBe(false);
    await remove(place.aws, "state", pausedKey("bovespa"));
    await advance(place.aws, bovespa);
    await place.stack!.idle();
    expect((await newest()).recent.some((o) => o.key === key)).toBe(true);
  });

  test("a rebuild does without no object that is in the tables: it says which one is gone", async () => {
    const commit = await newest();
    const run = parseRun(await getJson(place.aws, "state", runKey("bovespa", commit.commit)), "run");
    const { key } = run.objects[0]!;
    const body = (await getBytes(place.aws, "lake", key))!;
    await remove(place.aws, "lake", key);
    const wish = { rebuild: ["2024"] };
    await expect(advance(place.aws, bovespa, { wish })).rejects.toThrow(`expected ${key} under the ETag`);
    expect((await newest()).commit).toBe(commit.commit);
    await put(place.aws, "lake", key, body);
    await place.stack!.idle();
    expect(await advance(place.aws, bovespa, { wish })).toMatchObject({ wish: { rebuild: [] } });
    await place.stack!.idle();
    expect(await newest()).toMatchObject({ status: "published", rebuild: true });
  });
});

describe("a look at an object", () => {
  const columns = (datpre: string) =>
    Object.entries(bovespa.raw!.table.columns)
      .map(([name, c]) => {
        if (name === "datpre") return `CAST(${datpre} AS DATE) AS datpre`;
        return `CAST(NULL AS ${c.type === "string" ? "VARCHAR" : c.type}) AS "${name}"`;
      })
      .join(", ");
  const looked = async (name: string, body: Uint8Array) => {
    const key = `raw/bovespa/ingest_date=2024-02-02/${name}`;
    await put(place.aws, "lake", key, body);
    for await (const o of list(place.aws, "lake", key))
      return inspect(place.aws, bovespa, nameObject({ ...o, modified: 0 }));
    throw new Error("not listed");
  };

  test("reads the units from the column: a range of years would name years without a row", async () => {
    const years = await parquet(
      `SELECT ${columns("d")} FROM (VALUES ('1995-01-02'), ('2024-12-30'), ('2024-01-02'), ('2010-05-05')) AS t(d)`,
    );
    const found = await looked("years", years);
    expect(found).toMatchObject({ is: "sound" });
    expect(found.is === "sound" && [...found.units].sort()).toEqual(["1995", "2010", "2024"]);
    expect(await looked("one", await parquet(`SELECT ${columns("'2024-11-08'")} FROM range(1000)`))).toMatchObject({
      is: "sound",
      units: ["2024"],
    });
    expect(await looked("none", await parquet(`SELECT ${columns("'2024-11-08'")} FROM range(0)`))).toMatchObject({
      is: "sound",
      units: [],
    });
  });

  test("a row of no unit is refused, not guessed", async () => {
    const body = await parquet(`SELECT ${columns("d")} FROM (VALUES ('2024-11-08'), (NULL)) AS t(d)`);
    expect(await looked("null", body)).toMatchObject({ is: "rejected", reason: "unit" });
  });

  test("a column of another type is refused", async () => {
    const body = await parquet(`SELECT * REPLACE (1::DOUBLE AS codneg) FROM (SELECT ${columns("'2024-11-08'")})`);
    expect(await looked("type", body)).toMatchObject({
      is: "rejected",
      reason: "columns",
      message: "codneg: expected string, came DOUBLE",
    });
  });

  test("another version under the same key is gone, not rejected", async () => {
    const key = "raw/bovespa/ingest_date=2024-02-02/years";
    const etag = "0".repeat(32);
    expect(await inspect(place.aws, bovespa, { key, etag, size: 5000 })).toMatchObject({ is: "gone" });
    expect(await inspect(place.aws, bovespa, { key: `${key}.not`, etag: "x", size: 5000 })).toMatchObject({
      is: "gone",
    });
  });

  test("an outage is no property of the object", async () => {
    const broken = {
      ...place.aws,
      s3: { send: () => Promise.reject(Object.assign(new Error("503"), { $metadata: { httpStatusCode: 503 } })) },
    };
    const object = { key: "raw/bovespa/ingest_date=2024-02-02/years", etag: "x", size: 5000 };
    await expect(inspect(broken as unknown as typeof place.aws, bovespa, object)).rejects.toThrow("503");
  });
});
