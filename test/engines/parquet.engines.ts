import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateDatabaseCommand, CreateTableCommand } from "@aws-sdk/client-glue";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type GlueType, trinoType } from "../../packages/core/columns.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import type { Cell, ParquetColumn } from "../../packages/engines/duckdb/parquet.ts";
import { writeParquet } from "../../packages/engines/duckdb/parquet.ts";
import { writePartitions } from "../../packages/engines/duckdb/partitions.ts";
import { literal, openSession, type Session } from "../../packages/engines/duckdb/session.ts";
import { atOnce, rowByRow } from "../../packages/local/firehose/convert.ts";
import { tableInput } from "../../packages/local/glue/declare.ts";
import { ask, sendFile, testPlace } from "../place.ts";
import { bits, byDuckdb, byHyparquet, decimalText, type Rows, scaleOf, type Text, textOf } from "./parquet.ts";
import { runPython } from "./python.ts";
import type { Raw } from "./raw-json.ts";
import { startTrino, type Trino } from "./trino.ts";

const columns: ParquetColumn[] = [
  { name: "id", type: "int" },
  { name: "s", type: "string" },
  { name: "i", type: "int" },
  { name: "b", type: "bigint" },
  { name: "x", type: "double" },
  { name: "t", type: "boolean" },
  { name: "d", type: "date" },
  { name: "z", type: "timestamp" },
  { name: "m5", type: "decimal(5,2)" },
  { name: "m9", type: "decimal(9,4)" },
  { name: "m18", type: "decimal(18,6)" },
  { name: "m20", type: "decimal(20,2)" },
  { name: "m38", type: "decimal(38,0)" },
  { name: "m38_18", type: "decimal(38,18)" },
];

const days = (text: string): number => Date.parse(`${text}T00:00:00Z`) / 86_400_000;
const micros = (text: string, more = 0n): bigint => BigInt(Date.parse(`${text}Z`)) * 1000n + more;
const most = (digits: number): bigint => 10n ** BigInt(digits) - 1n;

/** By column, what is at its edges; where a column has fewer values than another, its rows are null. */
const edges: Record<string, Cell[]> = {
  s: [
    "",
    " ",
    "AÇÃO ÓTIMA Ñ ü",
    "e\u0301",
    "😀",
    "\u2028\ufeff",
    "NULL",
    "null",
    "a\tb\nc\"d'e\\f",
    "x".repeat(5000),
    "٣",
  ],
  i: [0, 1, -1, 2_147_483_647, -2_147_483_648],
  b: [0n, 2n ** 63n - 1n, -(2n ** 63n), 9_007_199_254_740_993n],
  x: [0, -0.0, 0.1, -1 / 3, 5e-324, 1.7976931348623157e308, -2.2250738585072014e-308, 1e21],
  t: [true, false],
  d: [
    "1970-01-01",
    "1969-12-31",
    "0001-01-01",
    "1000-01-01",
    "1582-10-04",
    "1582-10-10",
    "1582-10-15",
    "2024-02-29",
    "9999-12-31",
  ].map(days),
  z: [
    micros("1970-01-01T00:00:00"),
    micros("1969-12-31T23:59:59.999", 999n),
    micros("2024-11-08T22:11:00.123", 456n),
    micros("2018-11-04T00:30:00"),
    micros("0001-01-01T00:00:00"),
    micros("1582-10-10T12:00:00"),
    micros("1900-01-01T00:00:00", 1n),
    micros("9999-12-31T23:59:59.999", 999n),
  ],
  m5: [0n, 1n, -1n, most(5), -most(5)],
  m9: [0n, 1n, most(9), -most(9)],
  m18: [0n, -1n, 36_500_000n, most(18), -most(18)],
  m20: [0n, 1n, most(20), -most(20), -(2n ** 64n)],
  m38: [0n, 1n, -1n, most(38), -most(38), 2n ** 64n],
  m38_18: [0n, 1n, -1n, most(38), -most(38)],
};
const height = Math.max(...Object.values(edges).map((cells) => cells.length)) + 1;
const cells: Cell[][] = columns.map(({ name }) =>
  Array.from({ length: height }, (_, row) => (name === "id" ? row : (edges[name]![row] ?? null))),
);
/** What Hive's old writer can say without another calendar: nothing before 1900. */
const isOld = (type: GlueType, cell: Cell): boolean =>
  (type === "date" && Number(cell) < days("1901-01-01")) ||
  (type === "timestamp" && BigInt(cell as bigint) < micros("1901-01-01T00:00:00"));
const since1900: Cell[][] = columns.map(({ type }, c) =>
  cells[c]!.map((cell) => (cell === null || isOld(type, cell) ? null : cell)),
);
const rowsOf = (table: Cell[][]): Rows =>
  Array.from({ length: table[0]!.length }, (_, row) => columns.map(({ type }, c) => textOf(type, table[c]![row]!)));

/** A row as a message has it; doubles keep the sign of a zero. */
const spelled = (type: GlueType, cell: Cell): string => {
  if (cell === null) return "null";
  if (type === "double") return Object.is(cell, -0) ? "-0.0" : JSON.stringify(cell);
  if (type === "date") return JSON.stringify(new Date(Number(cell) * 86_400_000).toISOString().slice(0, 10));
  if (type === "timestamp") {
    const part = (((cell as bigint) % 1_000_000n) + 1_000_000n) % 1_000_000n;
    const seconds = new Date(Number(((cell as bigint) - part) / 1000n)).toISOString().slice(0, 19).replace("T", " ");
    return JSON.stringify(`${seconds}.${String(part).padStart(6, "0")}`);
  }
  if (type === "bigint") return `"${cell}"`;
  if (scaleOf(type) >= 0) return `"${decimalText(cell as bigint, scaleOf(type))}"`;
  return JSON.stringify(cell);
};
const documents = (table: Cell[][], except: readonly number[] = []): string[] =>
  Array.from({ length: table[0]!.length }, (_, row) => row)
    .filter((row) => !except.includes(row))
    .map((row) => `{${columns.map(({ name, type }, c) => `"${name}":${spelled(type, table[c]![row]!)}`).join(",")}}\n`);

type Element = { name: string; physical: string; logical: string; converted: string; optional: boolean };
type Read = { rows: Rows; types: string[] };
type Said = { footer: Element[]; pyarrow: Read; spark: Read };
type File = { path: string; rows: Rows; said: Said };

let scratch: string;
let session: Session;
const files: Record<string, File> = {};
/** A river with a real file in it, and its raw object as Hive's writer would have made it. */
const real = {} as { place: Awaited<ReturnType<typeof testPlace>>; rewritten: string };
const names = [
  "firehose",
  "firehose_fast",
  "firehose_empty",
  "duckdb",
  "duckdb_empty",
  "spark",
  "spark_empty",
  "hive",
] as const;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "parquet-"));
  session = await openSession({ scratch });
  const all = rowsOf(cells);
  const plan: Record<(typeof names)[number], Rows> = {
    firehose: all,
    firehose_fast: all,
    firehose_empty: [],
    duckdb: all,
    duckdb_empty: [],
    spark: all,
    spark_empty: [],
    hive: rowsOf(since1900),
  };
  for (const name of names) {
    mkdirSync(join(scratch, name), { recursive: true });
    files[name] = { path: join(scratch, name, "f.parquet"), rows: plan[name], said: null as unknown as Said };
  }
  const path = (name: (typeof names)[number]) => files[name]!.path;
  // By the converter's two ways: one that looks at each value, one that leaves it to DuckDB.
  const convertedBy = (texts: string[], file: string) => ({
    columns,
    records: texts.map((text, seq) => ({ seq, arrived: 0, bytes: Buffer.byteLength(text) })),
    read: (seq: number) => Buffer.from(texts[seq]!),
    file,
    lines: join(scratch, "lines"),
  });
  const texts = documents(cells);
  expect((await rowByRow(session, convertedBy(texts, path("firehose")))).failed).toEqual([]);
  // What is not of the one spelling leaves the fast way: these rows do.
  const odd = texts.flatMap((text, row) => (/\\u|-0\.0|1e\+21|e-3|e\+308|[0-9]{19}|2147483/.test(text) ? [row] : []));
  const plain = documents(cells, odd);
  expect(plain.length).toBeGreaterThan(3);
  expect(await atOnce(session, convertedBy(plain, path("firehose_fast")))).toBe(plain.length);
  files.firehose_fast!.rows = all.filter((_, row) => !odd.includes(row));
  await writeParquet(session, path("firehose_empty"), { columns, batches: [] });
  // By the embedded engine, from a table of exactly these rows.
  const table = { name: "made", columns, partitions: [], sort: ["id"], key: ["id"], rowGroup: 4096, means: "" };
  for (const [name, where] of [
    ["duckdb", "true"],
    ["duckdb_empty", "false"],
  ] as const) {
    const [made] = await writePartitions(session, table, `SELECT * FROM ${literal(path("firehose"))} WHERE ${where}`, {
      dir: join(scratch, name),
      unit: null,
      keep: new Map([["", {}]]),
      threads: 1,
    });
    copyFileSync(made!.path, path(name));
  }
  const written = (name: (typeof names)[number], as: string) => ({ path: path(name), columns, rows: plan[name], as });
  real.place = await testPlace();
  real.rewritten = join(scratch, "hive/raw.parquet");
  await sendFile(real.place, bovespa, new URL(bovespa.demo!.file).pathname);
  const lake = join(real.place.dir, "s3/lake");
  const raw = readdirSync(join(lake, "raw"), { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".parquet"),
  );
  const rawColumns = Object.entries(bovespa.raw!.table.columns).map(([name, { type }]) => ({ name, type }));
  const rewrite = {
    path: real.rewritten,
    columns: rawColumns,
    rows: { files: raw.map((name) => join(lake, "raw", name)) },
    as: "hive",
  };
  const { stdout } = await runPython(join(import.meta.dirname, "parquet.py"), [], {
    input: JSON.stringify({
      scratch: join(scratch, "by-spark"),
      write: [written("spark", "engine"), written("spark_empty", "engine"), written("hive", "hive"), rewrite],
      read: names.map((name) => ({ path: path(name), columns })),
    }),
  });
  const said = JSON.parse(stdout) as Record<string, Said>;
  for (const file of Object.values(files)) file.said = said[file.path]!;
}, 240_000);
afterAll(async () => {
  await real.place?.remove();
  session?.close();
  rmSync(scratch, { recursive: true, force: true });
});

test("without a schema Spark takes an instant of DuckDB's for one without a zone: whoever reads must name the types", () => {
  const inferred = (name: string) => files[name]!.said.spark.types[columns.findIndex((c) => c.name === "z")];
  expect(["firehose", "duckdb", "spark", "hive"].map(inferred)).toEqual([
    "timestamp_ntz",
    "timestamp_ntz",
    "timestamp",
    "timestamp",
  ]);
  for (const name of names)
    expect(files[name]!.said.spark.types.filter((type) => !type.startsWith("timestamp"))).toEqual(
      columns.filter((c) => c.type !== "timestamp").map((c) => c.type),
    );
});

test("a raw object as Hive's writer makes it, with instants in INT96, is refined as one of ours", async () => {
  const { place: ours, rewritten } = real;
  const theirs = await testPlace();
  try {
    const key = "raw/bovespa/ingest_date=2024-11-09/hive.parquet";
    await theirs.aws.s3.send(new PutObjectCommand({ Bucket: "lake", Key: key, Body: readFileSync(rewritten) }));
    await theirs.stack!.idle();
    for (const { name, key: columns } of bovespa.tables) {
      const sql = `SELECT * FROM ${name} ORDER BY ${columns.join(", ")}`;
      expect(await ask(theirs, sql), name).toEqual(await ask(ours, sql));
    }
    const sql = "SELECT scraped_at, count(*) AS n FROM bovespa_raw GROUP BY 1";
    expect(await ask(theirs, sql)).toEqual(await ask(ours, sql));
  } finally {
    await theirs.remove();
  }
});

const byId = (rows: Rows): Rows => rows.toSorted((a, b) => Number(a[0]) - Number(b[0]));

describe.each(names)("a file of %s", (name) => {
  test("has the rows that were written, to DuckDB", async () => {
    expect(await byDuckdb(session, files[name]!.path, columns)).toEqual(files[name]!.rows);
  });
  test("has the rows that were written, to Spark with the engine's own schema", () => {
    expect(byId(files[name]!.said.spark.rows)).toEqual(files[name]!.rows);
  });
  test("has the rows that were written, to pyarrow", () => {
    expect(files[name]!.said.pyarrow.rows).toEqual(files[name]!.rows);
  });
  test("has the rows that were written, to hyparquet, whose decimals are doubles", async () => {
    const short = (rows: Rows): Rows =>
      rows.map((row) =>
        row.map((text, c) =>
          scaleOf(columns[c]!.type) >= 0 && text !== null && text.replace("-", "").length > 15 ? "long" : text,
        ),
      );
    expect(short(await byHyparquet(files[name]!.path, columns))).toEqual(short(files[name]!.rows));
  });
});

/** What Athena's and Spark's readers take each type to be stored as. */
const stored = (type: GlueType, writer: string): { physical: string; logical: RegExp } => {
  const [, p = "0", s = "0"] = /^decimal\((\d+),(\d+)\)$/.exec(type) ?? [];
  switch (type) {
    case "string":
      return { physical: "BYTE_ARRAY", logical: /^String$/ };
    case "int":
      return { physical: "INT32", logical: /^(None|Int\(bitWidth=32, isSigned=true\))$/ };
    case "bigint":
      return { physical: "INT64", logical: /^(None|Int\(bitWidth=64, isSigned=true\))$/ };
    case "double":
      return { physical: "DOUBLE", logical: /^None$/ };
    case "boolean":
      return { physical: "BOOLEAN", logical: /^None$/ };
    case "date":
      return { physical: "INT32", logical: /^Date$/ };
    case "timestamp":
      return writer === "hive"
        ? { physical: "INT96", logical: /^None$/ }
        : { physical: "INT64", logical: /^Timestamp\(isAdjustedToUTC=(true|false), timeUnit=microseconds/ };
    default: {
      const narrow = Number(p) <= 9 ? "INT32" : Number(p) <= 18 ? "INT64" : "FIXED_LEN_BYTE_ARRAY";
      return {
        physical: writer === "hive" ? "FIXED_LEN_BYTE_ARRAY" : narrow,
        logical: new RegExp(`^Decimal\\(precision=${p}, scale=${s}\\)$`),
      };
    }
  }
};

test.each(names)("the footer of %s says physical and logical types that Athena and Spark take", (name) => {
  const { footer } = files[name]!.said;
  expect(footer.map((element) => element.name)).toEqual(columns.map((column) => column.name));
  for (const [c, element] of footer.entries()) {
    const { physical, logical } = stored(columns[c]!.type, name);
    expect(element).toMatchObject({ physical, logical: expect.stringMatching(logical), optional: true });
  }
});

describe("as a table of the catalog", () => {
  let trino: Trino;
  beforeAll(async () => {
    const { place } = real;
    const { s3, glue } = place.aws;
    await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: "pq" } }));
    for (const name of names) {
      const body = readFileSync(files[name]!.path);
      await s3.send(new PutObjectCommand({ Bucket: "lake", Key: `pq/${name}/f.parquet`, Body: body }));
      const spec = {
        name,
        comment: "",
        columns: columns.map((column) => ({ Name: column.name, Type: column.type, Comment: "" })),
        partitions: [],
        location: `pq/${name}/`,
      };
      await glue.send(new CreateTableCommand({ DatabaseName: "pq", TableInput: tableInput(spec, "lake") }));
    }
    trino = await startTrino({ endpoint: place.stack!.url, region: place.stage.region, database: "pq" });
  }, 180_000);
  afterAll(() => trino?.stop());

  /** To the millisecond it is in the year 10000, which our Athena refuses to print. */
  const late = edges.z!.length - 1;
  const sqlOf = (name: string, where = "true"): string => {
    const shown = columns.map((column) => {
      if (column.type === "date") return `date_diff('day', DATE '1970-01-01', ${column.name})`;
      return column.type === "timestamp" || scaleOf(column.type) >= 0 ? `CAST(${column.name} AS varchar)` : column.name;
    });
    return `SELECT ${shown.join(", ")} FROM pq.${name} WHERE ${where} ORDER BY id`;
  };
  /** A result's text in the spelling of the files; instants to the millisecond, as Hive has them. */
  const readAs = (type: GlueType, text: string | null): Text => {
    if (text === null) return null;
    if (type === "double") return bits(Number(text));
    return scaleOf(type) >= 0 ? String(BigInt(text.replace(".", ""))) : text;
  };
  const wanted = (rows: Rows): Rows =>
    rows.map((row) =>
      row.map((text, c) => {
        if (columns[c]!.type !== "timestamp" || text === null) return text;
        // Half up.
        const at = BigInt(text) + 500n;
        const ms = at / 1000n - (at % 1000n < 0n ? 1n : 0n);
        return new Date(Number(ms)).toISOString().replace("T", " ").replace("Z", "").replace("+0", "+");
      }),
    );
  const plain = (raw: Raw): string | null =>
    raw === null ? null : typeof raw === "object" && "number" in raw ? raw.number : String(raw);

  test.each(names)("%s has the rows that were written, to Trino", async (name) => {
    const { columns: types, rows } = await trino.run(sqlOf(name));
    expect(types.map((column) => column.type).slice(0, 6)).toEqual([
      "integer",
      "varchar",
      "integer",
      "bigint",
      "double",
      "boolean",
    ]);
    expect(rows.map((row) => row.map((raw, c) => readAs(columns[c]!.type, plain(raw))))).toEqual(
      wanted(files[name]!.rows),
    );
  });
  test.each(names)("%s has the rows that were written, to our Athena", async (name) => {
    const rows = await ask(real.place, sqlOf(name, `id <> ${late}`));
    expect(rows.map((row) => Object.values(row).map((text, c) => readAs(columns[c]!.type, text)))).toEqual(
      wanted(files[name]!.rows.filter(([id]) => id !== String(late))),
    );
  });
  test.each(names)("%s has the declared types, to Trino", async (name) => {
    const { columns: types } = await trino.run(`SELECT * FROM pq.${name}`);
    expect(types.map((column) => column.type)).toEqual(
      columns.map((column) => trinoType(column.type).replace(",", ", ")),
    );
  });
});
