import type { Topology } from "../../packages/core/topology.ts";

/** What a role may do, as IAM has it. */
export type Allowed = { Action: string[]; Resource: string[] };

/** A stage's roles by what has them, and ARNs of what they may touch. */
export type World = {
  topology: Topology;
  /** By function, and `stream` and `job`. */
  roles: Record<string, Allowed[]>;
  arn: { queue: (name: string) => string; bucket: (name: string) => string; function: (name: string) => string };
};

/** Whether the two match some name in common: either may end in a `*`. */
const meet = (a: string, b: string): boolean => {
  const [x, y] = [a, b].map((text) => text.replace(/\*$/, ""));
  return (a.endsWith("*") && y!.startsWith(x!)) || (b.endsWith("*") && x!.startsWith(y!)) || x === y;
};

const may = (of: readonly Allowed[], action: string, resource: string): boolean =>
  of.some((one) => one.Action.some((each) => meet(each, action)) && one.Resource.some((each) => meet(each, resource)));

/**
 * Notices that may set themselves off: by name, with who writes where they listen. Whoever a notice starts may start
 * others, by queues, by calls, by jobs and by streams; each of them is asked whether it may write under the prefix.
 */
export const loops = ({ topology, roles, arn }: World): string[] =>
  topology.notices.flatMap(({ bucket, prefix, to }) => {
    const started = new Set<string>();
    const start = (who: string): void => {
      if (started.has(who)) return;
      started.add(who);
      const own = roles[who] ?? [];
      for (const { queue, function: reader } of topology.mappings)
        if (may(own, "sqs:SendMessage", arn.queue(queue))) start(reader);
      for (const { name } of topology.functions) if (may(own, "lambda:InvokeFunction", arn.function(name))) start(name);
      if (own.some(({ Action }) => Action.some((action) => meet(action, "glue:StartJobRun")))) start("job");
      if (own.some(({ Action }) => Action.some((action) => action.startsWith("firehose:Put")))) start("stream");
    };
    if ("function" in to) start(to.function);
    else for (const mapping of topology.mappings) if (mapping.queue === to.queue) start(mapping.function);
    return [...started]
      .filter((who) => may(roles[who] ?? [], "s3:PutObject", `${arn.bucket(bucket)}/${prefix}*`))
      .map((who) => `${who} writes ${bucket}/${prefix}, which starts it`);
  });
