import { afterAll, beforeAll, expect, test } from "vitest";
import { all } from "../../packages/aws/queries.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { sendFile, testPlace } from "../place.ts";
import { formOf } from "./athena-parity.ts";
import { startTrino, type Trino } from "./trino.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
let trino: Trino;
beforeAll(async () => {
  place = await testPlace();
  const starting = startTrino({ endpoint: place.stack!.url, region: place.stage.region, database: place.database });
  const [started, sent] = await Promise.allSettled([starting, sendFile(place, bovespa, bovespa.demo!.file.pathname)]);
  if (started.status === "fulfilled") trino = started.value;
  for (const one of [started, sent]) if (one.status === "rejected") throw one.reason;
}, 240_000);
afterAll(async () => {
  await trino?.stop();
  await place?.remove();
});

type Rows = (string | null)[][];
/** What our Athena answers, its rows as lists. */
const ours = async (sql: string): Promise<Rows> =>
  (await all(place.aws, sql, place.database)).map((row) => Object.values(row));
const theirs = async (sql: string): Promise<Rows> => formOf(await trino.run(sql)).rows;
/** The rows that both give. */
const both = async (sql: string): Promise<Rows> => {
  const [a, b] = [await ours(sql), await theirs(sql)];
  expect(a).toEqual(b);
  return a;
};

test("a view that Trino makes is read here, and shown, replaced and dropped by either", async () => {
  await trino.run(
    "CREATE VIEW grandes AS SELECT ticker, volume_total FROM bovespa_refined WHERE volume_total > 100000000",
  );
  const [first] = await both("SELECT count(*) AS n, sum(volume_total) AS v FROM grandes");
  expect(Number(first![0])).toBeGreaterThan(10);
  await ours(
    "CREATE OR REPLACE VIEW grandes AS SELECT ticker, isin FROM bovespa_refined WHERE volume_total > 200000000",
  );
  const fewer = await both("SELECT * FROM grandes ORDER BY ticker");
  expect(fewer.length).toBeGreaterThan(0);
  expect(fewer.length).toBeLessThan(Number(first![0]));
  await trino.run("CREATE OR REPLACE VIEW grandes AS SELECT 1 AS um");
  expect(await both("SELECT * FROM grandes")).toEqual([["1"]]);
  await trino.run("DROP VIEW grandes");
  await expect(ours("SELECT * FROM grandes")).rejects.toThrow(/does not exist/);
});

test("a view of a view, made by the one over the other's, is the same to both", async () => {
  await ours(`CREATE VIEW nossa AS SELECT ticker, data_pregao, preco_ultimo, total_negocios FROM bovespa_refined`);
  await trino.run(
    `CREATE VIEW deles AS SELECT ticker, avg(preco_ultimo) AS media, count(*) AS n, max(data_pregao) AS d FROM "AwsDataCatalog"."bovespa_database"."nossa" GROUP BY ticker`,
  );
  await ours("CREATE VIEW de_novo AS SELECT * FROM deles WHERE media > 100");
  expect((await both("SELECT * FROM de_novo ORDER BY ticker")).length).toBeGreaterThan(3);
});

test("a table that Trino writes into our S3, in aws-chunked bodies, is read here to the last value", async () => {
  await trino.run(
    `CREATE TABLE copia WITH (external_location = 's3://lake/trino/copia/', format = 'PARQUET') AS
     SELECT *, CAST(preco_ultimo AS double) / 3 AS terco, TIMESTAMP '2024-11-08 12:34:56.789' AS instante, total_negocios > 100 AS muito FROM bovespa_refined`,
  );
  expect(await both("SELECT * FROM copia ORDER BY ticker")).toHaveLength(
    Number((await ours("SELECT count(*) AS n FROM bovespa_refined"))[0]![0]),
  );
  // The same rows as the table it was made from, not only the same to both.
  expect(
    await both(
      "SELECT count(*) AS n FROM (SELECT ticker, volume_total, scraped_at FROM copia EXCEPT SELECT ticker, volume_total, scraped_at FROM bovespa_refined)",
    ),
  ).toEqual([["0"]]);
});

test("partitions that Trino adds are found here, by value, also odd ones", async () => {
  await trino.run(
    `CREATE TABLE partida WITH (external_location = 's3://lake/trino/partida/', partitioned_by = ARRAY['moeda', 'dia']) AS
     SELECT ticker, volume_total, 'R$ / a=1%' AS moeda, data_pregao AS dia FROM bovespa_refined WHERE ticker LIKE 'P%'`,
  );
  await trino.run(
    "INSERT INTO partida SELECT ticker, volume_total, 'outra', DATE '2023-01-02' FROM bovespa_refined WHERE ticker LIKE 'V%'",
  );
  const groups = await both(
    "SELECT moeda, dia, count(*) AS n, sum(volume_total) AS v FROM partida GROUP BY moeda, dia ORDER BY 1, 2",
  );
  expect(groups.map(([moeda, dia]) => [moeda, dia])).toEqual([
    ["R$ / a=1%", "2024-11-08"],
    ["outra", "2023-01-02"],
  ]);
  // Trino asks GetPartitions with an expression; the other partition must not come with it.
  expect(await both("SELECT count(*) AS n FROM partida WHERE moeda = 'outra' AND dia < DATE '2024-01-01'")).toEqual([
    [groups[1]![2]],
  ]);
  expect(
    await both("SELECT count(*) AS n FROM partida WHERE moeda IN ('R$ / a=1%', 'nenhuma') AND dia > DATE '2024-01-01'"),
  ).toEqual([[groups[0]![2]]]);
  expect((await theirs(`SELECT count(*) AS n FROM "partida$partitions"`))[0]).toEqual(["2"]);
});

test("a table of more parts than one upload takes arrives whole", async () => {
  // Text that does not compress: more than the 16 MB at which Trino begins a multipart upload.
  await trino.run(
    `CREATE TABLE larga WITH (external_location = 's3://lake/trino/larga/') AS
     SELECT a.n * 1000 + b.n AS id, to_hex(sha256(to_utf8(CAST(a.n * 1000 + b.n AS varchar)))) || to_hex(md5(to_utf8(CAST(a.n * 1000 + b.n AS varchar)))) AS texto
     FROM UNNEST(sequence(0, 499)) a(n) CROSS JOIN UNNEST(sequence(0, 999)) b(n)`,
  );
  expect(
    await both(
      "SELECT count(*) AS n, count(DISTINCT texto) AS d, min(id) AS a, max(id) AS b, max(texto) AS t FROM larga",
    ),
  ).toMatchObject([["500000", "500000", "0", "499999", expect.stringMatching(/^[0-9A-F]{96}$/)]]);
});

test("a table that our Athena makes is read by Trino to the last value", async () => {
  await ours(
    `CREATE TABLE nossa_tabela WITH (format = 'PARQUET', external_location = 's3://lake/athena/nossa/', partitioned_by = ARRAY['codbdi']) AS
     SELECT ticker, data_pregao, preco_ultimo, total_negocios, quantidade_total, CAST(preco_ultimo AS double) AS d, scraped_at, alta_volatilidade, isin, codbdi FROM bovespa_refined`,
  );
  expect((await both("SELECT * FROM nossa_tabela ORDER BY ticker")).length).toBeGreaterThan(1000);
  const shown = await trino.run("SHOW COLUMNS FROM nossa_tabela");
  expect(shown.rows.map(([name, type]) => `${name} ${type}`)).toContain("preco_ultimo decimal(18,6)");
  await ours("DROP TABLE nossa_tabela");
  expect(await trino.ask("SELECT 1 FROM nossa_tabela")).toMatchObject({ error: "TABLE_NOT_FOUND" });
});

test("what Trino drops is gone here", async () => {
  await trino.run("CREATE TABLE curta WITH (external_location = 's3://lake/trino/curta/') AS SELECT 1 AS um");
  expect(await both("SELECT um FROM curta")).toEqual([["1"]]);
  await trino.run("DROP TABLE curta");
  await expect(ours("SELECT * FROM curta")).rejects.toThrow(/does not exist/);
});
