import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import { send } from "../packages/aws/queues.ts";
import { deadline } from "../packages/aws/retry.ts";
import { deliver } from "../packages/aws/streams.ts";
import { type Judge, type Judged, judgeOf } from "../packages/core/judge.ts";
import { type Outcome, packRows, unsettled } from "../packages/core/pack.ts";
import { logicalName } from "../packages/core/stage.ts";
import { log } from "./log.ts";
import { datasetNamed, digest, openRiver } from "./river.ts";

/**
 * A message is acknowledged when Firehose has taken every valid row of it and the dead-letter queue every invalid one,
 * with its reason. Any other message comes back: a throw here returns the whole batch.
 */
export const handler = async (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
  const { aws, datasets } = openRiver();
  const until = deadline(context);
  const judged: Judged[] = [];
  const outcomes: Outcome[] = [];
  for (const [queue, records] of byQueue(event)) {
    const dataset = logicalName(aws.stage, queue);
    const verdicts = records.map((record) => judge(dataset)(incoming(record)));
    const [rows, rejects] = await Promise.all([
      deliver(aws, dataset, packRows(verdicts), until),
      sendRejects(`${dataset}-dlq`, verdicts, until),
    ]);
    judged.push(...verdicts);
    outcomes.push(...rows, ...rejects);
    report(dataset, verdicts, unsettled(verdicts, [...rows, ...rejects]));
  }
  const back = unsettled(judged, outcomes);
  return { batchItemFailures: back.map((itemIdentifier) => ({ itemIdentifier })) };

  async function sendRejects(queue: string, verdicts: readonly Judged[], before: number): Promise<Outcome[]> {
    const rejects = verdicts.flatMap(({ receipt, rejects }) => rejects.map((reject) => ({ receipt, reject })));
    if (rejects.length === 0) return [];
    const sent = await send(
      aws,
      queue,
      rejects.map((r) => r.reject),
      { until: before },
    );
    return rejects.map(({ receipt }, index) => ({
      receipts: new Map([[receipt, 1]]),
      taken: sent[index]?.outcome === "accepted",
    }));
  }

  function judge(name: string): Judge {
    const known = judges.get(name);
    if (known) return known;
    const made = judgeOf(datasetNamed(datasets, name), digest);
    judges.set(name, made);
    return made;
  }
};

const judges = new Map<string, Judge>();

const byQueue = (event: SQSEvent): Map<string, SQSRecord[]> =>
  Map.groupBy(event.Records, (record) => record.eventSourceARN);

const incoming = (record: SQSRecord) => ({
  receipt: record.messageId,
  body: record.body,
  sentAt: Number(record.attributes.SentTimestamp),
});

const report = (dataset: string, judged: readonly Judged[], back: readonly string[]): void => {
  const rows = judged.reduce((sum, j) => sum + j.rows.length, 0);
  const rejects = judged.flatMap((j) => j.rejects);
  const reasons: Record<string, number> = {};
  for (const r of rejects) reasons[r.reason] = (reasons[r.reason] ?? 0) + r.records;
  const refused = rejects.reduce((sum, r) => sum + r.records, 0);
  const counts = { dataset, messages: judged.length, rows, refused, rejected: reasons, returned: back.length };
  log(rejects.length || back.length ? "WARN" : "INFO", "consume", "batch judged", counts);
};
