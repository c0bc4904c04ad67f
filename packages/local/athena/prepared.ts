import { z } from "zod";
import { AwsError } from "../service.ts";
import type { State } from "../state.ts";
import { decode, encode, read } from "./routes.ts";

const MAX_LISTED = 50;
const named = z.looseObject({
  StatementName: z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_@:]{0,255}$/),
  WorkGroup: z.string().min(1),
});
const written = named.extend({
  QueryStatement: z.string().min(1).max(262_144),
  Description: z.string().min(1).max(1024).optional(),
});
type Prepared = { name: string; text: string; description: string | null; changed: number };
export type PreparedStatements = ReturnType<typeof preparedStatements>;

/** Prepared statements of the one workgroup. */
export const preparedStatements = (state: State, now: () => number) => {
  state.db.exec(
    "CREATE TABLE IF NOT EXISTS athena_prepared (name TEXT PRIMARY KEY, text TEXT NOT NULL, description TEXT, changed INTEGER NOT NULL) STRICT;",
  );
  const one = state.db.prepare("SELECT name, text, description, changed FROM athena_prepared WHERE name = ?");
  const all = state.db.prepare(
    "SELECT name, text, description, changed FROM athena_prepared WHERE name > ? ORDER BY name LIMIT ?",
  );
  const put = state.db.prepare(
    "INSERT INTO athena_prepared (name, text, description, changed) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text, description = excluded.description, changed = excluded.changed",
  );
  const drop = state.db.prepare("DELETE FROM athena_prepared WHERE name = ?");
  return {
    find: (name: string): Prepared | null => (one.get(name) as Prepared | undefined) ?? null,
    after: (name: string, limit: number): Prepared[] => all.all(name, limit) as Prepared[],
    put: (name: string, text: string, description: string | null) => void put.run(name, text, description, now()),
    drop: (name: string): boolean => drop.run(name).changes > 0,
  };
};

/** Operations on prepared statements. */
export const preparedRoutes = (
  state: State,
  statements: PreparedStatements,
  requireWorkGroup: (name: string | undefined) => string,
) => {
  const missing = (name: string): never => {
    throw new AwsError(
      "ResourceNotFoundException",
      `PreparedStatement ${name} was not found in workGroup ${requireWorkGroup(undefined)}`,
      400,
      {
        ResourceName: name,
      },
    );
  };
  const shown = ({ name, text, description, changed }: Prepared) => ({
    StatementName: name,
    QueryStatement: text,
    WorkGroupName: requireWorkGroup(undefined),
    ...(description === null ? {} : { Description: description }),
    LastModifiedTime: changed / 1000,
  });
  const write = (input: unknown, existing: boolean) => {
    const { StatementName, WorkGroup, QueryStatement, Description } = read(written, input);
    requireWorkGroup(WorkGroup);
    return state.transaction(() => {
      const found = statements.find(StatementName);
      if (existing && !found) missing(StatementName);
      if (!existing && found)
        throw new AwsError(
          "InvalidRequestException",
          `PreparedStatement ${StatementName} already exists in workGroup ${requireWorkGroup(undefined)}`,
        );
      statements.put(StatementName, QueryStatement, Description ?? null);
      return {};
    });
  };
  return {
    CreatePreparedStatement: (input: unknown) => write(input, false),
    UpdatePreparedStatement: (input: unknown) => write(input, true),
    GetPreparedStatement: (input: unknown) => {
      const { StatementName, WorkGroup } = read(named, input);
      requireWorkGroup(WorkGroup);
      return { PreparedStatement: shown(statements.find(StatementName) ?? missing(StatementName)) };
    },
    BatchGetPreparedStatement: (input: unknown) => {
      const asked = read(
        z.looseObject({ PreparedStatementNames: z.array(z.string()).min(1).max(256), WorkGroup: z.string() }),
        input,
      );
      requireWorkGroup(asked.WorkGroup);
      const found = asked.PreparedStatementNames.map((name) => ({ name, statement: statements.find(name) }));
      return {
        PreparedStatements: found.flatMap(({ statement }) => (statement ? [shown(statement)] : [])),
        UnprocessedPreparedStatementNames: found.flatMap(({ name, statement }) =>
          statement
            ? []
            : [
                {
                  StatementName: name,
                  ErrorCode: "STATEMENT_NOT_FOUND",
                  ErrorMessage: `PreparedStatement ${name} was not found`,
                },
              ],
        ),
      };
    },
    DeletePreparedStatement: (input: unknown) => {
      const { StatementName, WorkGroup } = read(named, input);
      requireWorkGroup(WorkGroup);
      return state.transaction(() => (statements.drop(StatementName) ? {} : missing(StatementName)));
    },
    ListPreparedStatements: (input: unknown) => {
      const asked = read(
        z.looseObject({
          WorkGroup: z.string(),
          NextToken: z.string().optional(),
          MaxResults: z.int().min(1).max(MAX_LISTED).optional(),
        }),
        input,
      );
      requireWorkGroup(asked.WorkGroup);
      const limit = asked.MaxResults ?? MAX_LISTED;
      const list = statements.after(decode(z.string(), asked.NextToken, ""), limit + 1);
      const page = list.slice(0, limit);
      return {
        PreparedStatements: page.map(({ name, changed }) => ({
          StatementName: name,
          LastModifiedTime: changed / 1000,
        })),
        ...(list.length > limit ? { NextToken: encode(page.at(-1)!.name) } : {}),
      };
    },
  };
};
