import { PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import PQueue from "p-queue";
import type { Outcome, Parcel } from "../core/pack.ts";
import { resource } from "../core/stage.ts";
import type { Aws } from "./index.ts";
import { abortAt, backOff, isTransient } from "./retry.ts";

/** PutRecordBatch: at most 500 records and 4 MiB a call (API reference). */
const BATCH_RECORDS = 500;
const BATCH_BYTES = 4 * 1024 * 1024;
/** Calls under way at once; a stream takes 1,000 a second. */
const CONCURRENCY = 2;

/**
 * Gives parcels to a stream and says for each whether it was taken. It never throws for one parcel's sake: what was
 * refused is sent again by index, alone, with jittered back-off until `until`; what then is left, or whose outcome is
 * unknown, is not taken.
 */
export const deliver = async (
  aws: Aws,
  stream: string,
  parcels: readonly Parcel[],
  until: number,
): Promise<Outcome[]> => {
  const taken = new Set<Parcel>();
  const pool = new PQueue({ concurrency: CONCURRENCY });
  await pool.addAll(
    batches(parcels).map((batch) => async () => {
      let left = batch;
      for (let attempt = 0; left.length > 0; attempt++) {
        try {
          const answer = await aws.firehose.send(
            new PutRecordBatchCommand({
              DeliveryStreamName: resource(aws.stage, stream),
              Records: left.map((parcel) => ({ Data: Buffer.from(parcel.data) })),
            }),
            { abortSignal: abortAt(until) },
          );
          // Answers stand in the order of the request (API reference).
          left = left.filter((parcel, index) => {
            const response = answer.RequestResponses?.[index];
            if (!response || response.ErrorCode || !response.RecordId) return true;
            taken.add(parcel);
            return false;
          });
        } catch (error) {
          if (!isTransient(error)) return;
        }
        if (left.length > 0 && !(await backOff(attempt, until))) return;
      }
    }),
  );
  return parcels.map((parcel) => ({ receipts: parcel.receipts, taken: taken.has(parcel) }));
};

const batches = (parcels: readonly Parcel[]): Parcel[][] => {
  const out: Parcel[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const parcel of parcels) {
    const last = out.at(-1);
    if (last && last.length < BATCH_RECORDS && bytes + parcel.bytes <= BATCH_BYTES) {
      last.push(parcel);
      bytes += parcel.bytes;
    } else {
      out.push([parcel]);
      bytes = parcel.bytes;
    }
  }
  return out;
};
