import type { JsonService, Operation } from "../service.ts";
import type { State } from "../state.ts";
import type { AthenaDeps } from "./carry.ts";
import { executions } from "./executions.ts";
import { metadataRoutes } from "./metadata.ts";
import { preparedRoutes, preparedStatements } from "./prepared.ts";
import { executionRoutes } from "./routes.ts";

export type { AthenaDeps, Translate } from "./carry.ts";

/**
 * Amazon Athena over the local catalog and lake: Trino's dialect, executed by DuckDB. `resume` goes on with what an
 * earlier process had acknowledged and not ended; the first operation does it at the latest.
 */
export const athena = (state: State, deps: AthenaDeps) => {
  const prepared = preparedStatements(state, deps.now ?? Date.now);
  const runs = executions(state, deps, prepared);
  const metadata = metadataRoutes(state, deps);
  const answers = {
    ...metadata.operations,
    ...executionRoutes(runs, deps, metadata.requireWorkGroup),
    ...preparedRoutes(state, prepared, metadata.requireWorkGroup),
  };
  const operations: Record<string, Operation> = {};
  for (const [name, answer] of Object.entries(answers) as [string, (input: unknown) => unknown][])
    operations[name] = (input: never) => {
      runs.resume();
      return answer(input);
    };
  const service: JsonService = { target: "AmazonAthena", version: "1.1", operations };
  return { service, resume: runs.resume, busy: runs.busy, close: runs.close };
};
