import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkSql, comparedSql, papersSql, sessionsSql } from "../../packages/cli/gaps-sql.ts";
import type { Dataset } from "../../packages/core/dataset.ts";
import { datasets } from "../../packages/datasets/index.ts";
import { inOrder, openParity, type Parity, type Result } from "./athena-parity.ts";
import { type Source, statements } from "./athena-queries.ts";
import { corpus } from "./corpus.ts";

/** `docs/fidelity.md` names the statements of the corpus that are refused: "- `name`: why". */
const listed = (): string[] => {
  const page = readFileSync(new URL("../../docs/fidelity.md", import.meta.url), "utf8");
  const section = page.split(/^### Statements of the corpus that are refused$/m)[1]?.split(/^#/m)[0] ?? "";
  return [...section.matchAll(/^- `([a-z0-9_]+)`/gm)].map((found) => found[1]!);
};

let parity: Parity;
beforeAll(async () => {
  parity = await openParity();
}, 240_000);
afterAll(() => parity?.close());

/** An aggregate of doubles depends, in its last bits, on the order of the rows: in Trino from run to run. */
const isExact = (sql: string): boolean =>
  !(/\bdouble\b/i.test(sql) && /\b(sum|avg|corr|covar_\w+|regr_\w+|std\w+|var_\w+|variance)\s*\(/i.test(sql));

/** Our rows, with Trino's text in place of each double that is its within 1e-12 of it. */
const nearly = (came: Result, expected: Result): Result["rows"] =>
  came.rows.map((row, at) =>
    row.map((cell, column) => {
      const other = expected.rows[at]?.[column];
      if (cell == null || other == null || !/ double\(/.test(came.columns[column]!)) return cell;
      return Math.abs(Number(cell) - Number(other)) <= 1e-12 * Math.abs(Number(other)) ? other : cell;
    }),
  );

/** Ours gives what Trino gives, fails where Trino fails, or refuses by name; which, is returned. */
const compare = async (
  sql: string,
  tell: (refusal: string) => void = () => {},
): Promise<"answered" | "failed" | "refused"> => {
  const [ours, theirs] = await Promise.all([parity.ours(sql), parity.theirs(sql)]);
  if ("refused" in theirs) throw new Error("Trino refuses nothing by our name");
  if ("refused" in ours) {
    tell(ours.refused);
    return "refused";
  }
  if ("failed" in ours || "failed" in theirs) {
    const failed = { ours: "failed" in ours, theirs: "failed" in theirs };
    expect(failed, JSON.stringify([ours, theirs]).slice(0, 2000)).toEqual({ ours: true, theirs: true });
    return "failed";
  }
  const expected = inOrder(sql, theirs);
  const came = inOrder(sql, ours);
  expect(came.columns).toEqual(expected.columns);
  expect(isExact(sql) ? came.rows : nearly(came, expected)).toEqual(expected.rows);
  return "answered";
};

describe("what users ask is answered as Trino answers it, or refused by name", () => {
  const refused: string[] = [];
  test.each(corpus())("$name", async ({ name, sql }) => {
    if ((await compare(sql)) === "refused") refused.push(name);
  });
  test("docs/fidelity.md lists what is refused, and nothing that is answered", () => {
    expect(listed().sort()).toEqual(refused.sort());
  });
});

/** What `pregao gaps` asks of a dataset. */
const gapsOf = (dataset: Dataset): string[] => {
  const { sessions, checks = {} } = dataset;
  if (!sessions) return [];
  const all = { from: "2000-01-01", to: "2039-12-31" };
  const spans = (sessions.series ? ["IBOV", "it's"] : [null]).map((series) => ({
    series,
    ...all,
    but: ["2024-11-08"],
  }));
  return [
    ...[null, "PETR4"].map((ticker) => sessionsSql({ ...dataset, sessions }, ticker)),
    ...[spans, spans.map((span) => ({ ...span, but: [] }))].map((of) => papersSql({ ...dataset, sessions }, of)),
    ...Object.values(checks).flatMap((check) => [
      checkSql(check, { ticker: null }),
      checkSql(check, { ...all, ticker: "PETR4" }),
      ...(check.compared === undefined ? [] : [comparedSql(check.compared, { ...all, ticker: "PETR4" })]),
    ]),
  ];
};

describe("what a dataset saves is answered as Trino answers it", () => {
  test.each(
    datasets.flatMap((dataset) =>
      Object.entries(dataset.queries).map(([name, { sql }]) => [`${dataset.name} ${name}`, sql] as const),
    ),
  )("query %s", async (_, sql) => {
    expect(await compare(sql)).toBe("answered");
  });
  test.each(datasets.flatMap((dataset) => gapsOf(dataset).map((sql, at) => [`${dataset.name} ${at}`, sql] as const)))(
    "gaps of %s",
    async (_, sql) => {
      expect(await compare(sql)).toBe("answered");
    },
  );
  test.each(
    datasets.flatMap((dataset) => Object.keys(dataset.views).map((name) => [`${dataset.name} ${name}`, name] as const)),
  )("view %s", async (_, name) => {
    expect(await compare(`SELECT * FROM ${name}`)).toBe("answered");
    expect(await compare(`SELECT count(*) AS n FROM "AwsDataCatalog"."bovespa_database".${name} v`)).toBe("answered");
  });
});

/** Another seed or more runs find more: PREGAO_SEED, PREGAO_RUNS. What is run unless told is always the same. */
const seed = Number(process.env.PREGAO_SEED ?? 20_241_108);
const numRuns = Number(process.env.PREGAO_RUNS ?? 150);

test("statements from a grammar over the real tables are answered as Trino answers them", async () => {
  const tables = datasets.flatMap((dataset) => dataset.tables).filter(({ name }) => !/_espera$/.test(name));
  const sources: Source[] = [];
  for (const { name, key } of tables) {
    const { rows } = await parity.trino.run(`SHOW COLUMNS FROM ${name}`);
    sources.push({ name, key, columns: rows.map(([column, type]) => ({ name: String(column), type: String(type) })) });
  }
  const seen = { answered: 0, failed: 0, refused: 0 };
  const refusals = new Set<string>();
  await fc.assert(
    fc.asyncProperty(statements(sources), async (sql) => {
      const how = await compare(sql, (reason) => refusals.add(reason.replace(/^.*line \d+:\d+: /, "").slice(0, 60)));
      seen[how]++;
    }),
    { seed, numRuns, markInterruptAsFailure: true },
  );
  // A grammar whose statements are mostly refused would show nothing.
  expect(seen.answered, JSON.stringify([seen, ...refusals])).toBeGreaterThanOrEqual(0.75 * numRuns);
  expect(seen.failed, JSON.stringify(seen)).toBeLessThanOrEqual(0.05 * numRuns);
}, 280_000);
