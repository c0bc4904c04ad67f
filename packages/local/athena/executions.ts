import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import PQueue from "p-queue";
import { PregaoError } from "../../core/errors.ts";
import { AwsError } from "../service.ts";
import type { State } from "../state.ts";
import { type AthenaDeps, carrier, type Request, type Result } from "./carry.ts";
import { failureOf } from "./failure.ts";
import type { PreparedStatements } from "./prepared.ts";
import { type Cells, readRows } from "./results.ts";
import { folderOf } from "./sources.ts";
import { writesOf } from "./writes.ts";

export type ExecutionState = "QUEUED" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED";
type Status = {
  State: ExecutionState;
  SubmissionDateTime: number;
  CompletionDateTime?: number;
  StateChangeReason?: string;
  AthenaError?: { ErrorCategory: number; Retryable: boolean; ErrorMessage: string };
};
export type Execution = {
  QueryExecutionId: string;
  Query: string;
  StatementType: "DML" | "DDL" | "UTILITY";
  SubstatementType?: string;
  ResultConfiguration: { OutputLocation: string };
  ResultReuseConfiguration: { ResultReuseByAgeConfiguration: { Enabled: false } };
  QueryExecutionContext: { Database?: string; Catalog?: string };
  Status: Status;
  Statistics: Record<string, number | object | string>;
  WorkGroup: string;
  ExecutionParameters?: string[];
  EngineVersion: { SelectedEngineVersion: string; EffectiveEngineVersion: string };
};
const CONCURRENCY = 2;
/** Athena's default of a DML query's timeout. */
const TIMEOUT_MS = 30 * 60_000;
/** Before a query whose end could not be written down runs again. */
const RETRY_MS = 1000;
/** Athena forgets executions after 45 days. */
const KEPT_MS = 45 * 24 * 3600 * 1000;
const ended = new Set<ExecutionState>(["SUCCEEDED", "FAILED", "CANCELLED"]);

/**
 * Query executions. One is a row before it is acknowledged; QUEUED and its end are durable, RUNNING is this process's
 * knowledge. What had no end when the process died runs again: what a statement changes, it changes in the transaction
 * of its end, and what it wrote until then is removed first.
 */
export const executions = (state: State, deps: AthenaDeps, prepared: PreparedStatements) => {
  state.db.exec(`
    CREATE TABLE IF NOT EXISTS athena_executions (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, token TEXT UNIQUE, workgroup TEXT NOT NULL,
      ended INTEGER NOT NULL, submitted INTEGER NOT NULL, request TEXT NOT NULL, body TEXT NOT NULL, result TEXT) STRICT;
    CREATE INDEX IF NOT EXISTS athena_pending ON athena_executions (sequence) WHERE ended = 0;
  `);
  const sql = {
    insert: state.db.prepare(
      "INSERT INTO athena_executions (id, token, workgroup, ended, submitted, request, body) VALUES (?, ?, ?, 0, ?, ?, ?)",
    ),
    byToken: state.db.prepare("SELECT id, request FROM athena_executions WHERE token = ?"),
    byId: state.db.prepare("SELECT request, body, result FROM athena_executions WHERE id = ?"),
    update: state.db.prepare("UPDATE athena_executions SET ended = 1, body = ?, result = ? WHERE id = ? AND ended = 0"),
    pending: state.db.prepare("SELECT id FROM athena_executions WHERE ended = 0 ORDER BY sequence"),
    forget: state.db.prepare("DELETE FROM athena_executions WHERE ended = 1 AND submitted < ?"),
    page: state.db.prepare(
      "SELECT sequence, id FROM athena_executions WHERE workgroup = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?",
    ),
  };
  const now = deps.now ?? Date.now;
  const folder = join(state.dir, "athena");
  const queue = new PQueue({ concurrency: deps.concurrency ?? CONCURRENCY });
  const live = new Map<string, { abort: AbortController; running: boolean }>();
  const writes = writesOf(state, deps.s3);
  const work = carrier(folder, deps, now, prepared, writes);
  let closed = false;

  const stored = (id: string): { request: Request; body: Execution; result: Result | null } | null => {
    const row = sql.byId.get(id);
    if (!row) return null;
    return {
      request: JSON.parse(row.request as string) as Request,
      body: JSON.parse(row.body as string) as Execution,
      result: row.result === null ? null : (JSON.parse(row.result as string) as Result),
    };
  };
  const required = (id: string) => {
    const found = stored(id);
    if (!found) throw new AwsError("InvalidRequestException", `QueryExecution ${id} was not found`);
    return found;
  };

  /**
   * Writes an end, once: what comes after it changes nothing. With it happens what the statement changes, or, if that
   * throws, neither. Says whether it was this end.
   */
  const end = (
    id: string,
    to: ExecutionState,
    change: (body: Execution) => Execution,
    result: Result | null = null,
    commit: () => void = () => {},
  ): boolean => {
    if (closed) return false;
    return state.transaction(() => {
      const found = stored(id);
      if (!found || ended.has(found.body.Status.State)) return false;
      commit();
      const body = change(found.body);
      const done = now();
      const Status: Status = { ...body.Status, State: to, CompletionDateTime: done / 1000 };
      const total = Math.max(0, Math.round(done - body.Status.SubmissionDateTime * 1000));
      const Statistics = {
        EngineExecutionTimeInMillis: 0,
        DataScannedInBytes: 0,
        QueryQueueTimeInMillis: 0,
        ServiceProcessingTimeInMillis: 0,
        ResultReuseInformation: { ReusedPreviousResult: false },
        ...body.Statistics,
        TotalExecutionTimeInMillis: total,
      };
      sql.update.run(JSON.stringify({ ...body, Status, Statistics }), result ? JSON.stringify(result) : null, id);
      state.afterCommit(state.touch);
      return true;
    });
  };

  const execute = async (id: string) => {
    // An attempt before this one may have failed to: with this one's end its files would be rows.
    if (!closed) writes.sweep(id);
    const entry = live.get(id);
    const found = stored(id);
    if (!entry || !found || closed || ended.has(found.body.Status.State)) {
      live.delete(id);
      return;
    }
    entry.running = true;
    state.touch();
    const queued = Math.max(0, Math.round(now() - found.body.Status.SubmissionDateTime * 1000));
    const limit = deps.timeoutMs ?? TIMEOUT_MS;
    const timer = setTimeout(
      () =>
        entry.abort.abort(
          new PregaoError(
            "EXCEEDED_TIME_LIMIT",
            `Query exceeded the maximum execution time of ${limit / 1000} seconds`,
          ),
        ),
      limit,
    );
    try {
      const outcome = await work.carryOut(id, found.request, entry.abort.signal);
      end(
        id,
        "SUCCEEDED",
        (body) => ({
          ...body,
          StatementType: outcome.kind,
          SubstatementType: outcome.statement,
          ResultConfiguration: { OutputLocation: outcome.output },
          Statistics: {
            ...(outcome.manifest === undefined ? {} : { DataManifestLocation: outcome.manifest }),
            EngineExecutionTimeInMillis: Math.round(outcome.engineMs),
            DataScannedInBytes: outcome.figures.scannedBytes,
            QueryQueueTimeInMillis: queued,
            QueryPlanningTimeInMillis: Math.round(outcome.planningMs),
            ServiceProcessingTimeInMillis: Math.round(outcome.serviceMs),
          },
        }),
        outcome.result,
        outcome.commit,
      );
    } catch (error) {
      if (!closed) writes.clean(id);
      const { reason, category, retryable } = failureOf(error);
      end(id, "FAILED", (body) => ({
        ...body,
        Status: {
          ...body.Status,
          StateChangeReason: reason,
          AthenaError: { ErrorCategory: category, Retryable: retryable, ErrorMessage: reason },
        },
      }));
    } finally {
      clearTimeout(timer);
      // When the process is stopping nothing may be written any more: the next start does it.
      if (!closed) writes.clean(id);
      live.delete(id);
      if (!closed) state.touch();
    }
  };
  const enqueue = (id: string) => {
    live.set(id, { abort: new AbortController(), running: false });
    void queue
      .add(() => execute(id))
      .catch(() => {
        // Its end could not be written down: it is still to be done.
        live.delete(id);
        if (!closed) setTimeout(() => !closed && enqueue(id), RETRY_MS).unref();
      });
  };

  let resumed = false;
  return {
    /** Goes on with what an earlier process left unfinished, unless it is still. Call it once everything is wired. */
    resume: () => {
      if (resumed || closed) return;
      resumed = true;
      rmSync(folder, { recursive: true, force: true });
      // What was acknowledged may write, which a look must not.
      if (deps.still) return;
      sql.forget.run(now() - KEPT_MS);
      writes.sweep(null);
      for (const row of sql.pending.all()) enqueue(row.id as string);
    },
    start: (request: Request): string =>
      state.transaction(() => {
        const { token, ...asked } = request;
        const same = token === undefined ? undefined : sql.byToken.get(token);
        if (same) {
          if (same.request !== JSON.stringify(asked))
            throw new AwsError("InvalidRequestException", "Idempotent parameters do not match", 400, {
              AthenaErrorCode: "IDEMPOTENT_PARAMETER_MISMATCH",
            });
          return same.id as string;
        }
        const id = randomUUID();
        const submitted = now();
        const { prefix, bucket } = folderOf(request.output, "the result");
        const body: Execution = {
          QueryExecutionId: id,
          Query: request.query,
          StatementType: "DML",
          ResultConfiguration: { OutputLocation: `s3://${bucket}/${prefix}${id}.csv` },
          ResultReuseConfiguration: { ResultReuseByAgeConfiguration: { Enabled: false } },
          QueryExecutionContext: {
            ...(request.database === undefined ? {} : { Database: request.database }),
            ...(request.catalog === undefined ? {} : { Catalog: request.catalog }),
          },
          Status: { State: "QUEUED", SubmissionDateTime: submitted / 1000 },
          Statistics: {},
          WorkGroup: request.workgroup,
          ...(request.parameters === undefined ? {} : { ExecutionParameters: request.parameters }),
          EngineVersion: { SelectedEngineVersion: "AUTO", EffectiveEngineVersion: "Athena engine version 3" },
        };
        sql.insert.run(id, token ?? null, request.workgroup, submitted, JSON.stringify(asked), JSON.stringify(body));
        state.afterCommit(() => {
          enqueue(id);
          state.touch();
        });
        return id;
      }),
    get: (id: string): Execution => {
      const { body } = required(id);
      return live.get(id)?.running && body.Status.State === "QUEUED"
        ? { ...body, Status: { ...body.Status, State: "RUNNING" } }
        : body;
    },
    find: (id: string): Execution | null => stored(id)?.body ?? null,
    stop: (id: string) => {
      required(id);
      end(id, "CANCELLED", (body) => ({
        ...body,
        Status: { ...body.Status, StateChangeReason: "Query cancelled by user" },
      }));
      live.get(id)?.abort.abort(new PregaoError("USER_CANCELED", "Query cancelled by user"));
    },
    /** Ids of a workgroup, newest first, older than a sequence number. */
    page: (workgroup: string, before: number, limit: number) =>
      sql.page.all(workgroup, before, limit).map((row) => ({ sequence: row.sequence as number, id: row.id as string })),
    /** Rows of a finished query's result, row 0 being the header. */
    results: async (
      id: string,
      from: number,
      count: number,
    ): Promise<{ columns: Result["columns"]; rows: Cells[]; more: boolean; updated: number }> => {
      const { body, result } = required(id);
      if (!ended.has(body.Status.State))
        throw new AwsError(
          "InvalidRequestException",
          `Query has not yet finished. Current state: ${body.Status.State}`,
          400,
          {
            AthenaErrorCode: "QUERY_NOT_FINISHED",
          },
        );
      if (!result)
        throw new AwsError(
          "InvalidRequestException",
          `Query did not finish successfully. Final query state: ${body.Status.State}`,
          400,
          {
            AthenaErrorCode: "QUERY_FAILED",
          },
        );
      const object = deps.s3.path(result.bucket, result.key);
      if (object?.etag !== result.etag)
        throw new AwsError(
          "InvalidRequestException",
          `Could not find results: s3://${result.bucket}/${result.key} was ${object ? "changed" : "deleted"}`,
        );
      return {
        columns: result.columns,
        rows: await readRows(object.path, result.index, from, count),
        more: from + count < result.index.rows,
        updated: result.updated ?? 0,
      };
    },
    busy: () => !closed && (deps.still ? live.size > 0 : sql.pending.get() !== undefined),
    /** Stops what is running without ending it: the next start runs it again. */
    close: async () => {
      closed = true;
      for (const entry of live.values()) entry.abort.abort(new Error("the process is stopping"));
      await queue.onIdle();
      work.close();
    },
  };
};

export type Executions = ReturnType<typeof executions>;
