/**
 * An error that a person may see. It says what was expected, what came and what to do; `code` is stable, for tests
 * and scripts. Everything else that is thrown is a bug or an outage and is reported as such, at one door.
 */
export class PregaoError extends Error {
  readonly code: string;
  readonly details: Record<string, unknown>;
  constructor(code: string, message: string, details: Record<string, unknown> = {}) {
    super(message);
    this.name = "PregaoError";
    this.code = code;
    this.details = details;
  }
}
