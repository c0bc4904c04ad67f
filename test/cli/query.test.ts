import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tableFromIPC } from "apache-arrow";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSession } from "../../packages/engines/duckdb/session.ts";
import { document, folder, pregao, stackTrace, type Up, up } from "./command.ts";

const { dir, remove } = folder();
const state = join(dir, "state");
let river: Up;
beforeAll(async () => {
  river = await up(state);
});
afterAll(async () => {
  await river.stop();
  remove();
});

const ask = (...args: string[]) => pregao(["query", "--state", state, ...args]);

const BIG = "99999999999999999999999999999999.999999";
const text = 'a\u001b[31mb\nc,"é';
/** Each type with a value that a careless writer spoils, and absent. */
const hostile = `SELECT * FROM (VALUES
  (1, CAST(NULL AS varchar), '', CAST(9007199254740993 AS bigint), CAST('${BIG}' AS decimal(38,6)), CAST(-0.05 AS decimal(4,2)), true, DATE '2024-02-29', TIMESTAMP '2024-01-02 03:04:05.678', CAST(0.1 AS double)),
  (2, '${text}', 'x', CAST(NULL AS bigint), CAST('-${BIG}' AS decimal(38,6)), CAST(NULL AS decimal(4,2)), CAST(NULL AS boolean), CAST(NULL AS date), CAST(NULL AS timestamp), CAST(NULL AS double))
) AS v(i, n, e, b, big, cents, yes, day, at, f) ORDER BY i`;
/** Its rows, every digit of them. */
const exact = [
  {
    i: 1,
    n: null,
    e: "",
    b: "9007199254740993",
    big: BIG,
    cents: "-0.05",
    yes: true,
    day: "2024-02-29",
    at: "2024-01-02 03:04:05.678",
    f: 0.1,
  },
  { i: 2, n: text, e: "x", b: null, big: `-${BIG}`, cents: null, yes: null, day: null, at: null, f: null },
];
const none = `SELECT * FROM (${hostile.replace(" ORDER BY i", "")}) AS t WHERE i < 0`;

describe("a statement", () => {
  test("comes from the argument, a file or standard input", async () => {
    const file = join(dir, "q.sql");
    writeFileSync(file, "\ufeffSELECT 2 AS b;\n");
    expect((await ask("SELECT 1 AS a")).out).toBe("a\n─\n1\n");
    expect((await ask("-f", file)).out).toBe("b\n─\n2\n");
    expect((await pregao(["--state", state, "query", "-"], { input: "SELECT 3 AS c" })).out).toBe("c\n─\n3\n");
  });

  test("that is wrong ends with the reason, the place, and what there is; as one document with --json", async () => {
    const wrong = await ask("SELECT nope FROM bovespa_refined");
    expect(wrong).toMatchObject({ status: 1, out: "" });
    expect(wrong.err).toMatch(/line 1:8: column nope does not exist; what there is: pregao schema bovespa/);
    expect(wrong.err).not.toMatch(stackTrace);
    expect(document(await ask("SELEC", "--json"))).toMatchObject({ error: "query" });
  });
});

describe("an answer", () => {
  test("on the screen is aligned, trims decimals, and shows control characters as dots", async () => {
    const { out, status } = await ask(hostile);
    expect(status).toBe(0);
    expect(out).toContain('a·[31mb·c,"é');
    expect(out).not.toContain("\u001b");
    const [head = "", , first = "", second = ""] = out.split("\n");
    const end = (line: string, value: string) => line.indexOf(value) + value.length;
    expect(end(first, BIG)).toBe(end(head, " big"));
    expect(end(second, `-${BIG}`)).toBe(end(head, " big"));
    expect((await ask("SELECT CAST('1.500000' AS decimal(10,6)) AS d")).out).toBe(
      "d\n────\n1.50\n".replace("d\n", "   d\n"),
    );
    expect((await ask('SELECT 1 AS "a\u001b[31m"')).out).toContain("a·[31m");
  });

  test("as JSON keeps every digit and tells absent from empty", async () => {
    const answer = document<Record<string, unknown>[]>(await ask(hostile, "--json"));
    expect(answer).toEqual(exact);
    expect(document(await ask(none, "--json"))).toEqual([]);
  });

  test("as CSV keeps every digit and tells absent from empty", async () => {
    expect((await ask(hostile, "--format", "csv")).out).toBe(
      `i,n,e,b,big,cents,yes,day,at,f\n1,,"",9007199254740993,${BIG},-0.05,true,2024-02-29,2024-01-02 03:04:05.678,0.1\n2,"a\u001b[31mb\nc,""é",x,,-${BIG},,,,,\n`,
    );
    expect((await ask(none, "--format", "csv")).out).toBe("i,n,e,b,big,cents,yes,day,at,f\n");
  });

  test("as Parquet has the exact types and values, for DuckDB and for hyparquet, also without rows", async () => {
    const [file, empty] = [join(dir, "a.parquet"), join(dir, "none.parquet")];
    expect(document(await ask(hostile, "--format", "parquet", "-o", file, "--json"))).toMatchObject({
      file,
      format: "parquet",
      rows: 2,
    });
    expect((await ask(none, "--format", "parquet", "-o", empty)).out).toContain("0 rows");
    const duckdb = await openSession({ scratch: join(dir, "duckdb") });
    const types = "INTEGER VARCHAR VARCHAR BIGINT DECIMAL(38,6) DECIMAL(4,2) BOOLEAN DATE TIMESTAMP DOUBLE".split(" ");
    for (const f of [file, empty])
      expect((await duckdb.rows(`DESCRIBE SELECT * FROM '${f}'`)).map((c) => c.column_type)).toEqual(types);
    expect(await duckdb.rows(`SELECT * FROM '${file}' ORDER BY i`)).toEqual(exact);
    duckdb.close();
    const bytes = new Uint8Array(readFileSync(file)).buffer;
    expect(parquetMetadata(bytes).schema.find((c) => c.name === "big")).toMatchObject({ precision: 38, scale: 6 });
    expect(await parquetReadObjects({ file: bytes, columns: ["n", "e", "b", "day"] })).toEqual([
      { n: null, e: "", b: 9007199254740993n, day: new Date("2024-02-29") },
      { n: text, e: "x", b: null, day: null },
    ]);
  });

  test("as Arrow has the exact types and values, also without rows", async () => {
    const [file, empty] = [join(dir, "a.arrow"), join(dir, "none.arrow")];
    expect((await ask(hostile, "--format", "arrow", "-o", file)).out).toContain("2 rows as arrow");
    await ask(none, "--format", "arrow", "-o", empty);
    const [table, nothing] = [file, empty].map((f) => tableFromIPC(readFileSync(f)));
    const types =
      "Int32 Utf8 Utf8 Int64 Decimal[38e+6] Decimal[4e+2] Bool Date32<DAY> Timestamp<MILLISECOND> Float64".split(" ");
    for (const t of [table!, nothing!]) expect(t.schema.fields.map((f) => String(f.type))).toEqual(types);
    expect(nothing!.numRows).toBe(0);
    const [first, second] = table!.toArray().map((row) => row.toJSON() as Record<string, unknown>);
    expect(first).toMatchObject({
      i: 1,
      n: null,
      e: "",
      b: 9007199254740993n,
      yes: true,
      day: Date.parse("2024-02-29"),
      at: Date.parse("2024-01-02T03:04:05.678Z"),
      f: 0.1,
    });
    expect(second).toMatchObject({ i: 2, n: text, b: null, cents: null, yes: null, day: null, at: null, f: null });
    expect([first, second].map((row) => String(row!.big))).toEqual([BIG.replace(".", ""), `-${BIG.replace(".", "")}`]);
    expect(String(first!.cents)).toBe("-5");
  });

  test("with two columns of one name is refused where one would get lost", async () => {
    expect((await ask("SELECT 1 AS a, 2 AS a", "--format", "csv")).out).toBe("a,a\n1,2\n");
    const refused = await ask("SELECT 1 AS a, 2 AS a", "--json");
    expect(refused.status).toBe(1);
    expect(document(refused)).toMatchObject({ error: "columns", message: expect.stringContaining('"a" comes twice') });
  });

  test("that failed leaves the file that was there, and no part of another", async () => {
    const file = join(dir, "kept.csv");
    writeFileSync(file, "mine");
    expect((await ask("SELECT nope", "--format", "csv", "-o", file)).status).toBe(1);
    expect(readFileSync(file, "utf8")).toBe("mine");
    expect((await ask("SELECT 1 AS a", "--format", "csv", "-o", file)).status).toBe(0);
    expect(readFileSync(file, "utf8")).toBe("a\n1\n");
    expect(readdirSync(dir).filter((name) => name.endsWith(".part"))).toEqual([]);
  });

  test("whose reader has seen enough ends quietly", async () => {
    const digits = `(SELECT * FROM (VALUES ${Array.from({ length: 30 }, (_, i) => `(${i})`).join(",")}) AS v(n))`;
    const many = `SELECT a.n AS a, b.n AS b, c.n AS c FROM ${digits} AS a CROSS JOIN ${digits} AS b CROSS JOIN ${digits} AS c`;
    for (const format of ["csv", "json", "table"]) {
      const { status, out, err } = await pregao(["query", "--state", state, many, "--format", format], {
        watch: (child) => child.stdout?.destroy(),
      });
      expect([format, status, out.length < 200_000]).toEqual([format, 0, true]);
      expect(err).not.toMatch(/EPIPE|Error|\n\s+at /);
    }
  });
});

describe("a value for a ?", () => {
  const count = (where: string, ...values: string[]) =>
    ask(
      `SELECT count(*) AS n FROM (VALUES (1, 'PETR4', DATE '2024-11-08', true), (2, 'D''ÁGUA', DATE '2024-11-09', false), (3, '2024', NULL, NULL)) t(i, s, d, b) WHERE ${where}`,
      "--format",
      "csv",
      ...values.flatMap((value) => ["--param", value]),
    );

  test("is what it looks like: a number, a day, true or false, otherwise text, in the order of the marks", async () => {
    for (const [where, ...values] of [
      ["i = ?", "1"],
      ["i > ? AND s = ?", "-1.5", "PETR4"],
      ["s = ?", "D'ÁGUA"],
      ["s = ?", "'D''ÁGUA'"],
      ["s = ?", "'2024'"],
      ["d = ? AND b = ?", "2024-11-08", "true"],
    ] as [string, ...string[]][])
      expect([where, (await count(where, ...values)).out]).toEqual([where, "n\n1\n"]);
    expect((await count("s = ?", "")).out).toBe("n\n0\n");
    expect((await count("s = ?", "x' OR '1' = '1")).out).toBe("n\n0\n");
  });

  test("of another type, too many or none says what to write instead", async () => {
    expect((await count("s = ?", "2024")).err).toMatch(/came as 2024: a number in quotes is text, --param "'2024'"/);
    expect((await count("i = ?")).err).toMatch(/Incorrect number of parameters: expected 1 but found 0/);
    expect(await count("i = ?", "x".repeat(2000))).toMatchObject({ status: 2, err: expect.stringContaining("1024") });
  });
});

describe("a statement that is no query", () => {
  test("says what it did, and as a document has the rows that it gives", async () => {
    const made = await ask("CREATE TABLE minha AS SELECT 1 AS a UNION ALL SELECT 2");
    expect(made).toMatchObject({ status: 0, out: "" });
    expect(made.err).toMatch(/2 rows written, .* scanned/);
    expect(made.err).toMatch(/Next: pregao .*query "SHOW TABLES"/);
    expect((await ask("CREATE VIEW visao AS SELECT a + 1 AS b FROM minha")).err).toMatch(/^done, /);
    expect(document(await ask("SELECT b FROM visao ORDER BY b", "--json"))).toEqual([{ b: 2 }, { b: 3 }]);
    expect(document(await ask("DROP VIEW visao", "--json"))).toEqual([]);
    expect(document(await ask("INSERT INTO minha SELECT 3", "--json"))).toEqual([{ rows: "1" }]);
    expect((await ask("CREATE TABLE outra AS SELECT 1 AS a", "--format", "csv")).out).toBe("rows\n1\n");
    expect((await ask("DROP VIEW bovespa_hoje")).err).toMatch(/it is the river's/);
    expect((await ask("DROP TABLE bovespa_refined")).err).toMatch(/the river publishes into it/);
  });

  test("DESCRIBE gives its three columns, however Hive pads them", async () => {
    const rows = document<Record<string, string>[]>(await ask("DESCRIBE bovespa_hoje", "--json"));
    expect(rows.find(({ col_name }) => col_name === "dias_uteis")).toEqual({
      col_name: "dias_uteis",
      data_type: "int",
      comment: "pregões depois do pregão e até hoje; nulo fora de 1990–2040",
    });
    expect((await ask("DESCRIBE calendario")).out).toMatch(/^col_name +data_type +comment/);
  });
});
