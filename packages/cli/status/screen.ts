import { ago, bytes, count, plural, printable } from "../output.ts";
import type { DatasetStatus, DeadLetters, Queue, Status } from "./status.ts";

/** A status as a person reads it, ending in the next command. */
export const screenOf = (status: Status, now: number): string =>
  [
    ...status.datasets.map((d) => screen(d, now)),
    ...landed(status, now),
    ...givenUp(status),
    where(status),
    ...(status.stuck.length
      ? status.stuck.map((s) => `Stuck: ${s.what}. Next: ${s.free}`)
      : ["Nothing is stuck.", "", next(status)]),
    "",
  ].join("\n");

/** A deployed stage's river always runs. */
const where = ({ stage, account, region, state, running, endpoint }: Status): string => {
  if (state === null) return `This is stage ${stage} in account ${account}, region ${region}.`;
  return running ? `The river is running at ${endpoint}.` : "Nothing is running.";
};

const next = ({ running, state, datasets, landed }: Status): string => {
  const waits =
    messages(landed.queue) > 0 ||
    datasets.some((d) => d.run || d.pending || d.firehose?.oldestSeconds != null || (d.queue && messages(d.queue) > 0));
  if (!running && waits) return "Next: pregao up, which goes on with what is under way";
  // Of what nobody began with nothing is missed yet.
  const fill = datasets.find((d) => d.session && d.looks?.fill)?.looks?.fill;
  if (fill) return `Next: ${fill}`;
  const queryable = datasets.find((d) => d.session) ?? datasets.find((d) => d.queue && d.commit);
  if (queryable) return `Next: pregao schema ${queryable.dataset}`;
  const queued = datasets.find((d) => d.queue)?.dataset;
  return state === null && queued ? `Next: pregao ingest ${queued} --file FILE --wait` : "Next: pregao demo";
};

const messages = ({ visible, inFlight, delayed }: Queue): number => visible + inFlight + delayed;

const screen = (d: DatasetStatus, now: number): string =>
  [
    d.dataset,
    `  published  ${published(d, now)}`,
    `  under way  ${underWay(d, now)}`,
    ...(d.looks ? [`  looks      ${looks(d.looks)}`] : []),
    ...(d.deadLetters ? refused(d.deadLetters, now) : []),
    ...(d.partial.length ? [`  partial    ${plural(d.partial.length, "session")} of which a file came in part`] : []),
    ...(d.behind.length
      ? [`  behind     ${plural(d.behind.length, "partition")} by another version of SQL, columns or calendar`]
      : []),
    "",
  ].join("\n");

const published = ({ commit, session }: DatasetStatus, now: number): string => {
  if (!commit) return "nothing yet";
  const reason = commit.reason ? `: ${printable(commit.reason)}` : "";
  const text = `commit ${commit.number} (${commit.status}) ${ago(commit.at, now)}${reason}`;
  return session ? `last session ${session.last}, ${lag(session)}; ${text}` : text;
};

const saoPaulo = new Intl.DateTimeFormat("sv-SE", {
  timeZone: "America/Sao_Paulo",
  dateStyle: "short",
  timeStyle: "short",
});

/** A laptop's clocks fetch nothing unless they are told to. */
const looks = ({ next, missing }: NonNullable<DatasetStatus["looks"]>): string => {
  const when = `next for a file at ${saoPaulo.format(new Date(next))} in São Paulo (a laptop: with up --web)`;
  return missing.length ? `${when}; missing: ${missing.join(", ")}` : when;
};

const lag = ({ days, behind }: NonNullable<DatasetStatus["session"]>): string => {
  if (behind > 0) return `${plural(behind, "session")} behind (${plural(days, "day")} ago)`;
  return days === 0 ? "today's" : `the newest there is (${plural(days, "day")} ago)`;
};

const underWay = (d: DatasetStatus, now: number): string => {
  const parts = [
    ...(d.paused ? [`paused ${ago(d.paused.at, now)}`] : []),
    d.run
      ? `${d.run.rebuild ? "rebuild" : "run"} ${d.run.number}, opened ${ago(d.run.opened, now)}, job ${d.run.job} (${plural(d.run.attempts, "attempt")})`
      : "no run",
    ...(d.queue ? [queued(d.queue)] : []),
    ...(d.firehose && d.firehose.oldestSeconds !== null
      ? [`records in Firehose, the oldest ${since(d.firehose.oldestSeconds, now)}`]
      : []),
    ...(d.pending ? [`${plural(d.pending.objects, "raw object")} (${bytes(d.pending.bytes)}) in no commit yet`] : []),
    ...(d.held.length ? [`${plural(d.held.length, "object")} held`] : []),
    ...(d.failed.length ? [`${plural(d.failed.length, "object")} failed`] : []),
  ];
  return parts.join(", ");
};

const queued = (queue: Queue): string =>
  messages(queue) === 0
    ? "the queue is empty"
    : `${count(queue.visible + queue.delayed)} waiting and ${count(queue.inFlight)} in flight in the queue`;

const since = (seconds: number, now: number): string => ago(new Date(now - seconds * 1000).toISOString(), now);

const refused = ({ letters, looked, reasons, oldest, archived }: DeadLetters, now: number): string[] => {
  const list = Object.entries(reasons)
    .map(([reason, n]) => `${count(n)} ${printable(reason)}`)
    .join(", ");
  return [
    ...(looked
      ? [
          `  refused    ${list}; the oldest ${ago(oldest ?? "", now)}${looked < letters ? `; of the first ${count(looked)} of ${count(letters)} dead letters` : ""}`,
        ]
      : letters
        ? [`  refused    ${plural(letters, "dead letter")}, in other hands`]
        : []),
    ...(archived ? [`  archived   ${plural(archived, "dead letter")}; pregao dlq list finds them`] : []),
  ];
};

/** The bells are of nobody's interest while they ring. */
const landed = ({ landed: { queue, deadLetters } }: Status, now: number): string[] =>
  messages(queue) + deadLetters.letters + deadLetters.archived === 0
    ? []
    : [["landed", `  under way  ${queued(queue)}`, ...refused(deadLetters, now), ""].join("\n")];

/** The looks that follow ask again for all that an origin still has. */
const givenUp = ({ givenUp: { queue, letters } }: Status): string[] =>
  letters === 0
    ? []
    : [
        `looks\n  given up   ${count(letters)}, with their errors in the queue ${queue}; what is still missing, pregao ingest asks for\n`,
      ];
