import { PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { scrape } from "../../functions/messages.ts";
import { inMemory } from "../../functions/origin.ts";
import { send } from "../../packages/aws/queues.ts";
import { list } from "../../packages/aws/store.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { archived, compare, type Difference, expected } from "../oracle/index.ts";
import { batchCalls } from "./batches.ts";
import {
  type CallFault,
  callFaults,
  dice,
  fair,
  type RequestFault,
  requestFaults,
  seeded,
  type Trace,
} from "./faults.ts";
import { inputsOf } from "./inputs.ts";
import { openWorld, type World } from "./world.ts";

const REQUEST_RATE = 0.05;
const CALL_RATE = 0.15;
/** A person gives up some time; with these rates nobody must. */
const PATIENCE = 40;
/** How long bad weather may last, once all was sent. */
const STORM_MS = 2_500;
/** Rounds of the clocks after it. Each finds what the one before it left. */
const ROUNDS = 12;

/** What a request of this name can suffer. */
const ofRequest = (name: string): readonly RequestFault[] => {
  const operation = name.slice(0, name.indexOf(" ") < 0 ? undefined : name.indexOf(" "));
  const isBatch = batchCalls[operation] !== undefined;
  return requestFaults.filter((fault) => isBatch || (fault !== "partial" && fault !== "misreport"));
};
/** A queue loses no message: the notifications that may be lost are those that only ring. */
const ofCall = (name: string): readonly CallFault[] => callFaults.filter((f) => name !== "consume" || f !== "lost");

export type Outcome = { seed: number; trace: Trace; differences: Difference[]; problems: string[]; ms: number };

/** One seed, from an empty river on a copy of `template` to the oracle's verdict. */
export const runSeed = async (seed: number, template: string): Promise<Outcome> => {
  const started = performance.now();
  const world = await openWorld({ from: template, seed });
  const problems: string[] = [];
  try {
    const inputs = await inputsOf(seed);
    world.proxy.weather(seeded(seed, REQUEST_RATE, ofRequest));
    world.calls.weather(seeded(seed, CALL_RATE, ofCall));
    await sendAll(world, seed, inputs);
    await Promise.race([world.stack.idle(), new Promise((resolve) => setTimeout(resolve, STORM_MS).unref())]);
    world.proxy.weather(fair);
    world.calls.weather(fair);
    problems.push(...(await settle(world)));

    const { plain } = world;
    const must = expected([
      ...(await Promise.all(inputs.files.map((file) => archived(plain, file)))),
      ...inputs.messages.map(({ body }) => ({ message: body })),
    ]);
    for (const line of inputs.unconvertible)
      must.letters.push({
        reason: "DataFormatConversion.ParseError",
        ticker: "unreadable",
        records: [JSON.stringify(line)],
        about: "",
      });
    const differences = await compare({ aws: plain, database: bovespa.database }, must, { most: 20 });
    return { seed, trace: world.trace, differences, problems, ms: performance.now() - started };
  } finally {
    await world.close();
  }
};

/** Everything, in an order of the seed's own, some of it twice, two at a time; each repeated until it was accepted. */
const sendAll = async (world: World, seed: number, inputs: Awaited<ReturnType<typeof inputsOf>>): Promise<void> => {
  const { aws } = world;
  const next = dice(seed, "order");
  const once = [
    ...inputs.files.map((file) => () => sendFile(world, file)),
    ...inputs.messages.map((message) => async () => {
      const [sent] = await send(aws, "bovespa", [message], { until: Date.now() + 2_000 });
      return sent?.outcome === "accepted";
    }),
    ...inputs.unconvertible.map((line) => async () => {
      const Records = [{ Data: Buffer.from(`${line}\n`) }];
      const answer = await aws.firehose.send(new PutRecordBatchCommand({ DeliveryStreamName: "bovespa", Records }));
      return answer.FailedPutCount === 0;
    }),
  ];
  const tasks = once.flatMap((task) => (next() < 0.3 ? [task, task] : [task]));
  const order = tasks.map((task) => ({ task, at: next() })).sort((a, b) => a.at - b.at);
  const sender = async () => {
    for (let one = order.pop(); one; one = order.pop()) await untilAccepted(one.task);
  };
  await Promise.all([sender(), sender()]);
};

const sendFile = async ({ aws }: World, file: Uint8Array): Promise<boolean> => {
  const { accepted, rows } = await scrape(
    aws,
    bovespa,
    { source: "seed.txt", bytes: inMemory(file) },
    {},
    Date.now() + 5_000,
  );
  return accepted.rows === rows;
};

const untilAccepted = async (task: () => Promise<boolean>): Promise<void> => {
  let last: unknown;
  for (let attempt = 0; attempt < PATIENCE; attempt++)
    try {
      if (await task()) return;
    } catch (error) {
      last = error;
    }
  throw new Error(`never accepted in ${PATIENCE} attempts`, { cause: last });
};

/** What lies in the stores that only the river's own steps write. */
const written = async ({ plain }: World): Promise<string> => {
  const keys: string[] = [];
  for (const prefix of ["commits/", "salvaged/"])
    for await (const { key } of list(plain, "state", prefix)) keys.push(key);
  return keys.join();
};

/**
 * In fair weather: the clocks as topology.ts has them, called until a round of all of them changes nothing.
 * @returns what did not come to rest.
 */
const settle = async (world: World): Promise<string[]> => {
  const { stack } = world;
  const clocks = [
    ["salvage", { datasets: ["bovespa"] }],
    ["advance", { datasets: ["bovespa", "calendario"] }],
    ["advance", { datasets: ["bovespa"], full: true }],
  ] as const;
  let before = "";
  let refused: string[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await stack.idle();
    refused = [];
    for (const [name, event] of clocks) {
      const end = await stack.invoke(name, event);
      if (!end.ok) refused.push(`${name}: ${end.error.errorMessage}`);
      await stack.idle();
    }
    const now = await written(world);
    if (refused.length === 0 && now === before) return [];
    before = now;
  }
  return [`the clocks change something still after ${ROUNDS} rounds`, ...refused];
};

/** How to see it again. */
export const replay = ({ seed, trace, differences, problems }: Outcome): string =>
  [
    `seed ${seed}: ${differences.length} differences, ${problems.length} problems`,
    ...problems,
    ...differences.map((d) =>
      `  ${d.table} ${d.key} ${d.column}: expected ${d.expected}, came ${d.came}`.slice(0, 400),
    ),
    "what happened:",
    ...trace.map(({ name, n, fault }) => `  ${fault} ${name} #${n}`),
    `again: PREGAO_SEED=${seed} npx vitest run test/faults/seeds.test.ts`,
  ].join("\n");

/** How often each fault was seen, alone and as one of a burst. */
export const tally = (outcomes: readonly Outcome[]): Record<string, { one: number; many: number }> => {
  const counts = Object.fromEntries([...requestFaults, ...callFaults].map((f) => [f, { one: 0, many: 0 }]));
  for (const { trace } of outcomes) for (const { fault, burst } of trace) counts[fault]![burst ? "many" : "one"]++;
  return counts;
};

export const summary = (outcomes: readonly Outcome[]): string => {
  const counts = Object.entries(tally(outcomes)).map(([fault, { one, many }]) => `${fault} ${one}+${many}`);
  const seconds = outcomes.reduce((sum, o) => sum + o.ms, 0) / 1000;
  return `${outcomes.length} seeds, ${(seconds / outcomes.length).toFixed(1)} s each; faults seen (first of its kind + following): ${counts.join(", ")}`;
};
