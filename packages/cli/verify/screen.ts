import type { Dataset } from "../../core/dataset.ts";
import { argument, count, plural, printable } from "../output.ts";
import { type Account, type Identity, identities, isAmiss } from "./account.ts";
import type { Problems } from "./census.ts";
import type { Verified } from "./look.ts";

/** Accounts, and ids of each kind, that a screen shows; a document has all. */
const SHOWN = 20;
const IDS_SHOWN = 10;

/** What verify found, on a screen. */
export const screen = (dataset: Dataset, verified: Verified): string => {
  const { accounts, repaired, session } = verified;
  const box = `Next: pregao dlq list ${dataset.name}\n`;
  if (accounts.length === 0 && verified.nameless > 0 && !session)
    return `No row of ${dataset.name} has arrived; ${namelessLine(verified.nameless)}\n\n${box}`;
  if (accounts.length === 0)
    return `Nothing of ${dataset.name}${session ? ` on ${session}` : ""} has arrived.\n\nNext: pregao ingest ${dataset.name} --file FILE --wait\n`;
  const worth =
    accounts.length <= SHOWN ? accounts : accounts.filter((a) => isAmiss(a) || a.inFlight + a.made.inFlight > 0);
  const shown = worth.slice(0, SHOWN);
  const others = accounts.length - shown.length;
  return [
    ...(repaired
      ? [`Sent ${plural(repaired.messages, "message")} again, with ${plural(repaired.rows, "missing row")}.\n`]
      : []),
    ...shown.map(account),
    ...(others
      ? [`${plural(others, "other origin")}${worth.length > SHOWN ? "" : ", all of whose rows have their place"}\n`]
      : []),
    verdict(verified),
    ...left(verified),
    "",
    next(dataset, verified),
    "",
  ].join("\n");
};

const account = (a: Account): string => {
  const { held, failed } = a.stopped;
  return [
    title(a),
    ...(a.damage ? [`  damaged     ${printable(a.damage)}`] : []),
    ...identities(a).flatMap(sum),
    ...(held ? [`  held        ${waits(held)} for a person`] : []),
    ...(failed ? [`  failed      ${waits(failed)} for another try of the job`] : []),
    ...(Object.keys(means) as (keyof Problems)[]).flatMap((kind) => problem(a, kind)),
    "",
  ].join("\n");
};

/** Of an identity of nothing there is nothing to say, but how many were sent. */
const sum = ({ name, total, terms }: Identity, at: number): string[] =>
  total === 0 && at > 0
    ? []
    : [
        `  ${count(total)} ${name}${terms.length ? ` = ${terms.map((t) => `${count(t.n)} ${t.name}`).join(" + ")}` : ""}`,
      ];

const waits = (n: number): string => `${plural(n, "row")} ${n === 1 ? "waits" : "wait"}`;

const namelessLine = (n: number): string =>
  `${plural(n, "dead letter")} ${n === 1 ? "names" : "name"} no file, and ${n === 1 ? "is" : "are"} in no account.`;

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
  invented: "in a table, of no file",
  inventedInRaw: "in raw, of no file",
  stale: "still published, though withdrawn or superseded",
};

const names: Partial<Record<keyof Problems, string>> = { inventedInRaw: "invented" };

const problem = ({ problems, lost, objects }: Account, kind: keyof Problems): string[] => {
  const { count: n, ids } = problems[kind];
  if (n === 0) return [];
  const known = new Map(lost.map((one) => [one.id, one]));
  const shown = ids.slice(0, IDS_SHOWN).map((id) => {
    const one = known.get(id);
    return `    ${printable(id)}${one ? `  ${printable(one.ticker)}  ${printable(one.session)}${one.refused ? "  a record that is refused" : ""}` : ""}`;
  });
  return [
    `  ${(names[kind] ?? kind).padEnd(11)} ${count(n)} ${means[kind]}`,
    ...shown,
    ...(n > shown.length ? [`    … and ${count(n - shown.length)} more (--json names up to 1,000)`] : []),
    ...(kind === "inventedInRaw"
      ? objects.slice(0, IDS_SHOWN).map(({ key, is }) => `    in ${printable(key)}${is ? `, ${is}` : ""}`)
      : []),
  ];
};

/** What was not looked at. */
const left = ({ unseen, unreadable, gone, nameless }: Verified): string[] => [
  ...(unseen ? [`${unseen}.`] : []),
  ...(nameless ? [`Besides, ${namelessLine(nameless)}`] : []),
  ...(gone.length
    ? [
        `${plural(gone.length, "raw object")} ${gone.length === 1 ? "is" : "are"} gone, ${printable(gone[0]!)}${gone.length > 1 ? " the first" : ""}: what no other one has is missing.`,
      ]
    : []),
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
      ...amiss.map((kind) => `${count(sums(kind))} ${names[kind] ? `${names[kind]} in raw` : kind}`),
      ...(damaged ? [`${plural(damaged, "file")} damaged in the archive`] : []),
      ...(quiet ? [] : ["while others are on their way"]),
    ].join(", ");
  }
  const flying = accounts.reduce((sum, a) => sum + a.inFlight + a.made.inFlight, 0);
  const rows = plural(
    accounts.reduce((sum, a) => sum + a.sent, 0),
    "row",
  );
  if (flying) return `${rows} accounted for, ${count(flying)} of them still in flight.`;
  return `Everything is there: ${rows} accounted for${quiet ? "" : ", while others are on their way"}.`;
};

/** The command that mends what is worst. */
const next = (dataset: Dataset, { accounts, nameless }: Verified): string => {
  const some = (is: (a: Account) => boolean) => accounts.some(is);
  const has = (kind: keyof Problems) => some((a) => a.problems[kind].count > 0);
  const name = dataset.name;
  const verify = `pregao verify ${name}`;
  if (some((a) => a.repairable > 0)) return `Next: ${verify} --repair`;
  if (some((a) => a.unrefined > 0) || has("doubled") || has("invented") || has("stale"))
    return `Next: pregao refine ${name} --rebuild`;
  if (has("inventedInRaw")) return foreign(dataset, accounts);
  if (has("missing")) return `Put back what is gone from raw: no archive has it.\nNext: ${verify}`;
  if (some((a) => a.damage !== null)) return `Put back what is damaged.\nNext: ${verify}`;
  const flying = (a: Account) => a.inFlight + a.made.inFlight;
  if (some((a) => flying(a) > a.stopped.held + a.stopped.failed)) return `Next: ${verify} --wait`;
  if (some((a) => flying(a) > 0)) return "Next: pregao status";
  if (nameless > 0 || some((a) => a.rejected + a.made.rejected > 0)) return `Next: pregao dlq list ${name}`;
  const example = accounts.find((a) => a.example)?.example;
  if (!example) return "Next: pregao status";
  return `Next: pregao explain ${argument(example.ticker)} ${argument(example.session)} --dataset ${name}`;
};

/** What no file has and raw has: a rebuild would make it again, and who put it there must say why. */
const foreign = (dataset: Dataset, accounts: readonly Account[]): string => {
  const objects = accounts.flatMap((a) => a.objects);
  // What stops an object, and what lets it pass, status says.
  if (objects.some(({ is }) => is !== null)) return "Next: pregao status";
  const [first] = objects;
  const where = first ? ` WHERE "$path" LIKE '%${first.key.replaceAll("'", "''")}'` : "";
  return `Find out who wrote it, and take it away: a rebuild would make it again.\nNext: pregao query ${argument(`SELECT * FROM ${dataset.raw!.table.name}${where}`)}`;
};
