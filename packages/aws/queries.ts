import {
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from "@aws-sdk/client-athena";
import { PregaoError } from "../core/errors.ts";
import { bucket } from "../core/stage.ts";
import type { Aws } from "./index.ts";

export type ResultField = { name: string; type: string; precision: number; scale: number };
export type ResultRow = (string | null)[];
export type QueryResult = {
  id: string;
  fields: ResultField[];
  /** Rows as text, page by page, in order. */
  rows: AsyncGenerator<ResultRow[]>;
  statistics: { engineMs: number; totalMs: number; scannedBytes: number };
};

/** Doubling from 2 ms: a laptop answers at once, Athena in seconds. */
const POLL_MS = { first: 2, most: 500 };

/**
 * Runs a statement and reads its result in pages.
 * @throws PregaoError with Athena's reason if it fails or was stopped.
 */
export const query = async (aws: Aws, sql: string, database: string, signal?: AbortSignal): Promise<QueryResult> => {
  const { QueryExecutionId: id } = await aws.athena.send(
    new StartQueryExecutionCommand({
      QueryString: sql,
      QueryExecutionContext: { Database: database, Catalog: "AwsDataCatalog" },
      ResultConfiguration: { OutputLocation: `s3://${bucket(aws.stage, "results")}/athena/` },
    }),
  );
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
      return { id, fields: first.value.fields, rows: rowsOf(first.value, pages), statistics };
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

type Page = { fields: ResultField[]; rows: ResultRow[] };

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
    yield { fields, rows: first ? rows.slice(1) : rows };
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
