import type { Context } from "aws-lambda";
import { openRiver } from "../../functions/river.ts";
import type { Aws } from "../../packages/aws/index.ts";
import { environment } from "../../packages/core/stage.ts";
import { batchCalls } from "./batches.ts";
import { fair, type RequestFault } from "./faults.ts";
import { openWorld, stage, template, temporary, type World } from "./world.ts";

/** Not a word of a step's own: what its caller sees. `again`: it did not acknowledge, and the next call finished. */
export type Ended = "unseen" | "again";

export type Cell = { call: string; fault: RequestFault; many: boolean; expected: Ended };

/** A situation with something to do in it. */
export type Situation = {
  /** One invocation, with so much time; false, or a throw, is "not acknowledged". */
  act: (ms: number) => Promise<boolean>;
  /** What there is, and what there must be: equal, whatever went wrong before. */
  outcome: () => Promise<{ is: unknown; must: unknown }>;
};

/** What a step asks AWS for, in the order in which it does; and what it has to do in its n-th situation. */
export type Step = {
  calls: readonly string[];
  /** Calls of which two kinds of fault are played instead of all: there are many alike. */
  briefly?: (call: string) => boolean;
  /** What is otherwise than usual, by `call fault one|many`, and why. */
  but?: Readonly<Record<string, Ended>>;
  /** The time of an invocation in which a batch call fails for ever, if its way to it is a long one. */
  shortMs?: number;
  situation: (world: World, n: number) => Promise<Situation>;
};

/** So much that no step runs out of it, unless it is one that tries again until its time is over. */
const AMPLE_MS = 20_000;
const SHORT_MS = 700;
/** What a silent server costs. */
const SILENT_MS = 400;

/** A river in which nothing starts by itself: the test is the only caller of every function, in this process. */
export const openMatrix = async (): Promise<World> => {
  const from = temporary("template");
  await template(from.dir);
  const world = await openWorld({
    from: from.dir,
    seed: 1,
    silentMs: SILENT_MS,
    change: (shape) => ({ ...shape, mappings: [], notices: [] }),
  });
  from.remove();
  // As Lambda gives them; the handlers here are the very modules that it loads.
  Object.assign(process.env, environment(stage), {
    AWS_ENDPOINT_URL: world.proxy.url,
    AWS_ACCESS_KEY_ID: "local",
    AWS_SECRET_ACCESS_KEY: "local",
    PREGAO_SILENT_MS: String(SILENT_MS),
  });
  return world;
};

/** Of an invocation that has so much time: what a handler keeps for its answer comes on top. */
export const context = (ms: number): Context => {
  const end = Date.now() + ms + 2_000;
  return { getRemainingTimeInMillis: () => end - Date.now() } as Context;
};

const READ = /^(Get|List)/;

/** Every fault that suits a call. Silence once only: many a time it is a cut, and each takes a client's whole patience. */
const faultsOf = (call: string, many: boolean, briefly: boolean): RequestFault[] => {
  const [operation = ""] = call.split(" ");
  if (briefly) return ["error", READ.test(operation) ? "torn" : "cut"];
  return [
    "throttle",
    "error",
    "reset",
    "cut",
    ...(many ? [] : (["silence"] as const)),
    ...(READ.test(operation) ? (["torn"] as const) : []),
    ...(batchCalls[operation] ? (["partial", "misreport"] as const) : []),
  ];
};

/**
 * All cells of a step. One fault is borne by the next attempt; faults without end are not: then nothing is acknowledged,
 * and the next invocation finishes what there is.
 */
export const cellsOf = (step: Step): Cell[] =>
  step.calls.flatMap((call) =>
    [false, true].flatMap((many) =>
      faultsOf(call, many, step.briefly?.(call) ?? false).map((fault): Cell => {
        const usual = many ? "again" : "unseen";
        return { call, fault, many, expected: step.but?.[`${call} ${fault} ${many ? "many" : "one"}`] ?? usual };
      }),
    ),
  );

export const nameOf = ({ call, fault, many, expected }: Cell): string =>
  `${call}: ${fault}, ${many ? "many times" : "once"}: ${expected === "unseen" ? "the next attempt does it, unseen" : "nothing is acknowledged, the next call finishes"}`;

/**
 * The SDK's clients bear some 40 failures and then none, until many calls went well; those of a new process bear them
 * anew. Each cell is a new process.
 */
const refresh = async (aws: Aws): Promise<void> => {
  for (const client of [aws.s3, aws.sqs, aws.firehose, aws.glue, aws.athena])
    Object.assign(await client.config.retryStrategy(), { capacity: 500 });
};

/** Plays a cell: the step in bad weather, and again in fair weather unless it acknowledged. */
export const play = async (
  world: World,
  step: Step,
  { call, fault, many }: Cell,
  n: number,
): Promise<{ ended: Ended; seen: number; is: unknown; must: unknown }> => {
  world.proxy.weather(fair);
  await refresh(openRiver().aws);
  await refresh(world.aws);
  const { act, outcome } = await step.situation(world, n);
  const from = world.proxy.count(call);
  const before = world.trace.length;
  world.proxy.weather((name, at) => (name === call && (many || at === from) ? fault : null));
  const tireless = batchCalls[call.split(" ")[0] ?? ""] !== undefined;
  const first = await act(tireless && many ? (step.shortMs ?? SHORT_MS) : AMPLE_MS).catch(() => false);
  world.proxy.weather(fair);
  const seen = world.trace.length - before;
  if (!first && !(await act(AMPLE_MS))) throw new Error("in fair weather, it did not finish either");
  return { ended: first ? "unseen" : "again", seen, ...(await outcome()) };
};
