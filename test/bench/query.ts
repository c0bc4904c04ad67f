import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BatchCreatePartitionCommand, GetTableCommand } from "@aws-sdk/client-glue";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import { query } from "../../packages/aws/queries.ts";
import type { Place } from "../../packages/cli/place.ts";
import { duckdbType } from "../../packages/core/columns.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { openSession } from "../../packages/engines/duckdb/session.ts";
import { sendFile, testPlace } from "../place.ts";
import { figures, percentile } from "./child.ts";

/** The README's query through Athena's API, over a real file and over 30 synthetic years in the table's own layout. */
const YEARS = 30;
const TICKERS = 1_150;
const SESSIONS = 250;
const [path, times = "60"] = process.argv.slice(2);
if (!path) throw new Error("expected a file");
const refined = bovespa.tables[0]!;
const { sql } = bovespa.queries[bovespa.demo!.query]!;

const timed = async (place: Place, statement: string) => {
  const waits: number[] = [];
  for (let i = 0; i < Number(times) + 3; i++) {
    const began = performance.now();
    const result = await query(place.aws, statement, bovespa.database);
    for await (const _ of result.rows);
    if (i >= 3) waits.push(performance.now() - began);
  }
  return { p50_ms: Math.round(percentile(waits, 0.5)), p95_ms: Math.round(percentile(waits, 0.95)) };
};

/** Years of rows, each a partition of one file as the engine writes it: sorted by ticker, small row groups. */
const grow = async (place: Place): Promise<number> => {
  const session = await openSession({ scratch: join(place.dir!, "bench") });
  const values = Object.entries(refined.columns).map(([name, { type }]) => {
    const value =
      name === "ticker"
        ? "'T' || lpad(CAST(t AS VARCHAR), 4, '0')"
        : name === "data_pregao"
          ? "make_date(y, 1, 1) + CAST(s AS INTEGER)"
          : name === "event_id"
            ? "md5(CAST(hash(y, s, t) AS VARCHAR))"
            : type === "string"
              ? `'${name.slice(0, 2)}' || CAST(t % 100 AS VARCHAR)`
              : type === "boolean"
                ? "false"
                : type === "date"
                  ? "make_date(y, 1, 1)"
                  : type === "timestamp"
                    ? "make_timestamp(y, 1, 1, 0, 0, 0)"
                    : "hash(y, s, t) % 90000";
    return `CAST(${value} AS ${duckdbType(type)}) AS ${name}`;
  });
  const { Table } = await place.aws.glue.send(
    new GetTableCommand({ DatabaseName: bovespa.database, Name: refined.name }),
  );
  let rows = 0;
  for (let year = 1995; year < 1995 + YEARS; year++) {
    const key = `refined/${refined.name}/run=0-bench/year=${year}/part-0.parquet`;
    const file = join(place.dir!, "bench", "part.parquet");
    mkdirSync(dirname(file), { recursive: true });
    await session.run(
      `COPY (SELECT ${values.join(", ")} FROM (SELECT ${year} AS y, s, t FROM range(${SESSIONS}) a(s), range(${TICKERS}) b(t)) ORDER BY ticker, data_pregao) TO '${file}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE ${refined.rowGroup})`,
    );
    await place.aws.s3.send(new PutObjectCommand({ Bucket: "lake", Key: key, Body: readFileSync(file) }));
    await place.aws.glue.send(
      new BatchCreatePartitionCommand({
        DatabaseName: bovespa.database,
        TableName: refined.name,
        PartitionInputList: [
          {
            Values: [String(year)],
            StorageDescriptor: { ...Table?.StorageDescriptor, Location: `s3://lake/${dirname(key)}/` },
          },
        ],
      }),
    );
    rows += SESSIONS * TICKERS;
  }
  session.close();
  return rows;
};

const place = await testPlace();
try {
  await sendFile(place, bovespa, path);
  const file = await timed(place, sql);
  const years = await testPlace();
  try {
    await years.stack!.idle();
    const rows = await grow(years);
    figures({
      file,
      years: {
        years: YEARS,
        rows,
        all: await timed(years, sql),
        one_year: await timed(years, sql.replace("FROM bovespa_refined", "FROM bovespa_refined WHERE year = '2010'")),
      },
    });
  } finally {
    await years.remove();
  }
} finally {
  await place.remove();
}
