import {
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  InvalidRequestException,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from "@aws-sdk/client-athena";
import { PregaoError } from "../core/errors.ts";
import { bucket, workgroup } from "../core/stage.ts";
import type { Aws } from "./index.ts";

export type ResultField = { name: string; type: string; precision: number; scale: number };
export type ResultRow = (string | null)[];
export type QueryResult = {
  id: string;
  fields: ResultField[];
  /** Rows as text, page by page, in order. */
  rows: AsyncGenerator<ResultRow[]>;
  /** How many rows a statement that writes has written; null for the others. */
  written: number | null;
  statistics: { engineMs: number; totalMs: number; scannedBytes: number };
};

/** Doubling from 2 ms: a laptop answers at once, Athena in seconds. */
const POLL_MS = { first: 2, most: 500 };

/**
 * `parameters`: the SQL literals that its `?` stand for. `reuse`: minutes; an answer that Athena gave to the same statement
 * will do if it is no older. It does not look whether rows came since: nothing that must know what is there may ask so.
 * `whose`: the workgroup in which it runs; an analyst's role may use no other than its own.
 */
export type QueryRequest = { signal?: AbortSignal; parameters?: readonly string[]; reuse?: number; whose?: Whose };
export type Whose = "people" | "analyst";

/**
 * Runs a statement in the stage's workgroup and reads its result in pages.
 * @throws PregaoError with Athena's reason if it fails, was refused or was stopped.
 */
export const query = async (
  aws: Aws,
  sql: string,
  database: string,
  { signal, parameters = [], reuse, whose }: QueryRequest = {},
): Promise<QueryResult> => {
  const { stage } = aws;
  const started = aws.athena.send(
    new StartQueryExecutionCommand({
      QueryString: sql,
      QueryExecutionContext: { Database: database, Catalog: "AwsDataCatalog" },
      WorkGroup: workgroup(stage, whose),
      // A deployed stage's workgroup says where results go and by which key: what a client says must not stand above it.
      ...(stage.name === "local"
        ? { ResultConfiguration: { OutputLocation: `s3://${bucket(stage, "results")}/athena/` } }
        : {}),
      ...(reuse === undefined
        ? {}
        : { ResultReuseConfiguration: { ResultReuseByAgeConfiguration: { Enabled: true, MaxAgeInMinutes: reuse } } }),
      ...(parameters.length ? { ExecutionParameters: [...parameters] } : {}),
    }),
  );
  const { QueryExecutionId: id } = await started.catch((error: unknown) => {
    // What Athena cannot parse it refuses at once.
    if (error instanceof InvalidRequestException) throw new PregaoError("query", error.message);
    throw error;
  });
  if (!id) throw new Error("Athena gave no QueryExecutionId");
  for (let wait = POLL_MS.first; ; wait = Math.min(POLL_MS.most, wait * 1.5)) {
    const { QueryExecution: execution } = await aws.athena.send(new GetQueryExecutionCommand({ QueryExecutionId: id }));
    const state = execution?.Status?.State;
    if (state === "SUCCEEDED") {
      const statistics = {
        engineMs: execution?.Statistics?.EngineExecutionTimeInMillis ?? 0,
        totalMs: execution?.Statistics?.TotalExecutionTimeInMillis ?? 0,
        scannedBytes: execution?.Statistics?.DataScannedInBytes ?? 0,
      };
      const pages = readPages(aws, id, execution?.StatementType === "DML");
      const first = await pages.next();
      if (first.done) throw new Error("Athena gave no result");
      const { fields, written } = first.value;
      return { id, fields, rows: rowsOf(first.value, pages), written, statistics };
    }
    if (state === "FAILED" || state === "CANCELLED")
      throw new PregaoError("query", execution?.Status?.StateChangeReason ?? `the query ended as ${state}`);
    if (signal?.aborted) {
      await aws.athena.send(new StopQueryExecutionCommand({ QueryExecutionId: id }));
      throw new PregaoError("query", "the query was stopped");
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
};

type Page = { fields: ResultField[]; rows: ResultRow[]; written: number | null };

/** What Hive answers (DESCRIBE) comes as one cell a row: its columns stand between tabs, padded. */
const split = (row: ResultRow, width: number): ResultRow => {
  if (row.length >= width || typeof row[0] !== "string") return row;
  const cells = row[0].split("\t").map((cell) => cell.trim());
  return Array.from({ length: width }, (_, index) => cells[index] ?? "");
};
/** The one column of what a statement that writes gives, without a row. */
const isCount = (fields: readonly ResultField[], rows: readonly ResultRow[]): boolean =>
  fields.length === 1 && fields[0]!.name === "rows" && rows.length === 0;

/** The first page of a SELECT starts with a row of column names, which is left out. */
async function* readPages(aws: Aws, id: string, header: boolean): AsyncGenerator<Page> {
  let token: string | undefined;
  let first = header;
  do {
    const page = await aws.athena.send(
      new GetQueryResultsCommand({ QueryExecutionId: id, NextToken: token, MaxResults: 1000 }),
    );
    const rows = (page.ResultSet?.Rows ?? []).map((row) => (row.Data ?? []).map((cell) => cell.VarCharValue ?? null));
    const fields = (page.ResultSet?.ResultSetMetadata?.ColumnInfo ?? []).map((c) => ({
      name: c.Name ?? "",
      type: c.Type ?? "varchar",
      precision: c.Precision ?? 0,
      scale: c.Scale ?? 0,
    }));
    const written = first && isCount(fields, rows) ? (page.UpdateCount ?? 0) : null;
    const shown = header ? rows : rows.map((row) => split(row, fields.length));
    yield { fields, rows: first ? shown.slice(1) : shown, written };
    first = false;
    token = page.NextToken;
  } while (token);
}

async function* rowsOf(first: Page, rest: AsyncGenerator<Page>): AsyncGenerator<ResultRow[]> {
  yield first.rows;
  for await (const page of rest) yield page.rows;
}

/** A query with a small answer, whole. */
export const all = async (aws: Aws, sql: string, database: string): Promise<Record<string, string | null>[]> => {
  const result = await query(aws, sql, database);
  const out: Record<string, string | null>[] = [];
  for await (const page of result.rows)
    for (const row of page) out.push(Object.fromEntries(result.fields.map((f, i) => [f.name, row[i] ?? null])));
  return out;
};
