import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cargo, client, idle, ingest, picture, tally, type template, type Up, up } from "./river.ts";

/** Rows of a session of what is ingested: several messages of every kind, and a cycle is short. */
const ROWS = 150;
export const bytes = cargo(ROWS);

type Template = Awaited<ReturnType<typeof template>>;
export type Picture = Awaited<ReturnType<typeof picture>>;
/** A point and the pass at which the process is killed. */
export type Point = { name: string; pass: number };

/**
 * The river undisturbed: what it ends with, and every point that an ingest passes, with how often. `starting` are those
 * that a start passes before it answers.
 */
export const undisturbed = async (of: Template) => {
  const folder = mkdtempSync(join(tmpdir(), "pregao-points-"));
  const file = join(folder, "points");
  const dir = of.copy();
  const river = await up(dir, { PREGAO_POINTS: file });
  if (!river) throw new Error("the river did not start");
  const aws = client(river.url);
  try {
    const { size } = statSync(file);
    await ingest(aws, bytes);
    await idle(river.url);
    const passed = readFileSync(file);
    const expected = await picture(aws);
    const starting = tally(passed.subarray(0, size).toString());
    // A pass is counted from the start of the process, as the preload does.
    const counts = tally(passed.toString());
    const during = new Map(
      [...tally(passed.subarray(size).toString())].map(([name, n]) => [name, { n, all: counts.get(name)! }]),
    );
    return { expected, starting, during };
  } finally {
    aws.close();
    await river.stop();
    rmSync(folder, { recursive: true, force: true });
    rmSync(dir, { recursive: true, force: true });
  }
};

/** A river that does nothing for so long will not do it. */
const PATIENCE_MS = 60_000;

const soon = async <T>(what: string, work: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took longer than ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
};

/**
 * One life that ends at a point, and the next. The sender repeats its command only if that failed; or it is still
 * waiting (`waits`), and the river comes back under the same address. Returns null if the point was not passed.
 */
export const killed = async (of: Template, { name, pass }: Point, waits: boolean): Promise<Picture | null> => {
  const dir = of.copy();
  const lives: Up[] = [];
  const aws: ReturnType<typeof client>[] = [];
  const born = (river: Up | null): Up => {
    if (!river) throw new Error(`${name}#${pass}: the river did not start again`);
    lives.push(river);
    aws.push(client(river.url));
    return river;
  };
  try {
    const first = await up(dir, { PREGAO_KILL: `${name}#${pass}` });
    let sent = Promise.resolve(false);
    if (first) {
      born(first);
      sent = ingest(aws[0]!, bytes).then(
        () => true,
        () => false,
      );
      const calm = sent.then(async (ok): Promise<unknown> => (ok ? idle(first.url) : first.ended)).then(() => true);
      const dead = first.ended.then(() => false);
      if (await soon("the first life", Promise.race([dead, calm.catch(() => dead)]))) {
        // It may have been killed by the very answer that said it was at rest.
        if (await alive(first.url)) return null;
        await first.ended;
      }
      if (!waits) aws[0]!.giveUp();
    }
    const second = born(await up(dir, {}, first && waits ? { port: first.port } : {}));
    if (!(await soon("the sender", sent))) await soon("the ingest repeated", ingest(aws.at(-1)!, bytes));
    await soon("the second life", idle(second.url));
    return await picture(aws.at(-1)!);
  } finally {
    for (const one of aws) one.close();
    for (const one of lives) await one.stop();
    rmSync(dir, { recursive: true, force: true });
  }
};

const alive = async (url: string): Promise<boolean> =>
  fetch(`${url}/_pregao/stack`).then(
    (answer) => answer.ok,
    () => false,
  );

/** Runs `work` on each, so many at a time, and gives what differed from what was expected. */
export const each = async <T>(
  all: readonly T[],
  atOnce: number,
  work: (one: T) => Promise<void>,
): Promise<string[]> => {
  const waiting = [...all];
  const faults: string[] = [];
  const one = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      try {
        await work(next);
      } catch (error) {
        faults.push(`${JSON.stringify(next)}: ${(error as Error).message.slice(0, 2000)}`);
      }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return faults;
};
