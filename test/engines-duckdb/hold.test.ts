import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { decide } from "../../packages/core/advance.ts";
import { type Commit, parseCommit } from "../../packages/core/commit.ts";
import type { Audit, Dataset } from "../../packages/core/dataset.ts";
import { type Facts, nothing, type Shape, type Wish } from "../../packages/core/facts.ts";
import { plan } from "../../packages/core/plan.ts";
import { pastOf, planRebuild } from "../../packages/core/rebuild.ts";
import type { Submission } from "../../packages/core/report.ts";
import { type Accepted, attemptFolder, commitKey, type RawObject, type Run } from "../../packages/core/run.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { refine } from "../../packages/engines/duckdb/refine.ts";
import { rowOf } from "./cotahist.ts";
import { closeLake, type Lake, land, newLake, published } from "./lake.ts";

/** A law that one ticker breaks. */
const law: Audit = {
  name: "sem_ruim",
  means: "ninguém é ruim",
  severity: "hold",
  sql: "SELECT ticker AS detalhe, data_pregao AS sessao, origin_sha256 AS origem FROM bovespa_refined WHERE ticker = 'RUIM3'",
};
const dataset = (audits: Audit[]): Dataset => ({ ...bovespa, audits });
const shape: Shape = {
  dataset: "bovespa",
  tables: bovespa.tables.map((t) => t.name),
  partitioned: {},
  unit: "year",
  recipe: "r".repeat(64),
  raw: true,
};

let lake: Lake;
let facts: Facts;
beforeEach(async () => {
  lake = await newLake(mkdtempSync(join(tmpdir(), "hold-")), dataset([law]));
  facts = { ...nothing, now: Date.parse("2024-11-09T12:00:00Z") };
});
afterEach(() => closeLake(lake));

/** The object a dataset's consumer would have left, on the listing. */
const arrives = async (name: string, ...tickers: string[]): Promise<RawObject> => {
  const rows = tickers.map((ticker) => rowOf(bovespa.raw!.sample(ticker, "2024-11-08", 0)));
  const object = await land(lake, name, rows);
  facts = { ...facts, raw: [...facts.raw, { ...object, modified: facts.now }] };
  return object;
};
const carried = async (run: Run, recipe = lake.recipe): Promise<Commit> => {
  const report = await refine({ run, recipe, attempt: `j${run.run}`, store: lake.store, threads: 1, memory: "1GB" });
  const files: Submission["files"] = {};
  for (const partitions of Object.values(report.tables))
    for (const { folder, files: of } of Object.values(partitions))
      for (const file of of) files[folder + file.name] = file.bytes;
  const action = decide(
    {
      ...facts,
      run,
      base: facts.commit,
      catalog: catalogAt(facts.commit),
      submissions: [{ attempt: report.attempt, report, files }],
    },
    shape,
  );
  if (action.do !== "commit") throw new Error(`expected a commit, came ${action.do}`);
  facts = { ...facts, run, commit: action.document, catalog: catalogAt(action.document) };
  lake.tables = action.document.tables;
  return parseCommit(JSON.parse(JSON.stringify(action.document)), commitKey("bovespa", run.run));
};
const catalogAt = (commit: Commit | null): Facts["catalog"] =>
  Object.fromEntries(
    shape.tables.map((t) => [
      t,
      Object.fromEntries(Object.entries(commit?.tables[t] ?? {}).map(([name, e]) => [name, e.folder])),
    ]),
  );
const partitioned: Shape = { ...shape, partitioned: Object.fromEntries(shape.tables.map((t) => [t, true])) };
const next = (wish: Wish = {}): Run | string => {
  const action = decide({ ...facts, catalog: catalogAt(facts.commit) }, partitioned, wish);
  if (action.do !== "open") return action.do === "rest" ? action.why : action.do;
  const found = action.objects.map((o) => ({ object: o, is: "sound" as const, units: ["2024"] }));
  return plan(facts, found, partitioned, null)!;
};
const opened = (wish: Wish = {}): Run => {
  const run = next(wish);
  if (typeof run === "string") throw new Error(`expected a run, came ${run}`);
  return run;
};
const tickers = async () => (await published(lake, "bovespa_refined", "ticker")).map((r) => r.ticker).sort();

describe("an audit that fails", () => {
  beforeEach(async () => {
    await arrives("a", "BOAS3");
    expect(await carried(opened())).toMatchObject({ status: "published" });
    await arrives("b", "RUIM3", "OUTR3");
  });

  test("publishes nothing and says why; the run is written and is nobody's", async () => {
    const before = facts.commit!;
    const held = await carried(opened());
    expect(held).toMatchObject({ status: "held", reason: "sem_ruim: RUIM3", tables: before.tables });
    expect(held.through).toBe(before.through);
    expect(held.held).toMatchObject([{ key: expect.stringContaining("/b.parquet"), findings: [{ law: "sem_ruim" }] }]);
    expect(held.recent).toEqual(before.recent);
    expect(await tickers()).toEqual(["BOAS3"]);
    expect(await lake.store.list("lake", attemptFolder("bovespa_refined", 2, "j2"))).not.toEqual([]);
    expect(next()).toBe("nothing is pending");
  });

  const accepted: Accepted[] = [{ law: "sem_ruim", session: "2024-11-08", origin: null }];
  const causes: [string, () => Run, () => Lake["recipe"]][] = [
    [
      "a person accepts it",
      () => {
        facts = { ...facts, accepted };
        return opened();
      },
      () => lake.recipe,
    ],
    [
      "the law was wrong and is mended",
      () => opened({ retryHeld: facts.commit!.commit }),
      () => ({ ...lake.recipe, audits: [] }),
    ],
  ];
  test.each(causes)("publishes the same rows once the cause is gone: %s", async (_, again, recipe) => {
    await carried(opened());
    const commit = await carried(again(), recipe());
    expect(commit).toMatchObject({ status: "published", held: [], reason: null });
    expect(await tickers()).toEqual(["BOAS3", "OUTR3", "RUIM3"]);
    const rows = await published(lake, "bovespa_refined");

    // What one run over everything would have made of them, had there been no such law.
    const direct = await newLake(mkdtempSync(join(tmpdir(), "hold-")), dataset([]));
    try {
      const [a, b] = facts.raw;
      const both = [
        await land(direct, "a", [rowOf(bovespa.raw!.sample("BOAS3", "2024-11-08", 0))]),
        await land(
          direct,
          "b",
          ["RUIM3", "OUTR3"].map((t) => rowOf(bovespa.raw!.sample(t, "2024-11-08", 0))),
        ),
      ];
      expect(both.map((o) => o.key)).toEqual([a!.key, b!.key]);
      const run = plan(
        { ...nothing, now: facts.now },
        both.map((object) => ({ object, is: "sound", units: ["2024"] })),
        shape,
        null,
      )!;
      const report = await refine({ run, recipe: direct.recipe, attempt: "j", store: direct.store, threads: 1 });
      direct.tables = report.tables;
      const text = (of: Record<string, unknown>[]) => of.map((row) => JSON.stringify(row)).sort();
      expect(text(rows)).toEqual(text(await published(direct, "bovespa_refined")));
    } finally {
      closeLake(direct);
    }
  });

  test("of a rebuild changes nothing, holds nothing and says why; asked for again, it is done", async () => {
    facts = { ...facts, accepted };
    await carried(opened());
    const before = facts.commit!;
    const past = [1, 2].map((n) => pastOf({ ...facts.run!, run: n, objects: [facts.raw[n - 1]!] }, before));
    const there = new Map(facts.raw.map((o) => [o.key, o.etag]));
    const rebuild = () => {
      const planned = planRebuild(facts, { past, there }, shape, "2024");
      return planned.is === "run" ? planned.run : Promise.reject(new Error(planned.why));
    };
    facts = { ...facts, accepted: [] };
    const held = await carried(await rebuild());
    expect(held).toMatchObject({
      status: "held",
      reason: "sem_ruim: RUIM3",
      tables: before.tables,
      held: [],
      next: [],
    });
    expect(await tickers()).toEqual(["BOAS3", "OUTR3", "RUIM3"]);
    expect(next()).toBe("nothing is pending");
    facts = { ...facts, accepted };
    expect(await carried(await rebuild())).toMatchObject({ status: "published", rebuild: true });
    expect(await tickers()).toEqual(["BOAS3", "OUTR3", "RUIM3"]);
  });
});
