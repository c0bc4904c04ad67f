/** Why a query failed, as GetQueryExecution tells it. Categories are Athena's: 1 its own fault, 2 the user's, 3 other. */
export type Failure = { reason: string; category: 1 | 2 | 3; retryable: boolean };

/** Trino's names for what a statement may be refused for. */
const names: Record<string, string> = {
  syntax: "SYNTAX_ERROR",
  invalid: "SYNTAX_ERROR",
  not_found: "SYNTAX_ERROR",
  table_not_found: "TABLE_NOT_FOUND",
  column_not_found: "COLUMN_NOT_FOUND",
  function_not_found: "FUNCTION_NOT_FOUND",
  prepared_not_found: "NOT_FOUND",
  ambiguous: "AMBIGUOUS_NAME",
  type_mismatch: "TYPE_MISMATCH",
  unsupported: "NOT_SUPPORTED",
  not_aggregate: "EXPRESSION_NOT_AGGREGATE",
  parameters: "INVALID_PARAMETER_USAGE",
  invalid_view: "INVALID_VIEW",
  recursive_view: "VIEW_IS_RECURSIVE",
  stale_view: "VIEW_IS_STALE",
  table_exists: "TABLE_ALREADY_EXISTS",
  missing_name: "MISSING_COLUMN_NAME",
  duplicate_name: "DUPLICATE_COLUMN_NAME",
  unknown_type: "COLUMN_TYPE_UNKNOWN",
  column_count: "MISMATCHED_COLUMN_ALIASES",
};

/** What DuckDB says, by how it begins. `null` keeps the rest of its message as it is. */
const engine: [RegExp, string | null, Failure["category"]][] = [
  [/^Out of Memory Error: /, "Query exhausted resources at this scale factor", 2],
  [/^Out of Range Error: /, "NUMERIC_VALUE_OUT_OF_RANGE", 2],
  [/^Conversion Error: /, "INVALID_CAST_ARGUMENT", 2],
  // error(…) in the SQL: the text is ours already.
  [/^Invalid Input Error: /, null, 2],
];

/** The failure of whatever was thrown. */
export const failureOf = (error: unknown): Failure => {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const text = String(message ?? error);
  if (typeof code === "string")
    return { reason: `${names[code] ?? code}: ${text}`, category: 2, retryable: code === "HIVE_FILESYSTEM_ERROR" };
  for (const [start, name, category] of engine) {
    if (!start.test(text)) continue;
    const rest = text.replace(start, "");
    if (name !== null) return { reason: `${name}: ${rest}`, category, retryable: false };
    const named = /^[A-Z][A-Z_]+: /.test(rest);
    // A file that was deleted meanwhile is not listed again.
    const retryable = rest.startsWith("HIVE_FILESYSTEM_ERROR: ");
    return { reason: named ? rest : `GENERIC_USER_ERROR: ${rest}`, category, retryable };
  }
  return { reason: `GENERIC_INTERNAL_ERROR: ${text}`, category: 1, retryable: true };
};
