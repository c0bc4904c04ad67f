import type { Outgoing } from "../../packages/aws/queues.ts";
import { list, put } from "../../packages/aws/store.ts";
import type { Runtime } from "../../packages/local/lambda.ts";
import { random } from "../synthetic.ts";
import { compare, compareLanded, type Difference, expected } from "./index.ts";
import { inputsOf, openRiver, type River, type Shape, sendBodies, shuffled, snapshot } from "./river.ts";

/** What comes in between: bells that are lost or rung twice, and callers who were not called. */
export type Disorder = {
  seed: number;
  shape: Shape;
  /** Parts of the messages sent one after the other, each settled before the next or not. */
  parts: number;
  /** Times that a message is sent, at most. */
  times: number;
  /** Parts of the bells of `landed` that are lost, or rung twice. */
  lost: number;
  doubled: number;
  /** Callers of `advance` at once, after every part. */
  callers: number;
  /** Raw objects besides, in every part, that nobody can read. */
  unreadable: number;
};

export type Ran = {
  tables: Record<string, string>;
  differences: Difference[];
  objects: number;
  runs: number;
  bells: { lost: number; doubled: number };
};

/** One after the other, each once, every bell heard. */
export const plainly: Disorder = {
  seed: 0,
  shape: { batch: 1000 },
  parts: 1,
  times: 1,
  lost: 0,
  doubled: 0,
  callers: 0,
  unreadable: 0,
};

/** Around `advance`: what S3 and the job say of themselves is lost or said twice. A clock or a person is always heard. */
const bells =
  (next: () => number, disorder: Pick<Disorder, "lost" | "doubled">, counts: Ran["bells"]) =>
  (runtime: Runtime): Runtime => ({
    ...runtime,
    invoke: async (name, event, requestId) => {
      const bell = name === "advance" && event.includes('"Records"');
      if (!bell) return runtime.invoke(name, event, requestId);
      const dice = next();
      if (dice < disorder.lost) {
        counts.lost++;
        return { ok: true, result: "null", requestId: "lost" };
      }
      if (dice > 1 - disorder.doubled) {
        counts.doubled++;
        const [first] = await Promise.all([
          runtime.invoke(name, event, requestId),
          runtime.invoke(name, event, requestId),
        ]);
        return first;
      }
      return runtime.invoke(name, event, requestId);
    },
  });

/** Sends messages in disorder, and says what the tables are once all has settled, and where they differ from the oracle. */
export const inDisorder = async (sent: readonly Outgoing[], disorder: Disorder): Promise<Ran> => {
  const next = random(disorder.seed);
  const copies = sent.flatMap((m) => Array.from({ length: 1 + Math.floor(next() * disorder.times) }, () => m));
  const all = shuffled(copies, next);
  const size = Math.ceil(all.length / disorder.parts);
  const parts = Array.from({ length: disorder.parts }, (_, i) => all.slice(i * size, (i + 1) * size));
  return inParts(parts, disorder);
};

/** The same, in parts that are given. */
export const inParts = async (parts: readonly (readonly Outgoing[])[], disorder: Disorder): Promise<Ran> => {
  const next = random(disorder.seed);
  const counts = { lost: 0, doubled: 0 };
  const river = await openRiver(disorder.shape, { around: bells(random(disorder.seed + 1), disorder, counts) });
  try {
    const refused: string[] = [];
    for (const part of parts) {
      await sendBodies(river, part);
      for (let i = 0; i < disorder.unreadable; i++) refused.push(`key ${await landUnreadable(river, refused.length)}`);
      if (next() < 0.5) await river.stack.idle();
      await callers(river, disorder.callers);
    }
    // A lost bell is what the clock is for.
    await settle(river);
    return {
      tables: await snapshot(river),
      differences: [
        ...(await compare(river, expected(inputsOf(parts.flat())))),
        ...(await compareLanded(river, refused)),
      ],
      ...(await figures(river)),
      bells: counts,
    };
  } finally {
    await river.close();
  }
};

/** Of no ingest date, so that it is in no partition: a query over raw must not read it either. @returns its key. */
const landUnreadable = async ({ aws }: River, n: number): Promise<string> => {
  const key = `raw/bovespa/unreadable-${n}.parquet`;
  await put(aws, "lake", key, `no Parquet, the ${n}th`);
  return key;
};

const callers = async (river: River, count: number): Promise<void> => {
  await Promise.all(Array.from({ length: count }, () => river.stack.invoke("advance", { datasets: ["bovespa"] })));
};

/** Until the clock has nothing left to do: every object that landed is in a commit. */
const settle = async (river: River): Promise<void> => {
  for (let before = -1; ; ) {
    await river.stack.idle();
    await callers(river, 1);
    await river.stack.idle();
    const { runs } = await figures(river);
    if (runs === before) return;
    before = runs;
  }
};

const figures = async ({ aws }: River): Promise<{ objects: number; runs: number }> => ({
  objects: await countOf(aws, "lake", "raw/bovespa/"),
  runs: await countOf(aws, "state", "commits/bovespa/"),
});

const countOf = async (aws: River["aws"], bucket: "lake" | "state", prefix: string): Promise<number> => {
  let count = 0;
  for await (const _ of list(aws, bucket, prefix)) count++;
  return count;
};
