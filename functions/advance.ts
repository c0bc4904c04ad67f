import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import { newestCommit } from "../packages/aws/documents.ts";
import type { Aws } from "../packages/aws/index.ts";
import { send } from "../packages/aws/queues.ts";
import { recall } from "../packages/aws/recall.ts";
import { deadline } from "../packages/aws/retry.ts";
import { books } from "../packages/aws/runs.ts";
import { type Rested, advance as walk } from "../packages/core/advance.ts";
import type { Commit } from "../packages/core/commit.ts";
import type { Dataset } from "../packages/core/dataset.ts";
import { nothing, shapeOf, type Wish } from "../packages/core/facts.ts";
import { behind, planRebuild, unitsOf } from "../packages/core/rebuild.ts";
import { recipeOf } from "../packages/core/recipe.ts";
import { type Before, rejectBody, unwrap } from "../packages/core/reject.ts";
import { bucket, logicalName, type Stage } from "../packages/core/stage.ts";
import { log } from "./log.ts";
import { datasetNamed, digest, openRiver } from "./river.ts";
import { tellPublished, tellStanding } from "./sessions.ts";

export type AdvanceOptions = {
  /** When to stop, ms since 1970; in 5 minutes if absent. */
  until?: number;
  /** Raw keys that a bell named: those that landed late are known by it alone. */
  named?: readonly string[];
  /** Look at every raw object there is; weekly, for late ones whose bell was lost. */
  full?: boolean;
  /** What a person asks for: units to make anew from raw, one run each, or that what is held be tried again. */
  wish?: Wish;
};

const PATIENCE_MS = 5 * 60_000;

/**
 * Does for a dataset what is to be done: applies, commits, starts, opens, until nothing is. Safe to call by anybody, at
 * any time, any number of times at once. It throws when a store fails, and `rebuild` when a unit cannot be made anew
 * (rebuild.ts); what was done stays done.
 */
export const advance = async (aws: Aws, dataset: Dataset, options: AdvanceOptions = {}): Promise<Rested> => {
  const { until = Date.now() + PATIENCE_MS, named = [], full = false, wish = {} } = options;
  const recipe = recipeFor(dataset);
  const shape = shapeOf(dataset, recipe.sha256);
  const { eyes, hands } = books(aws, { dataset, shape, ...recipe, digest, named, full, until });
  const note = (level: "INFO" | "WARN" | "ERROR", message: string, metadata: Record<string, unknown>) =>
    log(level, "advance", message, metadata);
  const published: Commit[] = [];
  const commit: typeof hands.commit = async (document) => {
    const made = await hands.commit(document);
    if (made === "created" && document.status === "published") published.push(document);
    return made;
  };
  const end = await walk(eyes, { ...hands, commit }, shape, { until, now: Date.now, note, named, wish });
  for (const document of published) await tellPublished(aws, dataset, document);
  return end;
};

/** The newest commit of a dataset, the units it has, and its partitions that another recipe than today's made. */
export const standing = async (
  aws: Aws,
  dataset: Dataset,
): Promise<{ commit: Commit | null; units: string[]; behind: ReturnType<typeof behind> }> => {
  const commit = await newestCommit(aws, dataset.name);
  return {
    commit,
    units: unitsOf(commit, dataset.unit?.partition ?? null),
    behind: commit ? behind(commit, recipeFor(dataset).sha256) : [],
  };
};

/**
 * Whether these units, as far as there are any of them, can be made anew: before something is done that a rebuild must
 * follow. One that would have to wait can.
 * @throws PregaoError `rebuild` as the rebuild of the first that cannot would
 */
export const mustRebuild = async (aws: Aws, dataset: Dataset, units: readonly string[]): Promise<void> => {
  const { commit, units: there } = await standing(aws, dataset);
  const asked = units.filter((unit) => there.includes(unit));
  if (asked.length === 0) return;
  const recalled = await recall(aws, dataset.name, commit);
  const shape = shapeOf(dataset, recipeFor(dataset).sha256);
  for (const unit of asked) planRebuild({ ...nothing, commit, now: Date.now() }, recalled, shape, unit);
};

type Made = ReturnType<typeof recipeOf> & { sha256: string };
const recipes = new WeakMap<Dataset, Made>();

/** A dataset's recipe; made once while the function is warm. Its digest is that of the document as it is stored. */
const recipeFor = (dataset: Dataset): Made => {
  const known = recipes.get(dataset);
  if (known) return known;
  const made = recipeOf(dataset, digest);
  const whole = { ...made, sha256: digest(JSON.stringify(made.recipe)) };
  recipes.set(dataset, whole);
  return whole;
};

export type Clock = { datasets: string[]; full?: boolean };

/**
 * Every bell only rings: what is to be done is read from the stores. A bell is acknowledged when each dataset it names
 * has come to rest; a clock's call throws instead, and the next one goes on.
 */
export const handler = async (event: SQSEvent | Clock, context: Context): Promise<SQSBatchResponse | undefined> => {
  const { aws, datasets } = openRiver();
  const until = deadline(context);
  if ("datasets" in event) {
    const rung = event.datasets.map((name) => datasetNamed(datasets, name));
    const ends = await Promise.all(rung.map((dataset) => ring(aws, dataset, { until, full: event.full ?? false })));
    if (Date.now() < until) for (const dataset of rung) await tellStanding(aws, datasets, dataset, Date.now());
    if (ends.includes(null)) throw new Error("not every dataset came to rest; the next call goes on");
    return;
  }
  const bells = event.Records.map(({ messageId, body, attributes }) => {
    const bell = { messageId, sentAt: Number(attributes.SentTimestamp), ...bellIn(body) };
    return { ...bell, ...readBell(aws.stage, datasets, bell.body) };
  });
  const rung = new Map<string, Rested | null>();
  const names = [...new Set(bells.flatMap((bell) => bell.for))];
  await Promise.all(
    names.map(async (name) => {
      const named = [...new Set(bells.flatMap((bell) => bell.keys.filter((key) => key.startsWith(`raw/${name}/`))))];
      rung.set(name, await ring(aws, datasetNamed(datasets, name), { until, named }));
    }),
  );
  const refused = new Map(
    await Promise.all(
      bells
        .filter((bell) => bell.problem !== null)
        .map(async (bell) => [bell.messageId, await refuse(aws, bell, until)] as const),
    ),
  );
  const back = bells.filter((bell) => {
    if (bell.problem !== null) return !refused.get(bell.messageId);
    return bell.for.some((name) => {
      const end = rung.get(name);
      return !end?.rested || bell.keys.some((key) => end.owed.includes(key));
    });
  });
  return { batchItemFailures: back.map(({ messageId }) => ({ itemIdentifier: messageId })) };
};

/** One dataset's trouble is not the others': null when it failed or had no time left. */
const ring = async (aws: Aws, dataset: Dataset, options: AdvanceOptions): Promise<Rested | null> => {
  try {
    const end = await advance(aws, dataset, options);
    if (!end.rested) log("WARN", "advance", end.why, { dataset: dataset.name, rounds: end.rounds });
    return end.rested ? end : null;
  } catch (error) {
    const { name, message } = error as Error;
    log("ERROR", "advance", "stopped by an error; the next bell goes on", {
      dataset: dataset.name,
      error: name,
      detail: message,
    });
    return null;
  }
};

export type Bell = { for: string[]; keys: string[]; problem: string | null };

/** What a message of the queue `landed` rings for. One that nobody understands is a problem, and goes to a person. */
export const readBell = (stage: Stage, datasets: readonly Dataset[], body: string): Bell => {
  const problem = (text: string): Bell => ({ for: [], keys: [], problem: text });
  // Anybody may have written it: `unknown` is text only when `textIn` says so.
  type Notice = {
    Event?: unknown;
    Records?: ({ s3?: { bucket?: { name?: unknown }; object?: { key?: unknown } } } | null)[];
    source?: unknown;
    detail?: { jobName?: unknown };
  };
  let notice: Notice | null;
  try {
    notice = JSON.parse(body) as Notice | null;
  } catch {
    return problem("expected JSON");
  }
  if (notice?.Event === "s3:TestEvent") return { for: [], keys: [], problem: null };
  if (notice?.source === "aws.glue") {
    const job = textIn(notice.detail?.jobName, JOB_CHARACTERS);
    const dataset = datasets.find((d) => job && `refine-${d.name}` === logicalName(stage, job));
    return dataset
      ? { for: [dataset.name], keys: [], problem: null }
      : problem(`expected a job of a dataset, came ${shown(job)}`);
  }
  if (!Array.isArray(notice?.Records) || notice.Records.length === 0)
    return problem("expected an S3 notification or a Glue job event");
  const bell: Bell = { for: [], keys: [], problem: null };
  for (const record of notice.Records) {
    const key = decodeKey(record?.s3?.object?.key);
    const there = textIn(record?.s3?.bucket?.name, BUCKET_CHARACTERS);
    const dataset = datasets.find((d) => d.raw && key?.startsWith(`raw/${d.name}/`));
    if (there !== bucket(stage, "lake") || !key || !dataset)
      return problem(
        `expected an object of a dataset under raw/ in the lake, came ${shown(key)} in the bucket ${shown(there)}`,
      );
    bell.for.push(dataset.name);
    bell.keys.push(key);
  }
  return { ...bell, for: [...new Set(bell.for)] };
};

/** Amazon's own limits of names: Glue's of a job, S3's of a bucket (characters) and of a key (bytes of UTF-8). */
const JOB_CHARACTERS = 255;
const BUCKET_CHARACTERS = 63;
const KEY_BYTES = 1024;

const textIn = (value: unknown, most: number): string | null =>
  typeof value === "string" && value.length <= most ? value : null;

const shown = (text: string | null): string => text?.slice(0, 100) ?? "none that could be read";

/** Keys in notifications are form-encoded with `/` kept. One that S3 cannot have is null: asking for it would fail. */
const decodeKey = (written: unknown): string | null => {
  try {
    const key = decodeURIComponent((textIn(written, 3 * KEY_BYTES) ?? "").replaceAll("+", " "));
    return key.isWellFormed() && Buffer.byteLength(key) <= KEY_BYTES ? key : null;
  } catch {
    return null;
  }
};

/** A bell as it came first: one that a replay sent again is in its dead letter, and goes on with its history. */
export const bellIn = (body: string): { body: string; before?: Before } => {
  try {
    const wrapped = unwrap(JSON.parse(body));
    return wrapped ? { body: wrapped.body, before: wrapped } : { body };
  } catch {
    return { body };
  }
};

type Refused = { body: string; before?: Before; sentAt: number; problem: string | null };

/** Whether the dead-letter queue took it. However often it is refused, its letter is the same: first seen when sent. */
const refuse = async (aws: Aws, { body, before, sentAt, problem }: Refused, until: number): Promise<boolean> => {
  const message = problem ?? "";
  const cause = { reason: "no_bell", message, path: "", seen: new Date(sentAt).toISOString() };
  const letter = rejectBody({ name: "landed" }, body, cause, digest, before);
  const [sent] = await send(aws, "landed-dlq", [letter], { until });
  log("WARN", "advance", "a message that is no bell was rejected", { problem, accepted: sent?.outcome === "accepted" });
  return sent?.outcome === "accepted";
};
