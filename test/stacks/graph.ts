import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Evaluated, Resource } from "./evaluate.ts";
import { root } from "./places.ts";

export { ACCOUNT, REGION } from "./aws.ts";

/** What `sst deploy --stage …` would make, asked by Pulumi's types (`aws:sqs/queue:Queue`). */
export type Graph = Evaluated & {
  of: (type: string) => Resource[];
  /** @throws Error unless exactly one of the type matches */
  one: (type: string, matches?: (inputs: Record<string, unknown>) => boolean) => Resource;
};

const run = promisify(execFile);
const known = new Map<string, Promise<Graph>>();
const MAX_BYTES = 64 * 1024 ** 2;

const evaluate = async (stage: string, env: Record<string, string>): Promise<Graph> => {
  // Settings of the machine that tests must not become the stage's.
  const ours = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(PREGAO|SST|AWS|PULUMI)_/.test(name)),
  );
  const { stdout } = await run(process.execPath, [join(root, "test/stacks/evaluate.ts"), stage], {
    cwd: root,
    env: { ...ours, ...env },
    maxBuffer: MAX_BYTES,
    timeout: 120_000,
  });
  const evaluated = JSON.parse(stdout) as Evaluated;
  const of = (type: string) => evaluated.resources.filter((resource) => resource.type === type);
  const one: Graph["one"] = (type, matches = () => true) => {
    const found = of(type).filter(({ inputs }) => matches(inputs));
    if (found.length !== 1) throw new Error(`expected one ${type}, the graph of ${stage} has ${found.length}`);
    return found[0]!;
  };
  return { ...evaluated, of, one };
};

/** The graph of a stage with these settings; evaluated once per test file. @throws what sst.config.ts throws, as text */
export const graphOf = ({
  stage = "dev",
  env = {},
}: {
  stage?: string;
  env?: Record<string, string>;
} = {}): Promise<Graph> => {
  const key = JSON.stringify([stage, env]);
  const graph = known.get(key) ?? evaluate(stage, env);
  known.set(key, graph);
  return graph;
};
