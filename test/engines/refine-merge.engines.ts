import { renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { calendario } from "../../packages/datasets/calendario/index.ts";
import { carteira } from "../../packages/datasets/carteira/index.ts";
import { type World as Merge, rawRow } from "../datasets/merge.oracle.ts";
import { comebacks, exhaustive, sampled } from "../datasets/merge.worlds.ts";
import { portfolioOf, rawPaper } from "../datasets/portfolios.ts";
import { rowOf } from "../engines-duckdb/cotahist.ts";
import { published } from "../engines-duckdb/lake.ts";
import { carry, closeLakes, type Lakes, openLakes, type Step } from "./refine.lakes.ts";
import { type Spark, startSpark } from "./refine.spark.ts";
import { byTicker, far, sample, type World, worlds } from "./refine.worlds.ts";

/**
 * The same runs on Spark and on DuckDB, each engine's output the other's next input: every column of every row of every
 * table, the types in the files, and the reports are the same. What differs is printed; an empty list is parity.
 */
// Spark on a machine that has other work to do, too.
vi.setConfig({ testTimeout: 600_000 });
let spark: Spark;
beforeAll(async () => {
  spark = await startSpark();
});
afterAll(async () => spark?.close());

const inLakes = async <T>(opened: Promise<Lakes>, work: (lakes: Lakes) => Promise<T>): Promise<T> => {
  const lakes = await opened;
  try {
    return await work(lakes);
  } finally {
    closeLakes(lakes);
  }
};

/** Carries the steps out one after the other, up to the first that is not the same everywhere. */
const carryAll = async (lakes: Lakes, steps: readonly Step[]): Promise<void> => {
  for (const step of steps) {
    const { ended, unlike } = await carry(lakes, step);
    expect(unlike).toEqual([]);
    expect(ended.map((end) => ("report" in end ? "reported" : end))).toEqual(ended.map(() => "reported"));
  }
};

const yearOf = (row: { datpre?: unknown }): string => String(row.datpre).slice(0, 4);
/** A world's runs, each over the years that it touches. */
const stepsOf = ({ runs, withdrawn }: World): Step[] =>
  runs.map((land, r) => ({
    land,
    units: [...new Set(Object.values(land).flat().map(yearOf))].sort(),
    ...(r === runs.length - 1 ? { change: { withdrawn } } : {}),
  }));

/** Other worlds by `PREGAO_SEEDS=2,3,4`. */
const seeds = (process.env.PREGAO_SEEDS ?? "1").split(",").map(Number);

describe("Spark and DuckDB by turns", () => {
  test("origins that correct each other, whole, in pieces and again: a row waits or comes back on both", async () => {
    // A session a world, of one year: comebacks, a fifth of the 1,024 ways of five rows, and random ones.
    const some: Merge[] = [...comebacks(), ...exhaustive().filter((_, n) => n % 5 === 3), ...sampled(11, 150)];
    expect(some.length).toBeLessThanOrEqual(361);
    const runs = Math.max(...some.map((w) => w.runs.length));
    const steps = Array.from({ length: runs }, (_, r): Step => {
      const rows = some.flatMap((w, n) => (w.runs[r] ?? []).map((i) => rawRow(n, w.rows[i]!)));
      const half = Math.floor(rows.length / 2);
      return { land: { [`${r}-a`]: rows.slice(0, half), [`${r}-b`]: rows.slice(half) }, units: ["2021"] };
    });
    await inLakes(openLakes(bovespa, spark, 2), (lakes) => carryAll(lakes, steps));
  });

  test.each(seeds)(
    "rows at the edge of every column, over a year's end and holidays, with rows withdrawn (%i)",
    async (seed) => {
      const world = sample(worlds({ runs: 3, origins: 8, rows: 90 }), seed);
      await inLakes(openLakes(bovespa, spark, 2), (lakes) => carryAll(lakes, stepsOf(world)));
    },
  );

  test("one folder per ticker, whatever characters it has, and folders that become empty", async () => {
    const world = sample(worlds({ runs: 2, origins: 4, rows: 25, of: ["2024-02-29", "2024-03-04", "2024-03-05"] }), 3);
    await inLakes(openLakes(byTicker, spark), (lakes) => carryAll(lakes, stepsOf(world)));
  });

  test("sessions and instants beyond the calendar, the oldest and the last that can be said", async () => {
    const of = far.filter((day) => ["1986", "1990", "9999"].includes(day.slice(0, 4)));
    const world = sample(worlds({ of, latest: "9999-12-31", runs: 1, origins: 5, rows: 30 }), 4);
    await inLakes(openLakes(bovespa, spark, 2), (lakes) => carryAll(lakes, stepsOf(world)));
  });

  test("a rebuild reads no base, leaves rows of other years out and those that are withdrawn", async () => {
    const world = sample(worlds({ runs: 2, origins: 5, rows: 40 }), 5);
    const [first, second] = stepsOf(world);
    const again = [...Object.keys(first!.land!), ...Object.keys(second!.land!)];
    const rebuild: Step = { again, units: ["2024"], change: { rebuild: true, withdrawn: world.withdrawn } };
    await inLakes(openLakes(bovespa, spark, 2), (lakes) => carryAll(lakes, [first!, second!, rebuild]));
  });

  test("a volume that cannot be read, which a person may accept: its ticker's median was another on each", async () => {
    const volumes = ["unreadable", "1.00", "1000000.00", "1000000.00"];
    const rows = volumes.map((voltot, i) =>
      rowOf(bovespa.raw!.sample("PETR4", `2024-11-0${i + 4}`, i), { voltot, totneg: 1, quatot: "1" }),
    );
    await inLakes(openLakes(bovespa, spark, 2), async (lakes) => {
      await carryAll(lakes, [{ land: { a: rows }, units: ["2024"] }]);
      expect((await published(lakes.lakes[0]!, "bovespa_refined")).filter((r) => r.negocios_suspeitos)).toEqual([]);
    });
  });

  test("a base of before a column was added is read as it is: NULL in its rows, the rest stands", async () => {
    await inLakes(openLakes(bovespa, spark, 2), async (lakes) => {
      await carryAll(lakes, [{ land: { a: [rowOf(bovespa.raw!.sample("PETR4", "2024-11-04", 0))] }, units: ["2024"] }]);
      for (const lake of lakes.lakes) {
        const entry = lake.tables.bovespa_refined!["year=2024"]!;
        const path = join(lake.dir, "lake", entry.folder, entry.files[0]!.name);
        await lake.session.run(
          `COPY (SELECT * EXCLUDE (distribuicao) FROM read_parquet('${path}', hive_partitioning = false)) TO '${path}.older' (FORMAT parquet)`,
        );
        renameSync(`${path}.older`, path);
        entry.files[0]!.bytes = statSync(path).size;
      }
      await carryAll(lakes, [{ land: { b: [rowOf(bovespa.raw!.sample("VALE3", "2024-11-05", 1))] }, units: ["2024"] }]);
    });
  });

  test("portfolios: indexes of one day that correct themselves, classes and numbers at their edges, laws that speak", async () => {
    const some: Merge[] = [...comebacks(), ...exhaustive().filter((_, n) => n % 17 === 3), ...sampled(12, 60)];
    const most = "9".repeat(18);
    const odd = ["ON", "ON  ED  NM", " PN", "UNT\u00a0ATZ", "é 😀", "''"].map((tipo, i) => ({
      ...{ tipo, qtde_teorica: i % 2 ? most : "0", qtde_total: most, part: ["0.000", "100.000", "1,0"][i % 3]! },
      ...{
        redutor: [null, "0.00000000", "9999999999999999.99999999", "x"][i % 4]!,
        setor: i % 2 ? null : "Bens Indls / Máqs",
      },
    }));
    // Two runs are a base and what comes to it.
    const two = some.map(({ rows, runs: [first, ...later] }) => ({ rows, runs: [first!, later.flat()] }));
    const steps = [0, 1].map((r): Step => {
      const rows = two.flatMap((w, n) => w.runs[r]!.map((i) => rawPaper(n, w.rows[i]!)));
      const edges = portfolioOf("2021-12-25", "SMLL", odd.length).map((row, i) => ({ ...row, ...odd[i]! }));
      return {
        land: { [`${r}-a`]: rows, [`${r}-b`]: [...portfolioOf("2021-12-30", "IDIV", 4), ...edges] },
        units: ["2021"],
      };
    });
    await inLakes(openLakes(carteira, spark, 2), (lakes) => carryAll(lakes, steps));
  });

  test("a dataset that has no raw and no unit is made of its recipe", async () => {
    await inLakes(openLakes(calendario, spark), (lakes) => carryAll(lakes, [{ units: [""] }, { units: [""] }]));
  });
});
