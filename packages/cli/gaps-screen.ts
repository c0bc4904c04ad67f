import type { Dataset } from "../core/dataset.ts";
import { type Stretch, stretches } from "../core/gaps.ts";
import type { DatasetGaps, Found, Paper, SeriesGaps } from "./gaps.ts";
import type { Checked } from "./gaps-checks.ts";
import { fields, plural, printable, table } from "./output.ts";

/** Of stretches, papers and findings a screen shows so many; --json gives all. */
const MOST = 20;
const MOST_FINDINGS = 10;

/** What is missing as a person reads it, ending in the command that fills the first gap. */
export const screenOf = (found: Found, datasets: readonly Dataset[]): string =>
  [...found.datasets.flatMap((one) => [...screen(one), ""]), `Next: ${next(found, datasets)}`, ""].join("\n");

const screen = (one: DatasetGaps): string[] => [
  one.ticker === null ? one.dataset : `${one.dataset}, ${printable(one.ticker)}`,
  ...(one.series.length === 0 ? ["  nothing yet"] : one.series.flatMap(seriesScreen)),
  ...papersScreen(one.papers),
  ...one.checks.flatMap(checkScreen),
];

const seriesScreen = (one: SeriesGaps): string[] => {
  const { series, from, to, expected, missing, incomplete, unexpected, completeness, absent, after, unknown } = one;
  const name = series === null ? "" : `${printable(series)}: `;
  if (expected + unexpected.length + unknown === 0)
    return [`  ${name}nothing to compare in these days: sessions are there or due from ${one.first} to ${one.newest}`];
  const whole = expected - missing.length - incomplete.length;
  return [
    `  ${name}${from} to ${to}: ${plural(whole, "session")} of ${expected} complete${completeness === null ? "" : `, ${figure(completeness)}`}`,
    ...listed("missing", missing),
    ...listed("incomplete", incomplete),
    ...listed("no session of the calendar's", unexpected),
    ...(absent ? listed("there without it", absent) : []),
    ...(after ? [`    ${plural(after, "session")} after its last`] : []),
    ...(unknown ? [`    ${plural(unknown, "session")} not judged: the calendar begins in 1990`] : []),
  ];
};

const figure = (percent: number): string => `${percent.toFixed(percent === 100 ? 0 : 2)} %`;

const listed = (what: string, days: readonly string[]): string[] => {
  if (days.length === 0) return [];
  const all = stretches(days);
  // The newest are what a person can still put right.
  const shown = all.slice(-MOST);
  const more = all.length - shown.length;
  return [
    `    ${plural(days.length, "session")} ${what}:${more ? ` (the newest ${plural(shown.length, "stretch", "stretches")} of ${all.length})` : ""}`,
    ...shown.map((one) => `      ${spelled(one)}`),
  ];
};

const spelled = ({ from, to, sessions }: Stretch): string =>
  sessions === 1 ? from : `${from} to ${to} (${plural(sessions, "session")})`;

const papersScreen = (papers: readonly Paper[]): string[] => {
  const absent = papers.filter((p) => p.absent > 0);
  if (absent.length === 0) return [];
  const shown = absent.slice(0, MOST);
  const by = shown.some((p) => p.series !== null);
  const lines = table(
    fields(
      ...(by ? ["series"] : []),
      ...["ticker", "first", "last"],
      ...(["sessions", "absent", "missing", "%"] as const).map((name): [string, string] => [name, "bigint"]),
    ),
    shown.map((p) => [
      ...(by ? [p.series] : []),
      ...[
        p.ticker,
        p.first,
        p.last,
        String(p.sessions),
        String(p.absent),
        String(p.missing),
        p.completeness.toFixed(2),
      ],
    ]),
  );
  return [
    `  ${plural(absent.length, "ticker")} not in every session between its first and its last (absent: others are there)${absent.length > MOST ? `, those in nearly all first` : ""}:`,
    ...lines
      .trimEnd()
      .split("\n")
      .map((line) => `    ${line}`),
  ];
};

const verdict = ({ rows, severity, compared }: Checked): string => {
  if (rows > 0) return severity === "fail" ? "broken" : "look at";
  return compared === 0 ? "nothing to compare" : "holds";
};

const checkScreen = ({ means, rows, ...one }: Checked): string[] => [
  `  ${verdict({ means, rows, ...one })}: ${printable(means)}${rows === 0 ? "" : `: ${rows}`}`,
  ...one.findings
    .slice(0, MOST_FINDINGS)
    .map(
      (f) => `      ${[f.session, f.ticker, f.detail].flatMap((text) => (text ? [printable(text)] : [])).join("  ")}`,
    ),
  ...(rows > MOST_FINDINGS ? [`      and ${plural(rows - MOST_FINDINGS, "other")}, with --json`] : []),
];

/** The command for the first thing that is not as it should be. */
const next = ({ datasets: found }: Found, datasets: readonly Dataset[]): string => {
  for (const one of found) {
    const dataset = datasets.find((d) => d.name === one.dataset)!;
    for (const series of one.series) {
      const filled = fill(dataset, series);
      if (filled) return filled;
    }
  }
  const named = found.length === 1 ? found[0]! : undefined;
  const empty = found.find((one) => one.series.length === 0);
  if (named && empty) return `pregao ingest ${named.dataset}`;
  return "pregao status";
};

const fill = (dataset: Dataset, { series, missing, incomplete, unexpected }: SeriesGaps): string | null => {
  const { name, sessions } = dataset;
  const [first, last] = [missing[0], missing.at(-1)];
  if (first !== undefined && last !== undefined) {
    if (dataset.raw?.publication?.history)
      return first === last
        ? `pregao ingest ${name} --session ${first} --wait`
        : `pregao ingest ${name} --from ${first} --to ${last} --wait`;
    const only = series === null ? "" : ` --only ${printable(series)}`;
    return `pregao ingest ${name} --file FILE${only} --session ${last} --wait`;
  }
  if (incomplete[0] !== undefined) return `pregao verify ${name} --session ${incomplete[0]}`;
  if (unexpected[0] !== undefined)
    return `pregao query "SELECT * FROM ${sessions!.table} WHERE ${sessions!.column} = DATE '${unexpected[0]}' LIMIT 10"`;
  return null;
};
