/** Where in the statement: 1-based line, 1-based column of the first character. */
export type Position = { line: number; column: number };

/**
 * A statement that is not answered here, and why. `code` is stable: `syntax` (Trino would not parse it either),
 * `table_not_found`, `column_not_found`, `function_not_found`, `not_found`, `ambiguous`, `type_mismatch`, `invalid` (Trino would refuse
 * it too) and `unsupported` (Trino answers it, this translator is not sure to give the same answer).
 */
export class Refusal extends Error {
  readonly code: string;
  readonly details: Record<string, unknown>;
  constructor(code: string, message: string, at?: Position) {
    super(at ? `line ${at.line}:${at.column}: ${message}` : message);
    this.name = "Refusal";
    this.code = code;
    this.details = at ? { line: at.line, column: at.column } : {};
  }
}

export const refuse = (code: string, message: string, at?: Position): never => {
  throw new Refusal(code, message, at);
};

/** What Trino has and we do not answer. */
export const unsupported = (what: string, at?: Position): never =>
  refuse("unsupported", `${what} is not answered locally: run it on Athena (--stage)`, at);
