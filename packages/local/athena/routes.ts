import { z } from "zod";
import { AwsError } from "../service.ts";
import type { AthenaDeps, Translate } from "./carry.ts";
import type { Executions } from "./executions.ts";
import { columnInfo } from "./types.ts";

const MAX_RESULTS = 1000;
const MAX_LISTED = 50;
/** StartQueryExecution's longest statement, in bytes of UTF-8. */
const MAX_QUERY_BYTES = 262_144;

/** The input as its shape, or InvalidRequestException naming the member. */
export const read = <S extends z.ZodType>(shape: S, input: unknown): z.infer<S> => {
  const parsed = shape.safeParse(input ?? {});
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new AwsError("InvalidRequestException", `${issue?.path.join(".") || "input"}: ${issue?.message}`);
};
export const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
/** What an earlier answer's NextToken holds, or `first` when there is none. */
export const decode = <T>(shape: z.ZodType<T>, token: string | undefined, first: T): T => {
  if (token === undefined) return first;
  try {
    return shape.parse(JSON.parse(Buffer.from(token, "base64url").toString()));
  } catch {
    throw new AwsError("InvalidRequestException", "expected the NextToken of an earlier answer");
  }
};

const start = z.looseObject({
  QueryString: z.string().min(1),
  ClientRequestToken: z.string().min(32).max(128).optional(),
  QueryExecutionContext: z
    .looseObject({ Database: z.string().min(1).max(255).optional(), Catalog: z.string().min(1).max(256).optional() })
    .optional(),
  ResultConfiguration: z.looseObject({ OutputLocation: z.string().optional() }).optional(),
  ExecutionParameters: z.array(z.string().min(1).max(1024)).min(1).optional(),
  WorkGroup: z.string().optional(),
});
const byId = z.looseObject({ QueryExecutionId: z.string().min(1) });
const paged = z.looseObject({
  NextToken: z.string().optional(),
  MaxResults: z.int().min(0).max(MAX_LISTED).optional(),
  WorkGroup: z.string().optional(),
});

/** What cannot be parsed is refused at once, as AWS does; whatever else is wrong is found when the statement runs. */
const requireSyntax = (translate: Translate, statement: string, parameters: readonly string[]): void => {
  try {
    translate(statement, { database: "default", table: () => null }, parameters);
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    if (code === "syntax") throw new AwsError("InvalidRequestException", message);
  }
};

/** Operations on executions and their results. */
export const executionRoutes = (
  runs: Executions,
  deps: Pick<AthenaDeps, "output" | "translate">,
  requireWorkGroup: (name: string | undefined) => string,
) => ({
  StartQueryExecution: (input: unknown) => {
    const asked = read(start, input);
    const workgroup = requireWorkGroup(asked.WorkGroup);
    if (Buffer.byteLength(asked.QueryString) > MAX_QUERY_BYTES)
      throw new AwsError("InvalidRequestException", `QueryString: expected at most ${MAX_QUERY_BYTES} bytes`);
    const output = asked.ResultConfiguration?.OutputLocation ?? deps.output;
    if (!output)
      throw new AwsError(
        "InvalidRequestException",
        "No output location provided. An output location is required either through the Workgroup result configuration setting or as an API input.",
      );
    if (!/^s3:\/\/[^/]+/.test(output))
      throw new AwsError("InvalidRequestException", `outputLocation is not a valid S3 path: ${output}`);
    requireSyntax(deps.translate, asked.QueryString, asked.ExecutionParameters ?? []);
    const { Database, Catalog } = asked.QueryExecutionContext ?? {};
    const id = runs.start({
      query: asked.QueryString,
      output,
      workgroup,
      ...(asked.ExecutionParameters === undefined ? {} : { parameters: asked.ExecutionParameters }),
      ...(Database === undefined ? {} : { database: Database }),
      ...(Catalog === undefined ? {} : { catalog: Catalog }),
      ...(asked.ClientRequestToken === undefined ? {} : { token: asked.ClientRequestToken }),
    });
    return { QueryExecutionId: id };
  },
  GetQueryExecution: (input: unknown) => ({ QueryExecution: runs.get(read(byId, input).QueryExecutionId) }),
  BatchGetQueryExecution: (input: unknown) => {
    const { QueryExecutionIds } = read(
      z.looseObject({ QueryExecutionIds: z.array(z.string()).min(1).max(MAX_LISTED) }),
      input,
    );
    const found = QueryExecutionIds.filter((id) => runs.find(id));
    return {
      QueryExecutions: found.map((id) => runs.get(id)),
      UnprocessedQueryExecutionIds: QueryExecutionIds.filter((id) => !found.includes(id)).map((id) => ({
        QueryExecutionId: id,
        ErrorCode: "INVALID_QUERY_EXECUTION_ID",
        ErrorMessage: `QueryExecution ${id} was not found`,
      })),
    };
  },
  StopQueryExecution: (input: unknown) => {
    runs.stop(read(byId, input).QueryExecutionId);
    return {};
  },
  ListQueryExecutions: (input: unknown) => {
    const asked = read(paged, input);
    const limit = asked.MaxResults || MAX_LISTED;
    const list = runs.page(
      requireWorkGroup(asked.WorkGroup),
      decode(z.number(), asked.NextToken, Number.MAX_SAFE_INTEGER),
      limit + 1,
    );
    const page = list.slice(0, limit);
    return {
      QueryExecutionIds: page.map(({ id }) => id),
      ...(list.length > limit ? { NextToken: encode(page.at(-1)!.sequence) } : {}),
    };
  },
  GetQueryResults: async (input: unknown) => {
    const asked = read(
      byId.extend({ NextToken: z.string().optional(), MaxResults: z.int().min(1).max(MAX_RESULTS).optional() }),
      input,
    );
    const [id, from] = decode(z.tuple([z.string(), z.int().min(0)]), asked.NextToken, [asked.QueryExecutionId, 0]);
    if (id !== asked.QueryExecutionId)
      throw new AwsError("InvalidRequestException", "NextToken is of another query execution");
    const count = asked.MaxResults ?? MAX_RESULTS;
    const { columns, rows, more, updated } = await runs.results(id, from, count);
    return {
      UpdateCount: updated,
      ResultSet: {
        ResultSetMetadata: { ColumnInfo: columns.map(columnInfo) },
        Rows: rows.map((cells) => ({ Data: cells.map((cell) => (cell === null ? {} : { VarCharValue: cell })) })),
      },
      ...(more ? { NextToken: encode([id, from + count]) } : {}),
    };
  },
});
