import type { Row, SessionFact } from "../core/dataset.ts";

/** A date as a table's file gives it, as `YYYY-MM-DD`. */
export const dateOf = (value: unknown): string =>
  (value instanceof Date ? value.toISOString() : String(value)).slice(0, 10);

/** The files that some rows of a table of origins are about. */
export const originsOf = (files: readonly Row[]): SessionFact["origins"] =>
  files.map(({ origin_sha256: sha256, scraped_at: at }) => ({
    sha256: String(sha256),
    scrapedAt: at instanceof Date ? at.getTime() : Date.parse(`${at}Z`),
  }));
