import type { TableMap } from "./run.ts";

/** A broken law of a run. */
export type Finding = { law: string; severity: "hold" | "warn"; session: string | null; origin: string | null; detail: string };

/** How an attempt ended, written last: rows counted, files written, laws checked. */
export type Report = {
  dataset: string;
  run: number;
  attempt: string;
  recipe: string;
  engine: string;
  /** read = rows in the run's objects; new + superseded + duplicate = read. */
  rows: { read: number; new: number; superseded: number; duplicate: number };
  /** Of the run's units only. */
  tables: TableMap;
  /** Distinct events per origin and session in the run's objects, and the state after it. */
  origins: Record<string, { events: number }>;
  audit: Finding[];
  seconds: number;
};
