import { existsSync, linkSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Aws, connect } from "../aws/index.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { laptop, type Stage, stage as stageSchema } from "../core/stage.ts";
import { catalogueOf } from "../datasets/index.ts";
import { findSpark } from "../engines/spark/find.ts";
import { makeFolder } from "../local/folder.ts";
import { DEFAULT_ENGINE, runningStack } from "../local/lock.ts";
import { openDeployed } from "./deployed.ts";
import { guestOf } from "./guest.ts";
import { isDeployed } from "./line.ts";
import { logInto } from "./log.ts";
import type { Output } from "./output.ts";
import { type Engine, type Stack, startStack } from "./stack.ts";

/** Where a command works: a stage that answers, and how to leave it. */
export type Place = {
  aws: Aws;
  stage: Stage;
  datasets: readonly Dataset[];
  /** Athena's default database. */
  database: string;
  output: Output;
  /** The state directory of a laptop; null: a deployed stage, of which AWS alone tells. */
  dir: string | null;
  /** The stack that this process started for itself; null when it uses one that was running. */
  stack: Stack | null;
  /**
   * With `settle`, waits until what is under way in this process' own stack has settled; then until no other command
   * uses it, {@link GUESTS_MS} at most; then stops it.
   */
  close: (settle: boolean) => Promise<void>;
};

/**
 * `engine`: what runs the jobs. `existing`: the state directory must be there already: what only looks must not make one
 * and call it healthy. `web`: its clocks fetch new sessions, too, by way of `mirror`. `reads`: nothing of a deployed stage is changed, so that
 * nobody need be told which it is.
 */
export type PlaceOptions = {
  state?: string;
  stage?: string;
  layout?: string[];
  port?: number;
  still?: boolean;
  existing?: boolean;
  web?: boolean;
  mirror?: string;
  reads?: boolean;
  engine?: Engine;
};

/** The state directory of a laptop, unless told otherwise. */
export const stateDir = (options: PlaceOptions): string => resolve(options.state ?? ".pregao");

/** A deployed stage; or the stack that runs on the state directory, or one started in this process for as long as the command lasts. */
export const openPlace = async (options: PlaceOptions, output: Output): Promise<Place> => {
  if (isDeployed(options)) return openDeployed(options.stage, options, output);
  const dir = stateDir(options);
  const fresh = !existsSync(join(dir, "stage.json"));
  if (fresh && options.existing)
    throw new PregaoError(
      "no_state",
      `expected a state directory at ${dir}, there is none. Next: pregao demo, or name another with --state`,
    );
  const found = await runningStack(dir);
  const engine = found?.engine ?? DEFAULT_ENGINE;
  if (found && options.engine && options.engine !== engine)
    throw new PregaoError(
      "engine",
      `expected a river with --engine ${options.engine}, the one that runs on ${dir} (process ${found.pid}) has ${engine}: stop it, or leave --engine out`,
    );
  // Before anything is made for it.
  if (!found && options.engine === "spark") await findSpark();
  const stage = stageOn(dir, layoutsFrom(options.layout));
  const datasets = catalogueOf(stage);
  const leave = found ? await guestOf(found.url) : () => undefined;
  // It takes seconds, in which nothing else would be said.
  if (fresh && !found) output.say(`preparing a new state directory in ${dir}: the trading calendar`);
  const stack = found
    ? null
    : await startStack({
        ...{ dir, stage, port: options.port ?? 0, still: options.still && !fresh },
        ...{ web: options.web, mirror: options.mirror, engine: options.engine },
      });
  // What comes from no origin (the calendar) is made at the very first start, before anybody asks for it.
  if (stack && fresh) await settled(stack, output);
  const aws = connect(stage, { AWS_ENDPOINT_URL: (found ?? stack)!.url });
  logInto(dir);
  return {
    aws,
    stage,
    datasets,
    database: datasets.find((d) => d.raw)?.database ?? "default",
    output,
    dir,
    stack,
    close: async (settle) => {
      if (stack && settle) await settled(stack, output);
      for (const until = Date.now() + GUESTS_MS; stack && (await waitedForGuests(stack, output, until)); )
        await settled(stack, output);
      leave();
      aws.close();
      await stack?.stop();
    },
  };
};

/** The longest that a command lets others use its stack after it is done itself. */
const GUESTS_MS = 10 * 60_000;
const GUESTS_LOOK_MS = 100;

/** Whether other commands used the stack: waits for them until `until`, ms since 1970. */
const waitedForGuests = async (stack: Stack, output: Output, until: number): Promise<boolean> => {
  let waited = false;
  while (Date.now() < until && (await stack.guests()) > 0) {
    if (!waited) output.say("done, but another command uses this river: waiting for it to end. Ctrl-C ends both");
    waited = true;
    await new Promise((resolve) => setTimeout(resolve, GUESTS_LOOK_MS));
  }
  return waited;
};

/** After this long a command ends all the same: a retry that AWS's own timing puts minutes away goes on at the next start. */
const SETTLE_MS = 60_000;

const settled = async (stack: Stack, output: Output): Promise<void> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), SETTLE_MS);
  });
  if ((await Promise.race([stack.idle(), late])) === "late")
    output.say(
      `still under way after ${SETTLE_MS / 1000} s; nothing is lost, it goes on at the next start. Next: pregao up, pregao status`,
    );
  clearTimeout(timer);
};

/** What a state directory was made for; made now if it is new. Its layouts cannot change under its files. */
export const stageOn = (dir: string, layouts: Stage["layouts"]): Stage => {
  const file = join(dir, "stage.json");
  if (!existsSync(file)) createStage(dir, file, layouts);
  const stage = readStage(file);
  for (const [table, partitions] of Object.entries(layouts))
    if (stage.layouts[table]?.join() !== partitions.join())
      throw new PregaoError(
        "layout",
        `${dir} holds ${table} by ${stage.layouts[table]?.join(", ") ?? "its declared partitions"}, came --layout ${table}=${partitions.join(",")}: use another --state, or pregao reset`,
      );
  return stage;
};

/** Appears whole or not at all; of two first commands at once, one writes it and both read it. */
const createStage = (dir: string, file: string, layouts: Stage["layouts"]): void => {
  const stage = laptop(layouts);
  catalogueOf(stage);
  const draft = `${file}.${process.pid}`;
  try {
    makeFolder(dir);
    const foreign = readdirSync(dir).find((name) => !name.startsWith("stage.json"));
    if (foreign !== undefined)
      throw new PregaoError(
        "state",
        `expected ${dir} to be new, empty or a state directory of pregao; it holds ${foreign}. Choose another --state`,
      );
    writeFileSync(draft, `${JSON.stringify(stage, null, 2)}\n`);
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    if (error instanceof PregaoError) throw error;
    throw new PregaoError(
      "state",
      `expected a state directory that can be made at ${dir}: ${(error as Error).message}; put that right, or choose another --state`,
    );
  } finally {
    rmSync(draft, { force: true });
  }
};

const readStage = (file: string): Stage => {
  try {
    return stageSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch {
    throw new PregaoError(
      "state",
      `expected ${file} to say what the state directory is for, it cannot be read: restore it, or choose another --state`,
    );
  }
};

const layoutsFrom = (options: readonly string[] = []): Stage["layouts"] =>
  Object.fromEntries(
    options.map((option) => {
      const [table, partitions] = option.split("=");
      if (!table || !partitions)
        throw new PregaoError("usage", `expected --layout TABLE=COLUMN,COLUMN, came ${option}`);
      return [table, partitions.split(",")];
    }),
  );
