import type { Dataset } from "./dataset.ts";
import { dueAfter } from "./session.ts";
import type { Stage } from "./stage.ts";
import type { Topology } from "./topology.ts";

/**
 * Numbers that functions write in their log and CloudWatch makes metrics of, by filters: a line stays what it is, and a
 * function knows nothing of whoever watches it.
 */
export type LogMetric = {
  name: string;
  means: string;
  /** Whose log; a logical name. */
  function: string;
  /** Which lines: those with this level, one of these messages, and this number in their metadata. */
  lines: { level?: string; messages?: readonly string[]; number?: string };
  /** 1 for each line, or the number in its metadata. */
  value: "line" | "number";
  unit: "Count" | "Seconds" | "Percent";
  /** Each dataset has its own series; a line that names none is in no series then. */
  byDataset: boolean;
};

/** CloudWatch's namespace of a stage: filters can take a dimension from a line only, and no line names the stage. */
export const namespaceOf = (stage: Stage): string => `pregao/${stage.name}`;

const ended = (what: string) => [`run ${what}`];

/** Every metric there is. Those of a dataset have one dimension, `dataset`. */
export const logMetrics = (topology: Topology): LogMetric[] => {
  const number = (
    of: string,
    messages: readonly string[],
    unit: LogMetric["unit"],
    fields: Readonly<Record<string, readonly [field: string, means: string]>>,
  ): LogMetric[] =>
    Object.entries(fields).map(([name, [field, means]]) => ({
      ...{ name, means, function: of, unit, value: "number", byDataset: true },
      lines: { messages, number: field },
    }));
  const count = (name: string, of: string, messages: readonly string[], means: string): LogMetric => ({
    ...{ name, means, function: of, unit: "Count", value: "line", byDataset: true },
    lines: { messages },
  });
  const due = ["sessions that are due"];
  const published = ["sessions published"];
  const judged = ["batch judged"];
  const every = ["published", "failed", "held"].flatMap((end) => [`run ${end}`]);
  return [
    ...topology.functions.map(
      (f): LogMetric => ({
        ...{ name: errorsOf(f.name), means: "lines by which a person must act", function: f.name },
        ...{ lines: { level: "ERROR" }, value: "line", unit: "Count", byDataset: false },
      }),
    ),
    ...number("consume", judged, "Count", {
      rows_judged: ["rows", "rows that are valid"],
      records_refused: ["refused", "records that are not"],
    }),
    count("runs_published", "advance", ended("published"), "runs that readers see"),
    count("runs_failed", "advance", ended("failed"), "runs whose job failed, in whatever way"),
    ...number("advance", every, "Seconds", {
      job_seconds: ["seconds", "how long the job ran"],
      dpu_seconds: ["dpuSeconds", "what Glue bills of it"],
    }),
    ...number("advance", ended("published"), "Count", {
      rows_refined: ["rows.new", "rows that are new in the tables"],
      findings: ["findings", "broken laws of a run that was published: they warn only"],
    }),
    ...number("advance", published, "Seconds", {
      latency: ["latency", "from the archive of a file's bytes to the tables, of the slowest file"],
    }),
    ...number("advance", published, "Count", { sessions_published: ["sessions", "sessions that a run brought"] }),
    ...number("advance", due, "Count", {
      sessions_missing: ["missing", "sessions that are due and of which nothing came"],
      sessions_incomplete: ["incomplete", "sessions that are due and of which not every row came"],
      gaps: ["gaps", "sessions of the last year, from the dataset's first on, that are missing or incomplete"],
      tickers: ["tickers", "tickers of the newest session"],
    }),
    ...number("advance", due, "Percent", {
      coverage: ["coverage", "of the sessions that are due, those that are complete"],
      completeness: ["completeness", "the same of the last year's sessions, from the dataset's first on"],
      doubtful: ["doubtful", "of the newest session's tickers, those with a value that contradicts another"],
    }),
  ];
};

/** The metric of a function's lines of the level ERROR. */
export const errorsOf = (name: string): string => `errors_${name}`;

/** Datasets whose sessions are told every time the clock looks: those of which files are looked for. */
export const watchedSessions = (topology: Topology, datasets: readonly Dataset[]): Dataset[] =>
  datasets.filter((d) => d.sessions?.facts && dueAfter(topology, d) !== null);

/**
 * A line as CloudWatch's filter syntax has it (CloudWatch Logs: FilterAndPatternSyntax). What a value or a dimension is
 * taken from must be in the pattern, too.
 */
export const patternOf = ({ lines, byDataset }: LogMetric): string => {
  const any = (lines.messages ?? []).map((message) => `$.message = ${JSON.stringify(message)}`);
  const terms = [
    ...(lines.level ? [`$.level = ${JSON.stringify(lines.level)}`] : []),
    ...(any.length > 1 ? [`(${any.map((term) => `(${term})`).join(" || ")})`] : any),
    ...(lines.number ? [`$.metadata.${lines.number} >= 0`] : []),
    ...(byDataset ? ["$.metadata.dataset = *"] : []),
  ];
  return terms.length > 1
    ? `{ ${terms.map((term) => (term.startsWith("(") ? term : `(${term})`)).join(" && ")} }`
    : `{ ${terms[0]} }`;
};

/** What of a line is the metric's value. */
export const numberIn = ({ lines, value }: LogMetric): string =>
  value === "line" ? "1" : `$.metadata.${lines.number}`;
