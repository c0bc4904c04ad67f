import type { Explained, PutRight, Rejected, Row } from "./explain.ts";
import type { Taken } from "./history.ts";
import { ago, argument, count, plural, printable } from "./output.ts";

/** Arrivals of one row that a screen shows: a file that was sent again brings each row again. */
const SHOWN = 3;

/** A ticker's session on a screen: what stands, from its file on, then what it replaced. */
export const screen = ({
  dataset,
  ticker,
  session,
  rows,
  rejected,
  cut,
  unseen,
  unreadable,
  unsearched,
}: Explained): string =>
  [
    `${printable(ticker)} on ${session}: ${plural(rows.filter((row) => !row.not_in_raw).length, "row")} arrived${rejected.length ? `, ${plural(rejected.length, "dead letter")}` : ""}`,
    "",
    ...rows.map((row) => rowLines(row, rows, [ticker, session])),
    ...rejected.map(letterLines),
    ...(cut
      ? [
          `These are the newest ${count(rows.reduce((sum, row) => sum + row.arrivals.length, 0))} arrivals; older ones were not looked at.`,
          "",
        ]
      : []),
    ...(unseen ? [`${unseen}.`, ""] : []),
    ...(unsearched
      ? [`Not looked further: ${plural(unsearched, "older archived file")} may hold the session too.`, ""]
      : []),
    ...(unreadable.length
      ? [
          `Not looked into: ${plural(unreadable.length, "raw object")} without readable rows; pregao dlq list landed.`,
          "",
        ]
      : []),
    next(dataset, rows, rejected),
    "",
  ].join("\n");

const labels: Record<Row["is"], string> = {
  published: "published",
  waiting: "waiting",
  superseded: "superseded",
  withdrawn: "withdrawn",
  inFlight: "in flight",
  refused: "its raw object was refused",
  missing: "missing",
};

const line = (name: string, text: string) => `  ${name.padEnd(13)} ${text}`;

const rowLines = (row: Row, rows: readonly Row[], asked: readonly (string | null)[]): string => {
  const { origin, arrivals, superseded_by: by, not_in_raw: absent, withdrawn } = row;
  if (absent) return absentLines(row);
  const others = Object.entries(row.key).filter(([, value]) => !asked.includes(value));
  const names = others.map(([name, value]) => `${name} ${value === null ? "none" : printable(value)}`).join(", ");
  const past = row.supersedes.map((id) => rows.find((r) => r.event_id === id)?.origin.version ?? "").filter(Boolean);
  return [
    `${labels[row.is]}${row.table ? ` in ${row.table}` : ""}${names ? `  (${names})` : ""}  ${row.event_id}`,
    line("file", fileOf(row)),
    line(
      "version",
      `${printable(origin.version)}, archived ${printable(origin.scraped_at)} UTC, ${printable(origin.sha256).slice(0, 12)}`,
    ),
    ...arrivals
      .slice(0, SHOWN)
      .flatMap(({ message_id, object, runs, all_runs }) => [
        line("message", printable(message_id)),
        line("raw", printable(object)),
        ...runs.slice(-SHOWN).map((taken) => line("run", ended(taken))),
        ...(runs.length === 0 && all_runs ? [line("run", "none yet")] : []),
        ...(all_runs ? [] : [line("run", "not looked further")]),
      ]),
    ...(arrivals.length > SHOWN
      ? [line("", `and ${count(arrivals.length - SHOWN)} more arrivals of the same row`)]
      : []),
    ...row.put_right.map(putRight),
    ...(withdrawn
      ? [
          line(
            "withdrawn",
            `by an undo of replay ${printable(withdrawn.replay)}, ${printable(withdrawn.at)}${withdrawn.by ? `, by ${printable(withdrawn.by)}` : ""}`,
          ),
        ]
      : []),
    ...(by
      ? [
          line(
            "replaced by",
            by.event_id
              ? `${by.event_id}, of version ${printable(by.version)}`
              : `version ${printable(by.version)} (${printable(by.sha256).slice(0, 12)}) as a whole, which has no such row`,
          ),
        ]
      : []),
    ...(row.instead
      ? [
          line(
            "instead",
            `${row.instead.event_id}, of version ${printable(row.instead.version)}, which is a lesser row`,
          ),
        ]
      : []),
    ...(past.length ? [line("replaced", `the row of version ${past.map(printable).join(", ")}`)] : []),
    "",
  ].join("\n");
};

/** A line of a file that raw has not. */
const absentLines = ({ is, event_id, origin, not_in_raw }: Row): string =>
  [
    `${is === "missing" ? "missing" : "missing (or in flight)"}: not in raw  ${event_id}`,
    line("file", `${printable(origin.source ?? "")}, line ${(origin.lines ?? []).map(count).join(", ")}`),
    line(
      "version",
      `${printable(origin.version)}, archived ${printable(origin.scraped_at)} UTC, ${printable(origin.sha256).slice(0, 12)}`,
    ),
    not_in_raw?.message_id
      ? line("message", printable(not_in_raw.message_id))
      : line("message", "a record that is refused, of which no dead letter was found"),
    "",
  ].join("\n");

const putRight = ({ replay, by, changes, lines }: PutRight): string => {
  const shown = (value: unknown) =>
    printable(typeof value === "string" && value !== "" ? value : JSON.stringify(value));
  const what = changes.map(
    ({ field, from, to }) => `${printable(field)} ${printable(JSON.stringify(from))} → ${shown(to)}`,
  );
  const where = lines.length ? `; line ${lines.map(count).join(", ")} as it was` : "";
  return line(
    "put right",
    `by replay ${printable(replay)} of ${printable(by)}: ${what.join(", ") || "sent as it was"}${where}`,
  );
};

const fileOf = ({ origin: { archive, source, lines }, put_right }: Row): string => {
  if (archive === "none") return "no file: it came in a message of its own";
  if (archive === "damaged") return "the archived bytes are damaged; pregao verify names them";
  const at = lines?.length ? lines : put_right.flatMap((one) => one.lines);
  if (at.length)
    return `${printable(source ?? "")}, line ${at.map(count).join(", ")}${lines?.length ? "" : ", put right since"}`;
  return `${printable(source ?? "")}, in no line of it: ${put_right.length ? "made of a dead letter" : "invented"}`;
};

const ended = ({ run, opened_at, commit }: Taken): string => {
  if (!commit) return `${run}, opened ${ago(opened_at)}, not ended yet`;
  const { number, status, at, reason } = commit;
  return `${run}, commit ${number} ${status} ${at}${reason && status !== "published" ? `: ${printable(reason)}` : ""}`;
};

const letterLines = (letter: Rejected): string => {
  const lines = letter.records.flatMap((one) => one.lines ?? []);
  return [
    `rejected: ${printable(letter.reason)}  ${printable(letter.id)}`,
    line("why", printable(letter.message)),
    ...(lines.length
      ? [line("file", `${printable(letter.origin).slice(0, 12)}, line ${lines.map(count).join(", ")}`)]
      : []),
    line(
      "seen",
      `${letter.seen}, ${plural(letter.attempts, "attempt")}${letter.at === "archive" ? ", archived since" : ""}`,
    ),
    "",
  ].join("\n");
};

const next = (dataset: string, rows: readonly Row[], rejected: readonly Rejected[]): string => {
  if (rows.some((row) => row.is === "missing" || row.not_in_raw)) return `Next: pregao verify ${dataset} --repair`;
  if (rejected.length) return `Next: pregao dlq show ${dataset} --reason ${argument(rejected[0]!.reason)}`;
  if (rows.some((row) => row.is === "inFlight")) return `Next: pregao verify ${dataset} --wait`;
  return `Next: pregao verify ${dataset}`;
};
