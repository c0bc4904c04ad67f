import type { Context, S3Event } from "aws-lambda";
import type { Aws } from "../packages/aws/index.ts";
import { send } from "../packages/aws/queues.ts";
import { deadline } from "../packages/aws/retry.ts";
import { create, getBytes, head, list } from "../packages/aws/store.ts";
import type { Dataset } from "../packages/core/dataset.ts";
import { nameOf, salvagedKey } from "../packages/core/run.ts";
import { type FailedDelivery, salvage } from "../packages/core/salvage.ts";
import { log } from "./log.ts";
import { datasetNamed, digest, openRiver } from "./river.ts";

export type Clock = { datasets: string[] };
type ErrorObject = { key: string; etag: string };

/**
 * What Firehose could not convert goes to the dead-letter queue of its dataset, row by row, under Firehose's own code.
 * An event of S3 names one object; should it be given up, the clock finds the object, which has no mark.
 */
export const handler = async (event: S3Event | Clock, context: Context): Promise<void> => {
  const { aws, datasets } = openRiver();
  const until = deadline(context);
  if ("datasets" in event) {
    const left = await Promise.all(event.datasets.map((name) => sweep(aws, datasetNamed(datasets, name), until)));
    const objects = left.reduce((sum, n) => sum + n, 0);
    if (objects) throw new Error(`${objects} error objects are not salvaged yet; the next call goes on`);
    return;
  }
  for (const { s3 } of event.Records) {
    const key = decodeURIComponent(s3.object.key.replaceAll("+", " "));
    const there = await head(aws, "lake", key);
    if (!there) throw new Error(`expected the error object ${key}, it does not exist`);
    await rescue(aws, datasetNamed(datasets, key.split("/")[1] ?? ""), { key, etag: there.etag }, until);
  }
};

/** Salvages every error object of a dataset that has no mark. @returns how many are left for another time. */
export const sweep = async (aws: Aws, dataset: Dataset, until: number): Promise<number> => {
  const marks = new Set<string>();
  for await (const { key } of list(aws, "state", salvagedKey(dataset.name, ""))) marks.add(key);
  let left = 0;
  for await (const object of list(aws, "lake", `errors/${dataset.name}/`)) {
    if (marks.has(markOf(dataset, object))) continue;
    if (Date.now() >= until) {
      left++;
      continue;
    }
    try {
      await rescue(aws, dataset, object, until);
    } catch (error) {
      left++;
      log("ERROR", "salvage", "an error object is not salvaged", { key: object.key, error: (error as Error).message });
    }
  }
  return left;
};

const markOf = (dataset: Dataset, object: ErrorObject): string => salvagedKey(dataset.name, digest(nameOf(object)));

/** Its mark is made when every row of it was accepted; until then it is done again, and its rejects get the same ids. */
const rescue = async (aws: Aws, dataset: Dataset, object: ErrorObject, until: number): Promise<void> => {
  const { key, etag } = object;
  if (await head(aws, "state", markOf(dataset, object))) return;
  const bytes = await getBytes(aws, "lake", key, { ifMatch: etag });
  if (bytes === null) throw new Error(`expected the error object ${key}, it does not exist`);
  const rejects = new TextDecoder()
    .decode(bytes)
    .split("\n")
    .filter(Boolean)
    .flatMap((line) => {
      const failure = JSON.parse(line) as FailedDelivery;
      return salvage(dataset, Buffer.from(failure.rawData, "base64").toString("utf8"), failure, digest);
    });
  const sent = await send(aws, `${dataset.name}-dlq`, rejects, { until });
  const left = sent.filter((s) => s.outcome !== "accepted");
  if (left.length)
    throw new Error(`${left.length} of ${rejects.length} rejects of ${key} not accepted: ${left[0]?.reason}`);
  await create(aws, "state", markOf(dataset, object), JSON.stringify({ key, etag, rejects: rejects.length }));
  log("WARN", "salvage", "rows that Firehose could not convert were rejected", { key, rows: rejects.length });
};
