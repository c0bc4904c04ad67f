import { z } from "zod";
import { type Accepted, attemptFolder, parseDocument, type Run, type TableMap, tableMap } from "./run.ts";
import { partitionValues } from "./table.ts";

/** A broken law of a run. */
export type Finding = {
  law: string;
  severity: "hold" | "warn";
  session: string | null;
  origin: string | null;
  detail: string;
};

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

const count = z.int().min(0);
export const finding = z.object({
  law: z.string().max(256),
  severity: z.enum(["hold", "warn"]),
  session: z.string().max(64).nullable(),
  origin: z.string().max(128).nullable(),
  detail: z.string().max(100_000),
});
export const rowCounts = z.object({ read: count, new: count, superseded: count, duplicate: count });
const report = z.object({
  dataset: z.string().max(64),
  run: z.int().min(1),
  attempt: z.string().min(1).max(256),
  recipe: z.string().max(128),
  engine: z.string().max(64),
  rows: rowCounts,
  tables: tableMap,
  origins: z.record(z.string().max(256), z.object({ events: count })),
  audit: z.array(finding).max(1_000_000),
  seconds: z.number().min(0),
});

export const parseReport = (value: unknown, key: string): Report => parseDocument(report, value, key);

/** What an attempt handed in: its report, or why that cannot be read, and the files in its folders (key → bytes). */
export type Submission = { attempt: string; report: Report | null; problem?: string; files: Record<string, number> };

/**
 * Why a submission cannot be published, or null if report, run and listing agree. `unit` is the partition column that
 * units are made of. A base partition that the report leaves out would vanish from the map with its rows: an empty one
 * keeps a file of no rows.
 */
export const disagreement = (
  run: Run,
  submission: Submission,
  tables: readonly string[],
  unit: string | null,
): string | null => {
  const { report, attempt, files } = submission;
  if (!report) return submission.problem ?? "there is no report";
  if (report.dataset !== run.dataset || report.run !== run.run || report.attempt !== attempt)
    return `expected a report of ${run.dataset} run ${run.run} attempt ${attempt}, came ${report.dataset} run ${report.run} attempt ${report.attempt}`;
  if (report.recipe !== run.recipe) return `expected recipe ${run.recipe}, came ${report.recipe}`;
  const { rows } = report;
  if (rows.read !== rows.new + rows.superseded + rows.duplicate)
    return `of ${rows.read} rows read, ${rows.new} new + ${rows.superseded} superseded + ${rows.duplicate} duplicate do not account for all`;
  const named = new Map<string, number>();
  for (const [table, partitions] of Object.entries(report.tables)) {
    if (!tables.includes(table)) return `expected the tables ${tables.join(", ")}, came ${table}`;
    for (const [partition, entry] of Object.entries(partitions)) {
      const at = `${table} ${partition}`;
      if (unit !== null && !run.units.includes(partitionValues(partition)[unit] ?? ""))
        return `${at} is of no unit of the run`;
      if (!entry.folder.startsWith(attemptFolder(table, run.run, attempt)))
        return `${at} is not in the attempt's folder: ${entry.folder}`;
      if (entry.files.length === 0) return `${at} has no file`;
      for (const file of entry.files) {
        const key = entry.folder + file.name;
        if (named.has(key)) return `${key} is named twice`;
        named.set(key, file.bytes);
      }
    }
  }
  for (const [table, partitions] of Object.entries(run.tables))
    for (const partition of Object.keys(partitions))
      if (!report.tables[table]?.[partition]) return `${table} ${partition} of the base is missing`;
  const found = Object.keys(files);
  for (const key of found) if (!named.has(key)) return `${key} was written but not reported`;
  for (const [key, bytes] of named)
    if (files[key] !== bytes) return `${key}: expected ${bytes} bytes, found ${files[key] ?? "no file"}`;
  return null;
};

/**
 * How a job says that a file of its base cannot be read as its commit says: this at the beginning of its error's message,
 * which whatever runs the job may put more words around. No object of the run is to blame then.
 */
export const damage = (key: string, what: string): string => `${DAMAGE}${key}: ${what}`;
const DAMAGE = "[base] ";

/** The file of the run's base that a failed attempt's reason says is damaged, or null; no other key is believed. */
export const damagedIn = (run: Run, reason: string): string | null => {
  if (run.rebuild || !reason.includes(DAMAGE)) return null;
  for (const partitions of Object.values(run.tables))
    for (const { folder, files } of Object.values(partitions))
      for (const { name } of files) if (reason.includes(damage(folder + name, ""))) return folder + name;
  return null;
};

/** Whether a person accepts a finding. */
export const accepts = (
  accepted: readonly Accepted[],
  { law, session, origin }: Pick<Finding, "law" | "session" | "origin">,
): boolean =>
  accepted.some(
    (a) => a.law === law && (a.session === null || a.session === session) && (a.origin === null || a.origin === origin),
  );

/** The findings for which a run must wait for a person. */
export const holding = (findings: readonly Finding[], accepted: readonly Accepted[]): Finding[] =>
  findings.filter((f) => f.severity === "hold" && !accepts(accepted, f));
