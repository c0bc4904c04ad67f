import type { Context, S3Event } from "aws-lambda";
import { send } from "../packages/aws/queues.ts";
import { deadline } from "../packages/aws/retry.ts";
import { getBytes } from "../packages/aws/store.ts";
import { type FailedDelivery, salvage } from "../packages/core/salvage.ts";
import { log } from "./log.ts";
import { datasetNamed, digest, openRiver } from "./river.ts";

/**
 * What Firehose could not convert goes to the dead-letter queue of its dataset, row by row, under Firehose's own code.
 * It throws unless all of an object was accepted: the event is then given again, and the same rejects get the same ids.
 */
export const handler = async (event: S3Event, context: Context): Promise<void> => {
  const { aws, datasets } = openRiver();
  for (const { s3 } of event.Records) {
    const key = decodeURIComponent(s3.object.key.replaceAll("+", " "));
    const dataset = datasetNamed(datasets, key.split("/")[1] ?? "");
    const bytes = await getBytes(aws, "lake", key);
    if (bytes === null) throw new Error(`expected the error object ${key}, it does not exist`);
    const rejects = new TextDecoder()
      .decode(bytes)
      .split("\n")
      .filter(Boolean)
      .flatMap((line) => {
        const failure = JSON.parse(line) as FailedDelivery;
        return salvage(dataset, Buffer.from(failure.rawData, "base64").toString("utf8"), failure, digest);
      });
    const sent = await send(aws, `${dataset.name}-dlq`, rejects, { until: deadline(context) });
    const left = sent.filter((s) => s.outcome !== "accepted");
    if (left.length)
      throw new Error(`${left.length} of ${rejects.length} rejects of ${key} not accepted: ${left[0]?.reason}`);
    log("WARN", "salvage", "rows that Firehose could not convert were rejected", { key, rows: rejects.length });
  }
};
