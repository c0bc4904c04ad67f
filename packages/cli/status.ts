import { attempts } from "../aws/jobs.ts";
import { all } from "../aws/queries.ts";
import { type Depth, depth, peek } from "../aws/queues.ts";
import { list } from "../aws/store.ts";
import type { Dataset } from "../core/dataset.ts";
import { numberOf } from "../core/run.ts";
import { readDeadLetter } from "../core/reject.ts";
import { saoPauloDay } from "../core/calendar.ts";
import { newestCommit } from "./account.ts";
import { count, plural } from "./output.ts";
import type { Place } from "./place.ts";

type DatasetStatus = {
  dataset: string;
  /** The last session published, and its age in days, in São Paulo. */
  session: { last: string; days: number } | null;
  commit: { number: number; status: string; at: string; reason: string | null } | null;
  run: { number: number; job: string } | null;
  queue: Depth | null;
  deadLetters: Record<string, number>;
  stuck: { what: string; free: string }[];
};

/** `pregao status`: what is published, what is under way, what is stuck. Exit status 1 if anything is. */
export const status = async (place: Place): Promise<void> => {
  const datasets = await Promise.all(place.datasets.map((d) => statusOf(place, d)));
  const bells = await depth(place.aws, "landed-dlq");
  const landed = bells.visible + bells.inFlight;
  const stuck = [
    ...datasets.flatMap((d) => d.stuck),
    ...(landed ? [{ what: `${plural(landed, "dead letter")} in landed-dlq`, free: "pregao up: advance reads the stores, not the bells; see the log" }] : []),
  ];
  place.output.result({ stage: place.stage.name, datasets, landedDeadLetters: landed, stuck }, () =>
    [
      ...datasets.map(screen),
      stuck.length ? stuck.map((s) => `Stuck: ${s.what}. Next: ${s.free}`).join("\n") : "Nothing is stuck.",
      "",
    ].join("\n"),
  );
  if (stuck.length) process.exitCode = 1;
};

const statusOf = async (place: Place, dataset: Dataset): Promise<DatasetStatus> => {
  const commit = await newestCommit(place, dataset.name);
  const run = await openRun(place, dataset, commit?.commit ?? 0);
  const queue = dataset.raw ? await depth(place.aws, dataset.name) : null;
  const deadLetters = dataset.raw ? await reasons(place, `${dataset.name}-dlq`) : {};
  const refused = Object.values(deadLetters).reduce((sum, n) => sum + n, 0);
  return {
    dataset: dataset.name,
    session: commit ? await lastSession(place, dataset) : null,
    commit: commit ? { number: commit.commit, status: commit.status, at: commit.at, reason: commit.reason } : null,
    run,
    queue,
    deadLetters,
    stuck: [
      ...(refused ? [{ what: `${plural(refused, "record")} of ${dataset.name} refused`, free: `pregao dlq list ${dataset.name}` }] : []),
      ...(commit?.held ?? []).map((h) => ({
        what: `${h.key} is held by ${h.findings.map((f) => `${f.law}${f.session ? ` on ${f.session}` : ""}`).join(", ")}`,
        free: `a person decides: publish a corrected file, or accept it (docs/operations.md)`,
      })),
      ...(commit?.failed ?? []).map((f) => ({ what: `the job failed on ${f.key}: ${f.reason}`, free: "it is tried again by itself, with the next run or in an hour" })),
    ],
  };
};

const openRun = async (place: Place, dataset: Dataset, committed: number): Promise<DatasetStatus["run"]> => {
  for await (const { key } of list(place.aws, "state", `runs/${dataset.name}/`, { limit: 1 })) {
    const number = numberOf(key);
    if (number <= committed) return null;
    const [newest] = await attempts(place.aws, dataset.name, number);
    return { number, job: newest?.state ?? "not started" };
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

const reasons = async (place: Place, queue: string): Promise<Record<string, number>> => {
  const { visible } = await depth(place.aws, queue);
  if (visible === 0) return {};
  return peek(place.aws, queue, (messages) => {
    const letters = new Map(messages.map((m) => readDeadLetter(m.body, m)).map((letter) => [letter.id, letter]));
    const counts: Record<string, number> = {};
    for (const letter of letters.values()) counts[letter.reason] = (counts[letter.reason] ?? 0) + letter.records.length;
    return counts;
  });
};

const screen = (d: DatasetStatus): string =>
  [
    d.dataset,
    `  published  ${d.commit ? `commit ${d.commit.number} (${d.commit.status}) at ${d.commit.at}${d.session ? `, last session ${d.session.last}, ${plural(d.session.days, "day")} ago` : ""}` : "nothing yet"}`,
    `  under way  ${d.run ? `run ${d.run.number}, job ${d.run.job}` : "no run"}${d.queue ? `, ${count(d.queue.visible)} waiting and ${count(d.queue.inFlight)} in flight in the queue` : ""}`,
    ...(Object.keys(d.deadLetters).length
      ? [`  refused    ${Object.entries(d.deadLetters).map(([reason, n]) => `${count(n)} ${reason}`).join(", ")}`]
      : []),
    "",
  ].join("\n");
