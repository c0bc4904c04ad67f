/** An error as Amazon answers it: `code` is the exception's name on the wire. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  readonly fields: Record<string, unknown>;
  constructor(code: string, message: string, status = 400, fields: Record<string, unknown> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

/** One operation: the request's JSON in, the answer's JSON out. `signal` aborts when the client has gone. */
export type Operation = (input: never, request: { signal: AbortSignal }) => unknown;

/** A service of Amazon's JSON protocols: `X-Amz-Target: <target>.<operation>`. */
export type JsonService = { target: string; version: "1.0" | "1.1"; operations: Readonly<Record<string, Operation>> };
