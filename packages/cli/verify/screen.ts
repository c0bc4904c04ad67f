import type { Dataset } from "../../core/dataset.ts";
import { count, plural, printable } from "../output.ts";
import { type Account, isAmiss } from "./account.ts";
import type { Problems } from "./census.ts";
import type { Verified } from "./look.ts";

/** Accounts, and ids of each kind, that a screen shows; a document has all. */
const SHOWN = 20;
const IDS_SHOWN = 10;

/** What verify found, on a screen. */
export const screen = (dataset: Dataset, verified: Verified): string => {
  const { accounts, repaired, session } = verified;
  if (accounts.length === 0)
    return `Nothing of ${dataset.name}${session ? ` on ${session}` : ""} has arrived.\n\nNext: pregao ingest ${dataset.name} --file FILE --wait\n`;
  const worth = accounts.length <= SHOWN ? accounts : accounts.filter((a) => isAmiss(a) || a.inFlight > 0);
  const shown = worth.slice(0, SHOWN);
  const others = accounts.length - shown.length;
  return [
    ...(repaired
      ? [
          `Sent ${plural(repaired.messages, "message")} again from the archive, with ${plural(repaired.rows, "missing row")}.\n`,
        ]
      : []),
    ...shown.map(account),
    ...(others
      ? [`${plural(others, "other origin")}${worth.length > SHOWN ? "" : ", all of whose rows have their place"}\n`]
      : []),
    verdict(verified),
    ...left(verified),
    "",
    next(dataset, accounts),
    "",
  ].join("\n");
};

const account = (a: Account): string => {
  const parts: [number, string][] = [
    [a.published, "published"],
    [a.waiting, "waiting"],
    [a.superseded, "superseded"],
    [a.rejected, "rejected"],
    [a.replayed, "sent again otherwise"],
    [a.withdrawn, "withdrawn"],
    [a.inFlight, "in flight"],
    [a.missing, "missing"],
    [a.repeated, "repeated"],
  ];
  const sum = parts.filter(([n], i) => n > 0 || i === 0).map(([n, name]) => `${count(n)} ${name}`);
  const tables = Object.entries(a.tables).filter(([, n]) => n > 0);
  const { held, failed } = a.stopped;
  return [
    title(a),
    ...(a.damage ? [`  damaged     ${printable(a.damage)}`] : []),
    `  ${count(a.sent)} ${a.archive === "whole" ? "sent" : "arrived"} = ${sum.join(" + ")}`,
    `  ${count(a.raw)} in raw${tables.length ? `, ${tables.map(([name, n]) => `${count(n)} in ${name}`).join(", ")}` : ""}`,
    ...(held ? [`  held        ${plural(held, "row")} wait for a person`] : []),
    ...(failed ? [`  failed      ${plural(failed, "row")} wait for another try of the job`] : []),
    ...(Object.keys(means) as (keyof Problems)[]).flatMap((kind) => problem(a, kind)),
    "",
  ].join("\n");
};

const title = (a: Account): string =>
  a.archive === "none"
    ? `${plural(a.origins, "origin")} without an archived file${a.sha256 ? `, ${printable(a.sha256).slice(0, 12)}` : ""}: accounted for from raw on`
    : [
        printable(a.source ?? "an archived origin"),
        a.sha256 && printable(a.sha256).slice(0, 12),
        a.version && `version ${printable(a.version)}`,
        a.sessions && printable(a.sessions[0] === a.sessions[1] ? a.sessions[0] : a.sessions.join(" to ")),
      ]
        .filter(Boolean)
        .join("  ");

const means: Record<keyof Problems, string> = {
  missing: "not where they must be",
  doubled: "in more than one row",
  invented: "of no file",
  stale: "still published, though withdrawn or superseded",
};

const problem = ({ problems, lost }: Account, kind: keyof Problems): string[] => {
  const { count: n, ids } = problems[kind];
  if (n === 0) return [];
  const known = new Map(lost.map((one) => [one.id, one]));
  const shown = ids.slice(0, IDS_SHOWN).map((id) => {
    const one = known.get(id);
    return `    ${printable(id)}${one ? `  ${printable(one.ticker)}  ${printable(one.session)}${one.refused ? "  a record that is refused" : ""}` : ""}`;
  });
  return [
    `  ${kind.padEnd(11)} ${count(n)} ${means[kind]}`,
    ...shown,
    ...(n > shown.length ? [`    … and ${count(n - shown.length)} more (--json names up to 1,000)`] : []),
  ];
};

/** What was not looked at. */
const left = ({ unseen, unreadable }: Verified): string[] => [
  ...(unseen ? [`${unseen}.`] : []),
  ...(unreadable.length
    ? [
        `Left out: ${plural(unreadable.length, "raw object")} that ${unreadable.length === 1 ? "is" : "are"} no Parquet or of other columns, ${printable(unreadable[0]!)}${unreadable.length > 1 ? " the first" : ""}; see pregao dlq list landed.`,
      ]
    : []),
];

const verdict = ({ accounts, whole, quiet }: Verified): string => {
  const sums = (kind: keyof Problems) => accounts.reduce((sum, { problems }) => sum + problems[kind].count, 0);
  if (!whole) {
    const amiss = (Object.keys(means) as (keyof Problems)[]).filter((kind) => sums(kind) > 0);
    const damaged = accounts.filter((a) => a.damage !== null).length;
    return [
      ...amiss.map((kind) => `${count(sums(kind))} ${kind}`),
      ...(damaged ? [`${plural(damaged, "file")} damaged in the archive`] : []),
      ...(quiet ? [] : ["while others are on their way"]),
    ].join(", ");
  }
  const flying = accounts.reduce((sum, a) => sum + a.inFlight, 0);
  const rows = plural(
    accounts.reduce((sum, a) => sum + a.sent, 0),
    "row",
  );
  if (flying) return `${rows} accounted for, ${count(flying)} of them still in flight.`;
  return `Everything is there: ${rows} accounted for${quiet ? "" : ", while others are on their way"}.`;
};

/** The command that mends what is worst. */
const next = (dataset: Dataset, accounts: readonly Account[]): string => {
  const has = (kind: keyof Problems) => accounts.some((a) => a.problems[kind].count > 0);
  const name = dataset.name;
  const lost = accounts.some((a) => a.archive === "whole" && a.problems.missing.count > a.unrefined);
  if (lost) return `Next: pregao verify ${name} --repair`;
  if (has("missing") || has("doubled") || has("invented") || has("stale"))
    return `Next: pregao refine ${name} --rebuild, which makes the tables anew from raw, then pregao verify ${name}`;
  if (accounts.some((a) => a.damage !== null)) return `Next: put back what is damaged, then pregao verify ${name}`;
  if (accounts.some((a) => a.inFlight > a.stopped.held + a.stopped.failed)) return `Next: pregao verify ${name} --wait`;
  if (accounts.some((a) => a.inFlight > 0)) return "Next: pregao status";
  if (accounts.some((a) => a.rejected > 0)) return `Next: pregao dlq list ${name}`;
  return `Next: pregao explain TICKER SESSION --dataset ${name}`;
};
