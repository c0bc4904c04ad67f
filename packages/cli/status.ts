import { attempts } from "../aws/jobs.ts";
import { all } from "../aws/queries.ts";
import { type Depth, depth, peek } from "../aws/queues.ts";
import { getJson, list } from "../aws/store.ts";
import { saoPauloDay } from "../core/calendar.ts";
import type { Commit } from "../core/commit.ts";
import type { Dataset } from "../core/dataset.ts";
import { readDeadLetter } from "../core/reject.ts";
import { numberOf, parseRun } from "../core/run.ts";
import { newestCommit } from "./account.ts";
import { ago, count, plural, printable } from "./output.ts";
import type { Place } from "./place.ts";

type Stuck = { what: string; free: string };

type DeadLetters = {
  letters: number;
  records: number;
  /** In the hands of another command, so that their reasons could not be read. */
  hidden: number;
  /** When the oldest was first seen, ISO 8601. */
  oldest: string | null;
  /** Records by reason. */
  reasons: Record<string, number>;
};

type DatasetStatus = {
  dataset: string;
  /** The last session published, and its age in days, in São Paulo. */
  session: { last: string; days: number } | null;
  commit: { number: number; status: Commit["status"]; at: string; reason: string | null } | null;
  /** The open run: since when, how many jobs were started for it, and how the newest stands. */
  run: { number: number; opened: string; attempts: number; job: string; reason: string | null } | null;
  queue: Depth | null;
  deadLetters: DeadLetters | null;
  stuck: Stuck[];
};

/** The job's timeout (60 minutes) and a tick of the clock that looks after it: a run that is open for longer has no help. */
const OPEN_MS = 80 * 60_000;

/** `pregao status`: what is published, what is under way, what is stuck. Exit status 1 if anything is. */
export const status = async (place: Place): Promise<void> => {
  const datasets = await Promise.all(place.datasets.map((d) => statusOf(place, d)));
  const landed = { queue: await depth(place.aws, "landed"), deadLetters: await deadLettersOf(place, "landed") };
  const stuck = [...datasets.flatMap((d) => d.stuck), ...refused("landed", landed.deadLetters)];
  const endpoint = place.aws.endpoint ?? null;
  place.output.result(
    { stage: place.stage.name, state: place.dir, endpoint, running: !place.stack, datasets, landed, stuck },
    () =>
      [
        ...datasets.map(screen),
        ...(place.stack ? [] : [`The river is running at ${endpoint}.`]),
        ...(stuck.length
          ? stuck.map((s) => `Stuck: ${s.what}. Next: ${s.free}`)
          : ["Nothing is stuck.", "", next(datasets)]),
        "",
      ].join("\n"),
  );
  if (stuck.length) process.exitCode = 1;
};

const next = (datasets: readonly DatasetStatus[]): string => {
  const queryable = datasets.find((d) => d.session);
  return queryable ? `Next: pregao schema ${queryable.dataset}` : "Next: pregao demo";
};

const statusOf = async (place: Place, dataset: Dataset): Promise<DatasetStatus> => {
  const commit = await newestCommit(place, dataset.name);
  const [session, run, queue, deadLetters] = await Promise.all([
    commit ? lastSession(place, dataset) : null,
    openRun(place, dataset, commit?.commit ?? 0),
    dataset.raw ? depth(place.aws, dataset.name) : null,
    dataset.raw ? deadLettersOf(place, dataset.name) : null,
  ]);
  return {
    dataset: dataset.name,
    session,
    commit: commit ? { number: commit.commit, status: commit.status, at: commit.at, reason: commit.reason } : null,
    run,
    queue,
    deadLetters,
    stuck: [...refused(dataset.name, deadLetters), ...overdue(dataset, run), ...waiting(commit)],
  };
};

const refused = (name: string, letters: DeadLetters | null): Stuck[] => {
  if (!letters || letters.letters + letters.hidden === 0) return [];
  const what = letters.letters
    ? `${plural(letters.records, "record")} of ${name} refused, the oldest ${ago(letters.oldest ?? "")}`
    : `${plural(letters.hidden, "dead letter")} of ${name}, in the hands of another command or of one that was interrupted`;
  return [{ what, free: `pregao dlq list ${name}` }];
};

const overdue = (dataset: Dataset, run: DatasetStatus["run"]): Stuck[] =>
  run && Date.now() - Date.parse(run.opened) > OPEN_MS
    ? [
        {
          what: `run ${run.number} of ${dataset.name} was opened ${ago(run.opened)}, its job is ${run.job}${run.reason ? ` (${run.reason})` : ""}`,
          free: "pregao up, which goes on with it; log.ndjson in the state directory says what stops it",
        },
      ]
    : [];

/** What a person must decide, and what fails again and again. */
const waiting = (commit: Commit | null): Stuck[] => [
  ...(commit?.held ?? []).map((h) => ({
    what: `${h.key} is held by ${h.findings.map((f) => `${f.law}${f.session ? ` on ${f.session}` : ""}`).join(", ")}`,
    free: "a person decides: publish a corrected file, or accept it (docs/operations.md)",
  })),
  ...(commit?.failed ?? []).map((f) => ({
    what: `the job failed on ${f.key}, last ${ago(f.at)}: ${f.reason}`,
    free: "it is tried again by itself, with the next run or in an hour",
  })),
];

const openRun = async (place: Place, dataset: Dataset, committed: number): Promise<DatasetStatus["run"]> => {
  for await (const { key } of list(place.aws, "state", `runs/${dataset.name}/`, { limit: 1 })) {
    const number = numberOf(key);
    if (number <= committed) return null;
    const { opened_at } = parseRun(await getJson(place.aws, "state", key), key);
    const jobs = await attempts(place.aws, dataset.name, number, Date.parse(opened_at));
    return {
      number,
      opened: opened_at,
      attempts: jobs.length,
      job: jobs[0]?.state ?? "not started",
      reason: jobs[0]?.reason ?? null,
    };
  }
  return null;
};

const lastSession = async (place: Place, dataset: Dataset): Promise<DatasetStatus["session"]> => {
  if (!dataset.sessions) return null;
  const { table, column } = dataset.sessions;
  const [row] = await all(place.aws, `SELECT max(${column}) AS last FROM ${table}`, dataset.database);
  if (!row?.last) return null;
  const days = Math.round((Date.parse(saoPauloDay(Date.now())) - Date.parse(row.last)) / 86_400_000);
  return { last: row.last, days };
};

const deadLettersOf = async (place: Place, name: string): Promise<DeadLetters> => {
  const queue = `${name}-dlq`;
  const { visible, inFlight } = await depth(place.aws, queue);
  const none: DeadLetters = { letters: 0, records: 0, hidden: inFlight, oldest: null, reasons: {} };
  if (visible === 0) return none;
  return peek(place.aws, queue, (messages) => {
    const letters = [
      ...new Map(messages.map((m) => readDeadLetter(m.body, m)).map((letter) => [letter.id, letter])).values(),
    ];
    const reasons: Record<string, number> = {};
    for (const { reason, records } of letters) reasons[reason] = (reasons[reason] ?? 0) + records.length;
    const records = Object.values(reasons).reduce((sum, n) => sum + n, 0);
    const oldest = letters.reduce<string | null>(
      (first, { seen }) => (first === null || seen < first ? seen : first),
      null,
    );
    return { ...none, letters: letters.length, records, oldest, reasons };
  });
};

const screen = (d: DatasetStatus): string =>
  [
    d.dataset,
    `  published  ${published(d)}`,
    `  under way  ${d.run ? `run ${d.run.number}, opened ${ago(d.run.opened)}, job ${d.run.job} (${plural(d.run.attempts, "attempt")})` : "no run"}${d.queue ? `, ${count(d.queue.visible)} waiting and ${count(d.queue.inFlight)} in flight in the queue` : ""}`,
    ...(d.deadLetters?.letters
      ? [
          `  refused    ${Object.entries(d.deadLetters.reasons)
            .map(([reason, n]) => `${count(n)} ${printable(reason)}`)
            .join(", ")}; the oldest ${ago(d.deadLetters.oldest ?? "")}`,
        ]
      : []),
    "",
  ].join("\n");

const published = ({ commit, session }: DatasetStatus): string => {
  if (!commit) return "nothing yet";
  const last = session
    ? `, last session ${session.last}, ${session.days === 0 ? "today" : plural(session.days, "day")}${session.days === 0 ? "" : " ago"}`
    : "";
  return `commit ${commit.number} (${commit.status}) ${ago(commit.at)}${last}${commit.reason ? `: ${printable(commit.reason)}` : ""}`;
};
