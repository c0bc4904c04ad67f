import { bucket, resource, type Stage } from "../../core/stage.ts";
import type { FunctionSpec, Topology } from "../../core/topology.ts";
import type { LogLine, Runtime } from "../lambda.ts";
import type { Sqs } from "../sqs/index.ts";
import type { State } from "../state.ts";
import { clocks as clocksOf } from "./clocks.ts";
import { type GivenUp, invocations } from "./invocations.ts";
import { eventSourceMapping } from "./mapping.ts";

export type { Dropped } from "./invocations.ts";

/** One record of an S3 event notification: what of it is read here. The key is form-encoded, with `/` kept. */
export type ObjectEvent = { eventName: string; s3: { bucket: { name: string }; object: { key: string } } };
/** An EventBridge event of a job: what of it is read here. */
export type JobEvent = { detail: { jobName: string } };

export type Triggers = ReturnType<typeof triggers>;

/**
 * What starts what, by the topology: queues → functions, objects → queues and functions, jobs → queues, clocks →
 * functions. `onObject` and `onJob` are called inside the transaction of what happened, so neither is without the other.
 */
export const triggers = (
  state: State,
  topology: Pick<Topology, "mappings" | "notices" | "jobs" | "clocks"> & {
    functions?: readonly Pick<FunctionSpec, "name" | "failed">[];
  },
  deps: {
    stage: Stage;
    sqs: Sqs;
    runtime: Runtime;
    onLog: (line: LogLine) => void;
    now?: () => number;
    retryDelays?: readonly number[];
    /** Whether clocks tick that start what fetches from the web. */
    web?: boolean;
  },
) => {
  const { stage, sqs } = deps;
  const now = deps.now ?? Date.now;
  /** Lambda's own record of it (Developer Guide: Capturing records of Lambda asynchronous invocations). */
  const onGivenUp = ({ function: name, event, requestId, attempts, error }: GivenUp): void => {
    const queue = topology.functions?.find((one) => one.name === name)?.failed;
    if (queue === undefined || !sqs.exists(resource(stage, queue))) return;
    const functionArn = `arn:aws:lambda:${stage.region}:${stage.account}:function:${resource(stage, name)}:$LATEST`;
    const body = JSON.stringify({
      version: "1.0",
      timestamp: new Date(now()).toISOString(),
      requestContext: { requestId, functionArn, condition: "RetriesExhausted", approximateInvokeCount: attempts },
      requestPayload: JSON.parse(event) as unknown,
      responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
      responsePayload: error,
    });
    sqs.send(resource(stage, queue), [{ body }]);
  };
  const events = invocations(state, { ...deps, now, onGivenUp });
  const mappings = topology.mappings.map((m) =>
    eventSourceMapping(state, { ...m, queue: resource(stage, m.queue) }, { ...deps, region: stage.region, now }),
  );
  const notices = topology.notices.map((notice) => ({ ...notice, bucket: bucket(stage, notice.bucket) }));
  const jobs = new Map(topology.jobs.map((job) => [resource(stage, job.name), resource(stage, job.events)]));
  const clocks = clocksOf(
    state,
    topology.clocks.filter((clock) => deps.web || !clock.web),
    { now, enqueue: events.enqueue, onLog: deps.onLog },
  );

  const running = () => mappings.reduce((sum, m) => sum + m.running(), events.running());

  return {
    onObject: (record: ObjectEvent): void => {
      if (!record.eventName.replace(/^s3:/, "").startsWith("ObjectCreated:")) return;
      const key = decodeURIComponent(record.s3.object.key.replaceAll("+", " "));
      for (const notice of notices) {
        if (notice.bucket !== record.s3.bucket.name || !key.startsWith(notice.prefix) || !key.endsWith(notice.suffix))
          continue;
        const event = JSON.stringify({ Records: [record] });
        if ("queue" in notice.to) sqs.send(resource(stage, notice.to.queue), [{ body: event }]);
        else events.enqueue(notice.to.function, event);
      }
    },
    onJob: (event: JobEvent): void => {
      const queue = jobs.get(event.detail.jobName);
      if (queue !== undefined) sqs.send(queue, [{ body: JSON.stringify(event) }]);
    },
    /** An asynchronous invocation: `event` is JSON text. */
    enqueue: events.enqueue,
    dropped: events.dropped,
    droppedCount: events.droppedCount,
    droppedWhen: events.droppedWhen,
    start: (): void => {
      const undone = sqs.undoHeld();
      if (undone > 0)
        deps.onLog({
          timestamp: new Date(now()).toISOString(),
          level: "INFO",
          component: "triggers",
          message: "messages that were being consumed when the stack ended are visible again",
          metadata: { messages: undone },
        });
      for (const mapping of mappings) mapping.start();
      events.start();
      clocks.start();
    },
    /** Nothing new is started; what runs is left alone. */
    stop: (): void => {
      clocks.stop();
      for (const mapping of mappings) mapping.stop();
      events.stop();
    },
    running,
    busy: (): boolean => events.busy() || mappings.some((m) => m.busy()),
  };
};
