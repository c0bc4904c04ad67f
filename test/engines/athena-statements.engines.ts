import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { query } from "../../packages/aws/queries.ts";
import { refine } from "../../packages/cli/refine.ts";
import { PregaoError } from "../../packages/core/errors.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { calendario } from "../../packages/datasets/calendario/index.ts";
import { sendFile, testPlace } from "../place.ts";
import { type Cells, formOf, inOrder, type Outcome } from "./athena-parity.ts";
import { corpus } from "./corpus.ts";
import { startTrino, type Trino } from "./trino.ts";

/** The catalog's other reader and writer: what one of the two defines or writes, the other reads alike. */
let place: Awaited<ReturnType<typeof testPlace>>;
let trino: Trino;
beforeAll(async () => {
  place = await testPlace();
  const starting = startTrino({ endpoint: place.stack!.url, region: place.stage.region, database: place.database });
  await sendFile(place, bovespa, bovespa.demo!.file.pathname);
  await refine(place, calendario, {});
  trino = await starting;
}, 240_000);
afterAll(async () => {
  await trino?.stop();
  await place?.remove();
});

const ours = async (sql: string): Promise<Outcome> => {
  try {
    const { fields, rows } = await query(place.aws, sql, place.database);
    const all: Cells[] = [];
    for await (const page of rows) all.push(...page);
    return { columns: fields.map((f) => `${f.name} ${f.type}(${f.precision},${f.scale})`), rows: all };
  } catch (error) {
    if (!(error instanceof PregaoError)) throw error;
    return { failed: error.message };
  }
};
const theirs = async (sql: string): Promise<Outcome> => {
  const answer = await trino.ask(sql);
  return "error" in answer ? { failed: `${answer.error}: ${answer.message}` } : formOf(answer);
};
/** The rows of both, which are the same. */
const same = async (sql: string) => {
  const [here, there] = [await ours(sql), await theirs(sql)];
  if (!("rows" in here) || !("rows" in there)) return expect({ here, there }).toBeNull();
  const [came, expected] = [inOrder(sql, here), inOrder(sql, there)];
  expect(came.columns).toEqual(expected.columns);
  expect(came.rows).toEqual(expected.rows);
  return came.rows;
};
const made = async () => {
  await done(ours("CREATE OR REPLACE VIEW feita AS SELECT 1 AS a"));
};
const done = async (outcome: Promise<Outcome>) => expect(await outcome).not.toHaveProperty("failed");

describe("views of the datasets", () => {
  test.each(Object.keys(bovespa.views))("%s is read by Trino as it is here", async (name) => {
    await same(`SELECT * FROM ${name}`);
    const [[count] = []] = (await same(`SELECT count(*) AS n FROM ${name}`)) ?? [];
    // What traded in 2024 has expired.
    expect(Number(count) > 0).toBe(name !== "bovespa_opcoes_abertas");
    await same(`SELECT ticker, count(*) AS n FROM ${name} WHERE ticker LIKE 'PETR%' GROUP BY ticker`);
  });
});

const body = `SELECT ticker, year, count(*) AS n, avg(preco_ultimo) AS media, max(data_pregao) AS d, 'é' AS fixo
FROM bovespa_refined WHERE ticker LIKE 'P%' GROUP BY ticker, year`;

test.each(["schemata", "tables", "columns", "views"])("information_schema.%s lists what Trino lists", async (name) => {
  await same(`SELECT * FROM information_schema.${name}`);
});

describe("a view", () => {
  test("that was made here is read by Trino, with its comment and the database of its names", async () => {
    await done(ours(`CREATE VIEW feita_aqui COMMENT 'ção' AS ${body}`));
    await same("SELECT * FROM feita_aqui");
    const shown = await trino.run("SHOW CREATE VIEW feita_aqui");
    expect(String(shown.rows[0]![0])).toContain("COMMENT 'ção'");
    await done(ours("CREATE OR REPLACE VIEW feita_aqui AS SELECT 1 AS a"));
    expect(await same("SELECT * FROM feita_aqui")).toEqual([["1"]]);
    await trino.run("DROP VIEW feita_aqui");
    expect(await ours("SELECT * FROM feita_aqui")).toHaveProperty("failed");
  });

  test("that Trino made is read here, replaced and dropped", async () => {
    await trino.run(`CREATE VIEW feita_la COMMENT 'ção' SECURITY DEFINER AS ${body}`);
    await trino.run("CREATE VIEW feita_la2 SECURITY INVOKER AS SELECT n + 1 AS m FROM feita_la WHERE n > 0");
    await same("SELECT * FROM feita_la");
    await same("SELECT m, count(*) AS n FROM feita_la2 GROUP BY m");
    await done(ours("CREATE OR REPLACE VIEW feita_la2 AS SELECT DISTINCT fixo FROM feita_la"));
    expect(await same("SELECT * FROM feita_la2")).toEqual([["é"]]);
    await done(ours("DROP VIEW feita_la2"));
    expect(await theirs("SELECT * FROM feita_la2")).toHaveProperty("failed");
  });
});

describe("a statement of the corpus gives as a view what it gives by itself", () => {
  test.each(corpus())("$name", async ({ sql }) => {
    const plain = await ours(sql);
    if ("failed" in plain) return;
    const made = await ours(`CREATE OR REPLACE VIEW de_corpus AS ${sql}`);
    if ("failed" in made) {
      // A view asks more of a query: a name for each column, and a type.
      expect(made.failed).toMatch(/^(MISSING_COLUMN_NAME|DUPLICATE_COLUMN_NAME|COLUMN_TYPE_UNKNOWN|NOT_SUPPORTED):/);
      return;
    }
    const read = await ours("SELECT * FROM de_corpus");
    if (!("rows" in plain) || !("rows" in read)) return expect(read).toEqual(plain);
    const sorted = ({ columns, rows }: typeof plain) =>
      inOrder("", { columns: columns.map((c) => c.toLowerCase()), rows });
    expect(sorted(read)).toEqual(sorted(plain));
  });
});

/** Each type that a table can have, at its edges. */
const types = `SELECT * FROM (VALUES
  (true, CAST(-128 AS tinyint), CAST(32767 AS smallint), -2147483648, CAST(9223372036854775807 AS bigint), -0.1E0, CAST('99999999999999999999999999999999.999999' AS decimal(38,6)), CAST(-0.05 AS decimal(4,2)), 'é', CAST('text' AS varchar), DATE '1969-12-31', TIMESTAMP '1969-12-31 23:59:59.999', 'a b/=%'),
  (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (false, 1, 1, 1, 1, 1e300, 1, 1, 'x', '', DATE '2024-02-29', TIMESTAMP '2024-02-29 12:34:56.789', 'p')) t(b, ti, si, i, bi, d, big, de, vc, v, da, ts, p)`;

describe("a table", () => {
  test.each([
    ["CREATE TABLE t1 AS", ""],
    ["CREATE TABLE t2 WITH (partitioned_by = ARRAY['p']) AS", ""],
    ["CREATE TABLE t3 WITH (format = 'PARQUET', external_location = 's3://lake/avulsas/t3/') AS", " WITH NO DATA"],
  ])("of %s is read by Trino, types and nulls included, and takes Trino's rows", async (start, end) => {
    const name = /t\d/.exec(start)![0];
    await done(ours(`${start} ${types}${end}`));
    await same(`SELECT * FROM ${name}`);
    await same(`SELECT p, count(*) AS n FROM ${name} GROUP BY p`);
    await trino.run(`INSERT INTO ${name} SELECT * FROM (${types}) u WHERE p IS NOT NULL`);
    await same(`SELECT * FROM ${name}`);
    await done(ours(`INSERT INTO ${name} (i, p) SELECT 7, 'novo' UNION ALL SELECT 8, 'p'`));
    await same(`SELECT * FROM ${name}`);
    await done(ours(`DROP TABLE ${name}`));
    expect(await theirs(`SELECT * FROM ${name}`)).toHaveProperty("failed");
  });

  test("that Trino made is read here and takes rows", async () => {
    await trino.run(
      `CREATE TABLE deles WITH (external_location = 's3://lake/avulsas/deles/', partitioned_by = ARRAY['p']) AS ${types}`,
    );
    await same("SELECT * FROM deles");
    await done(ours(`INSERT INTO deles SELECT * FROM (${types}) u`));
    await same("SELECT * FROM deles");
  });
});

test.each([
  ["CREATE VIEW bovespa_refined AS SELECT 1 AS a"],
  ["CREATE OR REPLACE VIEW bovespa_refined AS SELECT 1 AS a"],
  ["CREATE VIEW bovespa_ultimo AS SELECT 1 AS a"],
  ["CREATE VIEW v AS SELECT 1"],
  ["CREATE VIEW v AS SELECT 1 AS a, 2 AS a"],
  ["CREATE VIEW v AS SELECT NULL AS a"],
  ["CREATE VIEW nowhere.v AS SELECT 1 AS a"],
  ["DROP VIEW bovespa_refined"],
  ["DROP VIEW nothing"],
  ["DROP TABLE nothing"],
  ["DROP TABLE feita"],
  ["CREATE TABLE bovespa_refined AS SELECT 1 AS a"],
  ["CREATE TABLE nowhere.x AS SELECT 1 AS a"],
  ["CREATE TABLE x WITH (external_location = 's3://results/athena/') AS SELECT 1 AS a"],
  ["SELECT nada FROM bovespa_refined"],
  ["SELECT 1 FROM nada"],
  ["SELECT 1 FROM bovespa_refined WHERE year = ?"],
  ["SELECT 1 FROM bovespa_refined ORDER BY nada"],
  ["SELECT 1 FROM bovespa_refined JOIN calendario USING (nada)"],
  ["SELECT 1 FROM bovespa_refined WHERE year = 2024"],
  ["SELECT ticker FROM bovespa_refined GROUP BY year"],
  ["CREATE TABLE x AS SELECT 1"],
  ["CREATE TABLE x AS SELECT NULL AS a"],
  ["CREATE TABLE x (a) AS SELECT 1 AS b, 2 AS c"],
  ["CREATE TABLE x WITH (partitioned_by = ARRAY['a']) AS SELECT 1 AS a, 2 AS b"],
  ["CREATE TABLE x WITH (partitioned_by = ARRAY['c']) AS SELECT 1 AS a, 2 AS b"],
  ["CREATE TABLE x WITH (partitioned_by = ARRAY['a']) AS SELECT 1 AS a"],
  ["CREATE TABLE x AS SELECT TIMESTAMP '2024-01-01 00:00:00.123456' AS t"],
  ["INSERT INTO bovespa_metrics SELECT 1"],
  ["INSERT INTO nothing SELECT 1"],
  ["INSERT INTO feita SELECT 1"],
  ["EXECUTE nothing"],
  ["SELECT ? AS a"],
])("%s fails here with the name that Trino gives the failure", async (sql) => {
  await made();
  const [here, there] = [await ours(sql), await theirs(sql)];
  const code = (outcome: Outcome) => ("failed" in outcome ? outcome.failed.split(":")[0] : JSON.stringify(outcome));
  expect(code(here)).toBe(code(there));
});
