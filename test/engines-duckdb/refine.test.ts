import { existsSync, mkdtempSync, readdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Dataset, WireRecord } from "../../packages/core/dataset.ts";
import { attemptFolder, reportKey } from "../../packages/core/run.ts";
import { withLayout } from "../../packages/core/table.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { refine } from "../../packages/engines/duckdb/refine.ts";
import { realSession, rowOf } from "./cotahist.ts";
import { closeLake, type Lake, land, newLake, publish, published, runOf } from "./lake.ts";

let lakes: Lake[] = [];
beforeEach(() => {
  lakes = [];
});
afterEach(() => {
  for (const lake of lakes) closeLake(lake);
});
const lakeOf = async (dataset: Dataset = bovespa): Promise<Lake> => {
  const lake = await newLake(mkdtempSync(join(tmpdir(), "refine-")), dataset);
  lakes.push(lake);
  return lake;
};
const byTicker: Dataset = {
  ...bovespa,
  tables: bovespa.tables.map((t) => (t.name === "bovespa_refined" ? withLayout(t, ["year", "ticker"]) : t)),
};

const sample = (ticker: string, session: string, change: WireRecord = {}): WireRecord =>
  rowOf(bovespa.raw!.sample(ticker, session, 0), change);
const text = (rows: Record<string, unknown>[]): string[] =>
  rows.map((row) => JSON.stringify(Object.entries(row).sort())).sort();

describe("a real session", () => {
  test("12,226 rows become 12,226, unique by key, every amount exact", async () => {
    const lake = await lakeOf();
    const rows = await realSession();
    const object = await land(lake, "a", rows);
    const report = await publish(lake, runOf(lake, [object], ["2024"]));
    expect(report.rows).toEqual({ read: 12_226, new: 12_226, superseded: 0, duplicate: 0 });
    expect(report.audit.filter((f) => f.severity === "hold")).toEqual([]);
    expect(report.origins).toEqual({ ["a".repeat(64)]: { events: 12_226 } });

    // Independent of any SQL: digits to integers, no floating point on the way.
    const units = (decimal: unknown, places: number): bigint => {
      const [whole, part = ""] = String(decimal).split(".");
      return BigInt(whole + part.padEnd(places, "0"));
    };
    const keyOf = (ticker: unknown, market: unknown, term: unknown) => `${ticker}/${market}/${term}`;
    const wanted = new Map(rows.map((r) => [keyOf(r.codneg, r.tpmerc, r.prazot), r]));
    const refined = (await published(lake, "bovespa_refined")).map(
      (r): Record<string, unknown> => ({ ...r, tipo_mercado: "010", prazo_termo: null }),
    );
    const all = [...refined, ...(await published(lake, "bovespa_derivativos"))];
    expect(new Set(all.map((r) => keyOf(r.ticker, r.tipo_mercado, r.prazo_termo))).size).toBe(12_226);
    const names = {
      preabe: "preco_abertura",
      premax: "preco_maximo",
      premin: "preco_minimo",
      premed: "preco_medio",
      preult: "preco_ultimo",
      preofc: "preco_oficial",
      preofv: "preco_oferta_venda",
    };
    const differing = all.filter((row) => {
      const raw = wanted.get(keyOf(row.ticker, row.tipo_mercado, row.prazo_termo))!;
      return (
        Object.entries(names).some(
          ([from, to]) => units(raw[from], 6) !== units(row[to], 6) * BigInt(raw.fatcot as number),
        ) ||
        raw.voltot !== row.volume_total ||
        raw.quatot !== row.quantidade_total ||
        raw.totneg !== row.total_negocios ||
        (row.tipo_mercado !== "010" &&
          units(raw.preexe, 6) !== units(row.preco_exercicio, 6) * BigInt(raw.fatcot as number)) ||
        (row.tipo_mercado !== "010" && raw.ptoexe !== row.preco_exercicio_pontos) ||
        raw.event_id !== row.event_id
      );
    });
    expect(differing).toEqual([]);
    const sum = rows.reduce((total, r) => total + units(r.voltot, 2), 0n);
    const [totals] = await published(lake, "bovespa_metrics_pregao");
    expect(units(totals!.volume_vista, 2) + units(totals!.volume_derivativos, 2)).toBe(sum);
    expect(totals).toMatchObject({
      data_pregao: "2024-11-08",
      estado: "completa",
      mista: false,
      linhas_esperadas: 12_226,
      linhas_publicadas: 12_226,
      dia_de_pregao: true,
    });
  }, 60_000);

  test("the same file again changes nothing, also with other objects and half of it twice", async () => {
    const lake = await lakeOf();
    const rows = (await realSession()).slice(0, 3000).map((row) => ({ ...row, origin_rows: 3000 }));
    await publish(lake, runOf(lake, [await land(lake, "a", rows)], ["2024"]));
    const before = await Promise.all(bovespa.tables.map(async (t) => text(await published(lake, t.name))));
    const again = [await land(lake, "b", rows.slice(1000)), await land(lake, "c", rows.slice(0, 2000))];
    const report = await publish(lake, runOf(lake, again, ["2024"]));
    expect(report.rows).toEqual({ read: 4000, new: 0, superseded: 0, duplicate: 4000 });
    expect(await Promise.all(bovespa.tables.map(async (t) => text(await published(lake, t.name))))).toEqual(before);
  }, 60_000);

  test("the layout year, ticker has the same rows, one file a ticker, without the partition columns in it", async () => {
    const rows = (await realSession()).filter((row) => row.tpmerc === "010").slice(0, 100);
    const [plain, split] = [await lakeOf(), await lakeOf(byTicker)];
    for (const lake of [plain, split]) {
      await publish(lake, runOf(lake, [await land(lake, "a", rows.slice(0, 80))], ["2024"]));
      await publish(lake, runOf(lake, [await land(lake, "b", rows.slice(50))], ["2024"]));
    }
    expect(text(await published(split, "bovespa_refined"))).toEqual(text(await published(plain, "bovespa_refined")));
    const partitions = Object.entries(split.tables.bovespa_refined!);
    expect(partitions.map(([name]) => name)).toContain(`year=2024/ticker=${rows[0]!.codneg}`);
    expect(partitions).toHaveLength(100);
    expect(partitions.every(([, entry]) => entry.files.length === 1)).toBe(true);
    const [first] = await published(
      { ...split, tables: { bovespa_refined: { "": partitions[0]![1] } } },
      "bovespa_refined",
    );
    expect(Object.keys(first!)).not.toContain("ticker");
    expect(Object.keys(first!)).not.toContain("year");
  }, 60_000);
});

describe("files", () => {
  test("rows lie sorted in small groups, so that min and max prune by ticker", async () => {
    const sorted: Dataset = {
      ...bovespa,
      tables: bovespa.tables.map((t) => (t.name === "bovespa_derivativos" ? { ...t, rowGroup: 2048 } : t)),
    };
    const lake = await lakeOf(sorted);
    await publish(lake, runOf(lake, [await land(lake, "a", await realSession())], ["2024"]), { threads: 2 });
    const entry = lake.tables.bovespa_derivativos!["year=2024/month=11"]!;
    const path = join(lake.dir, "lake", entry.folder, entry.files[0]!.name);
    const groups = await lake.session.rows<{ lo: string; hi: string; rows: string }>(
      `SELECT stats_min_value AS lo, stats_max_value AS hi, row_group_num_rows AS rows FROM parquet_metadata('${path}') WHERE path_in_schema = 'ticker' ORDER BY row_group_id`,
    );
    expect(groups.length).toBeGreaterThan(4);
    expect(groups.every((g) => Number(g.rows) <= 2048)).toBe(true);
    expect(groups.every((g, i) => i === 0 || groups[i - 1]!.hi <= g.lo)).toBe(true);
  }, 60_000);

  test("a partition whose rows are gone keeps a file of no rows", async () => {
    const lake = await lakeOf();
    const newer = { source_version: "2024-11-09", origin_sha256: "b".repeat(64) };
    const old = sample("AAAA3", "2024-11-08", { origin_rows: 1 });
    // Half of a newer origin: its row of AAAA3 wins, the older complete one does not wait; then one that loses waits.
    const half = [
      sample("AAAA3", "2024-11-08", { origin_rows: 3, ...newer }),
      sample("AAAA3", "2024-11-08", { origin_rows: 3, ...newer, voltot: "1.00" }),
    ];
    await publish(lake, runOf(lake, [await land(lake, "a", [old, ...half])], ["2024"]));
    expect(await published(lake, "bovespa_espera")).toHaveLength(1);
    await publish(
      lake,
      runOf(lake, [await land(lake, "b", [sample("BBBB3", "2024-11-08", { origin_rows: 3, ...newer })])], ["2024"]),
    );
    expect(await published(lake, "bovespa_espera")).toHaveLength(0);
    expect(lake.tables.bovespa_espera!["year=2024"]!.files).toMatchObject([{ name: "part-0.parquet", rows: 0 }]);
    // And the next run reads it.
    await publish(lake, runOf(lake, [await land(lake, "c", [sample("CCCC3", "2024-11-11")])], ["2024"]));
    expect((await published(lake, "bovespa_refined", "ticker")).map((r) => r.ticker).sort()).toEqual([
      "AAAA3",
      "BBBB3",
      "CCCC3",
    ]);
  }, 60_000);

  test("a ticker that is superseded leaves an empty partition in the layout year, ticker", async () => {
    const lake = await lakeOf(byTicker);
    await publish(
      lake,
      runOf(lake, [await land(lake, "a", [sample("AAAA3", "2024-11-08", { origin_rows: 1 })])], ["2024"]),
    );
    const newer = sample("BBBB3", "2024-11-08", {
      origin_rows: 1,
      source_version: "2024-11-09",
      origin_sha256: "b".repeat(64),
    });
    await publish(lake, runOf(lake, [await land(lake, "b", [newer])], ["2024"]));
    expect(lake.tables.bovespa_refined!["year=2024/ticker=AAAA3"]!.files[0]!.rows).toBe(0);
    expect((await published(lake, "bovespa_refined", "event_id")).map((r) => r.ticker)).toEqual(["BBBB3"]);
  }, 60_000);

  test("a column that older files lack is NULL in their rows, and the rest stands", async () => {
    const lake = await lakeOf();
    await publish(lake, runOf(lake, [await land(lake, "a", [sample("AAAA3", "2024-11-08")])], ["2024"]));
    const entry = lake.tables.bovespa_refined!["year=2024"]!;
    const path = join(lake.dir, "lake", entry.folder, entry.files[0]!.name);
    await lake.session.run(
      `COPY (SELECT * EXCLUDE (distribuicao) FROM read_parquet('${path}', hive_partitioning = false)) TO '${path}.older' (FORMAT parquet)`,
    );
    renameSync(`${path}.older`, path);
    lake.tables.bovespa_refined!["year=2024"] = {
      ...entry,
      files: [{ ...entry.files[0]!, bytes: statSync(path).size }],
    };
    await publish(lake, runOf(lake, [await land(lake, "b", [sample("BBBB3", "2024-11-11")])], ["2024"]));
    expect(
      (await published(lake, "bovespa_refined", "ticker, distribuicao, preco_ultimo")).map((r) => [
        r.ticker,
        r.distribuicao,
        r.preco_ultimo,
      ]),
    ).toEqual([
      ["AAAA3", null, "36.650000"],
      ["BBBB3", "100", "36.650000"],
    ]);
  }, 60_000);

  test("units are worked one by one, each from its own partitions; the other years are not touched", async () => {
    const lake = await lakeOf();
    const first = await land(lake, "a", [
      sample("AAAA3", "2023-11-08"),
      sample("AAAA3", "2024-11-08"),
      sample("AAAA3", "2022-11-08"),
    ]);
    await publish(lake, runOf(lake, [first], ["2022", "2023", "2024"]));
    const folder = lake.tables.bovespa_refined!["year=2022"]!.folder;
    const report = await publish(
      lake,
      runOf(
        lake,
        [await land(lake, "b", [sample("BBBB3", "2023-11-08"), sample("BBBB3", "2024-11-08")])],
        ["2023", "2024"],
      ),
    );
    expect(report.rows).toEqual({ read: 2, new: 2, superseded: 0, duplicate: 0 });
    expect(Object.keys(report.tables.bovespa_refined!).sort()).toEqual(["year=2023", "year=2024"]);
    expect(lake.tables.bovespa_refined!["year=2022"]!.folder).toBe(folder);
    expect((await published(lake, "bovespa_refined", "ticker")).map((r) => `${r.year} ${r.ticker}`).sort()).toEqual([
      "2022 AAAA3",
      "2023 AAAA3",
      "2023 BBBB3",
      "2024 AAAA3",
      "2024 BBBB3",
    ]);
  }, 60_000);

  test("forty small objects are what one is", async () => {
    const rows = (await realSession()).slice(0, 2000);
    const [one, forty] = [await lakeOf(), await lakeOf()];
    await publish(one, runOf(one, [await land(one, "a", rows)], ["2024"]));
    const objects = [];
    for (let i = 0; i < 40; i++) objects.push(await land(forty, `a${i}`, rows.slice(i * 50, i * 50 + 50)));
    await publish(forty, runOf(forty, objects, ["2024"]));
    for (const { name } of bovespa.tables)
      expect(text(await published(forty, name))).toEqual(text(await published(one, name)));
  }, 60_000);

  test("little memory spills instead of failing, and nothing is left in scratch", async () => {
    const lake = await lakeOf();
    const rows = await realSession();
    const object = await land(lake, "a", rows.concat(rows, rows));
    const report = await publish(lake, runOf(lake, [object], ["2024"]), { memory: "96MB" });
    expect(report.rows).toEqual({ read: 36_678, new: 12_226, superseded: 0, duplicate: 24_452 });
    expect(readdirSync(lake.store.scratch)).toEqual([]);
  }, 60_000);
});

describe("an attempt", () => {
  const noReport = async (lake: Lake) => expect(await lake.store.list("state", "reports/")).toEqual([]);
  const start = (lake: Lake, run = runOf(lake, [], ["2024"]), more = {}) =>
    refine({ run, recipe: lake.recipe, attempt: "jr_1", store: lake.store, threads: 1, ...more });

  test("refuses a folder in which another one wrote", async () => {
    const lake = await lakeOf();
    const file = join(lake.dir, "other");
    writeFileSync(file, "x");
    await lake.store.write("lake", `${attemptFolder("bovespa_sessoes", 1, "jr_1")}year=2024/part-0.parquet`, file);
    await expect(start(lake)).rejects.toMatchObject({ code: "attempt" });
    await noReport(lake);
  });

  test("refuses an object under another ETag than the run's", async () => {
    const lake = await lakeOf();
    const object = await land(lake, "a", [sample("AAAA3", "2024-11-08")]);
    await land(lake, "a", [sample("AAAA3", "2024-11-08"), sample("BBBB3", "2024-11-08")]);
    await expect(start(lake, runOf(lake, [object], ["2024"]))).rejects.toMatchObject({ code: "object_changed" });
    await noReport(lake);
  });

  test("notices an object that is rewritten while it reads", async () => {
    const lake = await lakeOf();
    const object = await land(lake, "a", [sample("AAAA3", "2024-11-08")]);
    const { store } = lake;
    const rewriting = {
      ...store,
      write: async (...args: Parameters<typeof store.write>) => {
        await store.write(...args);
        await land(lake, "a", [sample("AAAA3", "2024-11-08"), sample("BBBB3", "2024-11-08")]);
      },
    };
    await expect(start(lake, runOf(lake, [object], ["2024"]), { store: rewriting })).rejects.toMatchObject({
      code: "object_changed",
    });
    await noReport(lake);
  });

  test("refuses rows of a unit that the run does not name: it was to be written without its base", async () => {
    const lake = await lakeOf();
    const object = await land(lake, "a", [sample("AAAA3", "2023-11-08"), sample("AAAA3", "2024-11-08")]);
    await expect(start(lake, runOf(lake, [object], ["2024"]))).rejects.toMatchObject({ code: "unit" });
    await noReport(lake);
  });

  test("that is aborted ends without a report, and leaves nothing in scratch", async () => {
    const lake = await lakeOf();
    const object = await land(lake, "a", await realSession());
    const abort = new AbortController();
    const store = {
      ...lake.store,
      read: async (...args: Parameters<typeof lake.store.read>) => {
        if (args[0] === "state") setImmediate(() => abort.abort(new Error("stopped by a person")));
        return lake.store.read(...args);
      },
    };
    await expect(start(lake, runOf(lake, [object], ["2024"]), { store, signal: abort.signal })).rejects.toThrow(
      "stopped by a person",
    );
    await noReport(lake);
    expect(readdirSync(lake.store.scratch)).toEqual([]);
  });

  test("writes its report last, and returns what it wrote", async () => {
    const lake = await lakeOf();
    const written: string[] = [];
    const { store } = lake;
    const watching = {
      ...store,
      write: async (...args: Parameters<typeof store.write>) => {
        written.push(args[1]);
        await store.write(...args);
      },
    };
    const object = await land(lake, "a", [sample("AAAA3", "2024-11-08")]);
    const report = await start(lake, runOf(lake, [object], ["2024"]), { store: watching });
    expect(written.at(-1)).toBe(reportKey("bovespa", 1, "jr_1"));
    expect(existsSync(join(lake.dir, "state", reportKey("bovespa", 1, "jr_1")))).toBe(true);
    const named = Object.values(report.tables).flatMap((t) =>
      Object.values(t).flatMap((p) => p.files.map((f) => p.folder + f.name)),
    );
    expect(named.sort()).toEqual(written.slice(0, -1).sort());
  });

  test("of a run without objects writes its base anew", async () => {
    const lake = await lakeOf();
    await publish(lake, runOf(lake, [await land(lake, "a", (await realSession()).slice(0, 500))], ["2024"]));
    const before = await Promise.all(bovespa.tables.map(async (t) => text(await published(lake, t.name))));
    const report = await publish(lake, runOf(lake, [], ["2024"]));
    expect(report.rows.read).toBe(0);
    expect(await Promise.all(bovespa.tables.map(async (t) => text(await published(lake, t.name))))).toEqual(before);
  }, 60_000);
});
