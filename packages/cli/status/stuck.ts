import type { Topology } from "../../core/topology.ts";
import { interval } from "../../local/clock.ts";
import { acceptCommand, heldName, lawsOf } from "../held.ts";
import { ago, argument, plural, printable } from "../output.ts";
import type { DatasetStatus, DeadLetters, Queue, Status } from "./status.ts";

/** What does not go on by itself, in one sentence, and the command that frees it. */
export type Stuck = { code: Code; dataset: string | null; what: string; free: string };
type Code =
  | "refused"
  | "waiting"
  | "undelivered"
  | "pending"
  | "overdue"
  | "unapplied"
  | "broken"
  | "damaged"
  | "failed"
  | "held"
  | "paused"
  | "partial"
  | "behind"
  | "dropped";

/** For how long each thing may take before somebody must look; all in ms. */
export type Limits = {
  /** queue → age of its oldest message: the batch's window, and the time after which a try that failed is seen again. */
  message: Record<string, number>;
  /** stream → age of what is not delivered. */
  record: Record<string, number>;
  /** dataset → how long a run may be open, or an object in none: the job's time, and one tick of what looks after it. */
  run: Record<string, number>;
  /** function → for how long an event that it gave up is told of: until what looks again by the clock has done so. */
  dropped: Record<string, number>;
};

/** A stream's largest buffer (API reference, BufferingHints): what waits for longer on top of its own is not buffered. */
const BUFFER_MS = 900_000;
/** What Firehose could not deliver for a day is lost (developer guide): rows that were not seen by then do not come. */
export const DELIVERY_MS = 24 * 3_600_000;
/** No clock looks again for a function without one: as long as a queue keeps a message. */
const REMEMBERED_MS = 14 * 24 * 3_600_000;

const seconds = (n: number): number => n * 1000;

export const limitsOf = (topology: Topology): Limits => {
  const functionOf = (name: string) => topology.functions.find((f) => f.name === name);
  // What fetches from the web may look for what is current alone: its next look repeats nothing for sure.
  const ticks = (name: string): number[] =>
    topology.clocks.filter((c) => c.function === name && !c.web).map((c) => interval(c) ?? REMEMBERED_MS);
  const soonest = (name: string): number => Math.min(REMEMBERED_MS / 2, ...ticks(name));
  return {
    message: Object.fromEntries(
      topology.mappings.map(({ queue, window }) => [
        queue,
        seconds(window + (topology.queues.find((q) => q.name === queue)?.visibility ?? 0)),
      ]),
    ),
    record: Object.fromEntries(topology.streams.map((s) => [s.name, seconds(s.seconds) + BUFFER_MS])),
    run: Object.fromEntries(
      topology.jobs.map((job) => [
        job.dataset,
        seconds(job.timeoutMinutes * 60) + soonest("advance") + seconds(functionOf("advance")?.timeout ?? 0),
      ]),
    ),
    dropped: Object.fromEntries(topology.functions.map(({ name }) => [name, 2 * soonest(name)])),
  };
};

/** Everything that is stuck, what stops most first. */
export const stuckIn = (status: Omit<Status, "stuck" | "givenUp">, limits: Limits, now: number): Stuck[] => [
  ...status.datasets.flatMap((d) => ofDataset(d, status.running, limits, now)),
  ...waiting("landed", null, status.landed.queue, status.running, limits),
  ...refused("landed", null, status.landed.deadLetters, now),
  ...status.functions.flatMap(({ name, dropped }) => lost(name, dropped, limits)),
];

const ofDataset = (d: DatasetStatus, running: boolean, limits: Limits, now: number): Stuck[] => [
  ...broken(d, running),
  ...paused(d, now),
  ...overdue(d, running, limits, now),
  ...unapplied(d, running, limits, now),
  ...held(d),
  ...failed(d, running, now),
  ...(d.queue ? waiting(d.dataset, d.dataset, d.queue, running, limits) : []),
  ...undelivered(d, running, limits),
  ...pending(d, running, limits, now),
  ...(d.deadLetters ? refused(d.dataset, d.dataset, d.deadLetters, now) : []),
  ...partial(d, now),
  ...behind(d),
];

/** A river that does not run frees itself by running; what stops one that runs, its log says. */
const going = (running: boolean, log: string): { why: string; free: string } =>
  running ? { why: "", free: log } : { why: ", and nothing is running", free: "pregao up" };

const logOf = (dataset: string | null, level: string): string =>
  `pregao tail --once --level ${level}${dataset ? ` --dataset ${dataset}` : ""}`;

const lasting = (ms: number): string => ago(new Date(0).toISOString(), ms).replace(/ ago$/, "");

const waiting = (
  queue: string,
  dataset: string | null,
  { visible, inFlight, delayed, oldestSeconds }: Queue,
  running: boolean,
  limits: Limits,
): Stuck[] => {
  const age = seconds(oldestSeconds ?? 0);
  const messages = visible + inFlight + delayed;
  if (messages === 0 || age <= (limits.message[queue] ?? Number.POSITIVE_INFINITY)) return [];
  const { why, free } = going(running, logOf(null, "WARN"));
  const cause = running ? "; their reader fails, or is behind" : why;
  const what = `${plural(messages, "message")} of ${queue} ${messages === 1 ? "waits" : "wait"}, the oldest for ${lasting(age)}${cause}`;
  return [{ code: "waiting", dataset, what, free }];
};

const undelivered = ({ dataset, firehose }: DatasetStatus, running: boolean, limits: Limits): Stuck[] => {
  const age = seconds(firehose?.oldestSeconds ?? 0);
  if (age <= (limits.record[dataset] ?? Number.POSITIVE_INFINITY)) return [];
  const { why, free } = going(running, logOf(null, "ERROR"));
  const what = `Firehose took records of ${dataset} ${lasting(age)} ago and has not delivered them${why}`;
  return [{ code: "undelivered", dataset, what, free }];
};

const pending = (d: DatasetStatus, running: boolean, limits: Limits, now: number): Stuck[] => {
  // An open run, a pause and a broken job say themselves why nothing is taken.
  if (!d.pending || d.run || d.paused || d.broken) return [];
  const { objects, oldest } = d.pending;
  if (now - Date.parse(oldest) <= (limits.run[d.dataset] ?? Number.POSITIVE_INFINITY)) return [];
  const { why, free } = going(running, logOf(null, "WARN"));
  const what = `${plural(objects, "raw object")} of ${d.dataset} ${objects === 1 ? "is" : "are"} in no run, the oldest landed ${ago(oldest, now)}${why}`;
  return [{ code: "pending", dataset: d.dataset, what, free }];
};

const overdue = ({ dataset, run }: DatasetStatus, running: boolean, limits: Limits, now: number): Stuck[] => {
  if (!run || now - Date.parse(run.opened) <= (limits.run[dataset] ?? Number.POSITIVE_INFINITY)) return [];
  const { why, free } = going(running, logOf(dataset, "WARN"));
  const job = printable(`its job is ${run.job}${run.reason ? ` (${run.reason})` : ""}`);
  const what = `run ${run.number} of ${dataset} was opened ${ago(run.opened, now)}, ${job}${why}`;
  return [{ code: "overdue", dataset, what, free }];
};

const unapplied = ({ dataset, commit }: DatasetStatus, running: boolean, limits: Limits, now: number): Stuck[] => {
  if (!commit || commit.applied) return [];
  if (now - Date.parse(commit.at) <= (limits.run[dataset] ?? Number.POSITIVE_INFINITY)) return [];
  const { why, free } = going(running, logOf(dataset, "WARN"));
  const what = `commit ${commit.number} of ${dataset} was made ${ago(commit.at, now)} and queries do not see all of it yet${why}`;
  return [{ code: "unapplied", dataset, what, free }];
};

/** The file that a job says is damaged, and what makes it anew: core/report.ts, `damage`, in the words of the engine. */
const DAMAGED = /\[base\] (\S+): ([\s\S]*?)\. What is published .*(pregao refine [\w-]+ --rebuild(?: --unit [\w.-]+)?)/;

const damaged = (dataset: string, reason: string, waits: string): Stuck[] => {
  const [, file, what, free] = DAMAGED.exec(reason) ?? [];
  if (!file || !what || !free) return [];
  const told = `a published file of ${dataset} is damaged, ${printable(`${file}: ${what}`)}; ${waits}`;
  return [{ code: "damaged", dataset, what: told, free }];
};

const broken = ({ dataset, broken }: DatasetStatus, running: boolean): Stuck[] => {
  if (!broken) return [];
  const base = damaged(dataset, broken.reason, "what arrives for it waits");
  if (base.length) return base;
  const { free } = going(running, logOf(dataset, "WARN"));
  const what = `the job of ${dataset} is broken, not an object: ${broken.runs === 1 ? "its run" : `its last ${broken.runs} runs`} failed, none was published in between; last: ${printable(broken.reason)}`;
  return [{ code: "broken", dataset, what, free }];
};

/** While every run fails it is the job that is broken, and no object. */
const failed = ({ dataset, failed, broken }: DatasetStatus, running: boolean, now: number): Stuck[] =>
  broken
    ? []
    : failed.flatMap(({ key, at, reason }) => {
        const base = damaged(dataset, reason, `${printable(key)} waits for it`);
        if (base.length) return base;
        const { free } = going(running, logOf(dataset, "WARN"));
        const what = `the job failed on ${printable(key)} ${ago(at, now)} (${printable(reason)}); it is tried again after the next run that is published, or after an hour`;
        return [{ code: "failed" as const, dataset, what, free }];
      });

const held = ({ dataset, held }: DatasetStatus): Stuck[] =>
  held.map((one) => {
    const what = `${heldName(dataset, one)} is held by ${lawsOf(one)}; publish a corrected file, or accept it as it is`;
    return { code: "held", dataset, what, free: acceptCommand(dataset, one) };
  });

const paused = ({ dataset, paused }: DatasetStatus, now: number): Stuck[] =>
  paused
    ? [
        {
          code: "paused",
          dataset,
          what: `${dataset} was paused ${ago(paused.at, now)}${paused.why ? ` (${printable(paused.why)})` : ""}: no new run is opened`,
          free: `pregao resume ${dataset}`,
        },
      ]
    : [];

const refused = (name: string, dataset: string | null, letters: DeadLetters, now: number): Stuck[] => {
  const { letters: count, looked, records, hidden, oldest } = letters;
  if (count === 0) return [];
  const what =
    looked === 0
      ? `${plural(hidden, "dead letter")} of ${name}, in the hands of another command or of one that was interrupted`
      : `${looked < count ? "more than " : ""}${plural(records, "record")} of ${name} refused, the oldest ${ago(oldest ?? "", now)}`;
  return [{ code: "refused", dataset, what, free: `pregao dlq list ${name}` }];
};

const partial = ({ dataset, partial }: DatasetStatus, now: number): Stuck[] => {
  const old = partial.filter(({ since }) => now - Date.parse(since) > DELIVERY_MS);
  return [...Map.groupBy(old, ({ origin }) => origin)].map(([origin, sessions]) => {
    const [first] = sessions;
    const others = sessions.length > 1 ? `, and not all of ${plural(sessions.length - 1, "other session")}` : "";
    const what = `of the file ${printable(origin).slice(0, 12)}${first?.part ? ` of ${printable(first.part)}` : ""}, archived ${ago(first?.since ?? "", now)}, only ${plural(first?.seen ?? 0, "row")} of ${first?.expected} of session ${printable(first?.session ?? "")} came to ${dataset}${others}`;
    return { code: "partial", dataset, what, free: `pregao verify ${dataset} --origin ${argument(origin)}` };
  });
};

const behind = ({ dataset, behind, rebuilds }: DatasetStatus): Stuck[] => {
  if (behind.length === 0 || !rebuilds) return [];
  const [first] = behind;
  const more = behind.length > 1 ? ` and ${plural(behind.length - 1, "other")}` : "";
  const what = `${plural(behind.length, "partition")} of ${dataset} ${behind.length === 1 ? "was" : "were"} made by another version of its SQL, columns or calendar: ${printable(`${first?.table} ${first?.partition}`)}${more}`;
  return [{ code: "behind", dataset, what, free: `pregao refine ${dataset} --rebuild` }];
};

const lost = (name: string, dropped: number, limits: Limits): Stuck[] => {
  if (dropped === 0) return [];
  const window = limits.dropped[name] ?? REMEMBERED_MS;
  const clock = window < REMEMBERED_MS ? `; its clock looks again within ${lasting(window / 2)}` : "";
  const what = `${plural(dropped, "event")} of the function ${name} ${dropped === 1 ? "was" : "were"} given up after the last attempt, in the last ${lasting(window)}${clock}`;
  return [{ code: "dropped", dataset: null, what, free: logOf(null, "ERROR") }];
};
