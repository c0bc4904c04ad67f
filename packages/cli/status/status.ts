import { type Measured, measure } from "../../aws/metrics.ts";
import { type Depth, depth } from "../../aws/queues.ts";
import type { Commit } from "../../core/commit.ts";
import type { Paused } from "../../core/run.ts";
import { TICKS, topology } from "../../core/topology.ts";
import type { Place } from "../place.ts";
import { queueOf, statusOf } from "./dataset.ts";
import { deadLettersOf } from "./letters.ts";
import { screenOf } from "./screen.ts";
import { type Limits, limitsOf, type Stuck, stuckIn } from "./stuck.ts";

/** Instants are ISO 8601, UTC. */
export type Status = {
  stage: string;
  account: string;
  region: string;
  /** The state directory; null: a deployed stage. */
  state: string | null;
  /** Of the river that runs; null if none does. */
  endpoint: string | null;
  /** Whether something goes on by itself: on a laptop, whether a river runs on the state directory. */
  running: boolean;
  datasets: DatasetStatus[];
  landed: { queue: Queue; deadLetters: DeadLetters };
  functions: FunctionStatus[];
  /** Clocks' looks for files that were given up, and ticks that nobody took: the letters in the queue that has both. */
  givenUp: { queue: string; letters: number };
  stuck: Stuck[];
};

/** Messages, those in flight included in the age of the oldest, in seconds; null: not measured lately. */
export type Queue = Depth & { oldestSeconds: number | null };

export type FunctionStatus = {
  name: string;
  /** Asynchronous events given up in the last `windowSeconds`. */
  dropped: number;
  windowSeconds: number;
};

export type DeadLetters = {
  /** In the queue; one that is there twice counts once among those that were looked at. */
  letters: number;
  /** Of so many the reasons were read, the records counted. */
  looked: number;
  records: number;
  /** In the hands of another command, so that their reasons could not be read. */
  hidden: number;
  /** When the oldest was first seen. */
  oldest: string | null;
  /** Records by reason. */
  reasons: Record<string, number>;
  /** Those archived in the lake, where `dlq` finds them. */
  archived: number;
};

export type DatasetStatus = {
  dataset: string;
  /** The last session published, its age in days, and how many sessions before today's are newer; in São Paulo. */
  session: { last: string; days: number; behind: number } | null;
  /** The clocks' looks for files of the origin: the next one, and the sessions of the last week that must be published by
   * now and are not, with the command that brings them; null: no clock looks for files of this dataset. */
  looks: { next: string; missing: string[]; fill: string | null } | null;
  /** The newest commit; `applied`: whether queries see it. */
  commit: {
    number: number;
    status: Commit["status"];
    at: string;
    reason: string | null;
    applied: boolean;
  } | null;
  paused: Paused | null;
  /** The open run: since when, how many jobs were started for it, and how the newest stands. */
  run: {
    number: number;
    opened: string;
    rebuild: boolean;
    objects: number;
    attempts: number;
    job: string;
    reason: string | null;
  } | null;
  queue: Queue | null;
  /** What Firehose took and has not delivered: the age of its oldest record; null: nothing waits there. */
  firehose: { oldestSeconds: number | null } | null;
  /** Raw objects that no run has settled or holds and that have not failed. */
  pending: { objects: number; bytes: number; oldest: string } | null;
  /** What laws hold: raw objects, or of a dataset that has none its whole run (`key` null). */
  held: { key: string | null; findings: Commit["held"][number]["findings"] }[];
  failed: { key: string; at: string; reason: string }[];
  /** Every run fails: how many in a row, nothing published or held in between. */
  broken: { runs: number; reason: string } | null;
  /** Partitions that another recipe than today's made; `rebuilds`: only a person's word makes them anew. */
  behind: { table: string; partition: string }[];
  rebuilds: boolean;
  /** Files of which not every row of a session came; `part`: whose series it is, where the dataset has series. */
  partial: { session: string; origin: string; part: string | null; expected: number; seen: number; since: string }[];
  deadLetters: DeadLetters | null;
};

/** `pregao status`: what is published, what is under way, what is stuck. Exit status 1 if anything is. */
export const status = async (place: Place, now = Date.now()): Promise<void> => {
  const built = topology(place.datasets, place.stage.pace);
  const limits = limitsOf(built);
  const queued = place.datasets.filter((d) => d.raw).map((d) => d.name);
  const since = (name: string) => now - (limits.dropped[name] ?? 0);
  const measured = await measure(
    place.aws,
    {
      queues: [...queued, "landed"],
      streams: queued,
      functions: Object.fromEntries(built.functions.map(({ name }) => [name, since(name)])),
    },
    now,
  );
  const [datasets, queue, deadLetters, failed] = await Promise.all([
    Promise.all(place.datasets.map((d) => statusOf(place, d, measured, built, now))),
    queueOf(place, "landed", measured),
    deadLettersOf(place, "landed"),
    depth(place.aws, TICKS.failed),
  ]);
  const found = {
    ...{ stage: place.stage.name, account: place.stage.account, region: place.stage.region },
    state: place.dir,
    endpoint: place.stack ? null : (place.aws.endpoint ?? null),
    running: !place.stack,
    datasets,
    landed: { queue, deadLetters },
    functions: functionsOf(measured, limits),
    givenUp: { queue: TICKS.failed, letters: failed.visible + failed.inFlight },
  };
  const whole: Status = { ...found, stuck: stuckIn(found, limits, now) };
  place.output.result(whole, () => screenOf(whole, now));
  if (whole.stuck.length) process.exitCode = 1;
};

const functionsOf = ({ dropped }: Measured, limits: Limits): FunctionStatus[] =>
  Object.entries(dropped).map(([name, n]) => ({
    name,
    dropped: n,
    windowSeconds: Math.round((limits.dropped[name] ?? 0) / 1000),
  }));
