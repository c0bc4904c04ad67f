/** The batch calls of AWS, as far as needed to carry out a part of one and to say of the rest, in its own shape, that it failed. */
type Json = Record<string, unknown>;
type Entry = Json;

type BatchCall = {
  /** Which field of the request holds the entries. */
  list: string;
  /** The answer to `entries`, of which those at `failed` are to be called failed; `came` answers those at `forwarded`. */
  answer: (entries: readonly Entry[], failed: ReadonlySet<number>, forwarded: readonly number[], came: Json) => Json;
};

const sqs: BatchCall = {
  list: "Entries",
  answer: (entries, failed, _, came) => {
    const ids = new Set([...failed].map((i) => entries[i]?.Id));
    const ours = (of: unknown) => ((of ?? []) as Entry[]).filter((e) => !ids.has(e.Id));
    return {
      Successful: ours(came.Successful),
      Failed: [
        ...ours(came.Failed),
        ...[...ids].map((Id) => ({
          Id,
          SenderFault: false,
          Code: "InternalError",
          Message: "We encountered an internal error. Please try again.",
        })),
      ],
    };
  },
};

const glue = (list: string, values: string, errorValues: string): BatchCall => ({
  list,
  answer: (entries, failed, _, came) => {
    const those = new Set([...failed].map((i) => JSON.stringify(entries[i]?.[values])));
    return {
      Errors: [
        ...((came.Errors ?? []) as Entry[]).filter((e) => !those.has(JSON.stringify(e[errorValues]))),
        ...[...failed].map((i) => ({
          [errorValues]: entries[i]?.[values],
          ErrorDetail: { ErrorCode: "InternalServiceException", ErrorMessage: "An internal service error occurred." },
        })),
      ],
    };
  },
});

export const batchCalls: Readonly<Record<string, BatchCall>> = {
  SendMessageBatch: sqs,
  DeleteMessageBatch: sqs,
  ChangeMessageVisibilityBatch: sqs,
  PutRecordBatch: {
    list: "Records",
    // Answers stand in the order of the request.
    answer: (entries, failed, forwarded, came) => {
      const answers = (came.RequestResponses ?? []) as Entry[];
      const RequestResponses = entries.map((_, i) =>
        failed.has(i)
          ? { ErrorCode: "ServiceUnavailableException", ErrorMessage: "Slow down." }
          : answers[forwarded.indexOf(i)],
      );
      return {
        Encrypted: came.Encrypted ?? false,
        FailedPutCount: RequestResponses.filter((r) => r?.ErrorCode).length,
        RequestResponses,
      };
    },
  },
  BatchCreatePartition: glue("PartitionInputList", "Values", "PartitionValues"),
  BatchUpdatePartition: glue("Entries", "PartitionValueList", "PartitionValueList"),
  BatchDeletePartition: glue("PartitionsToDelete", "Values", "PartitionValues"),
};

/** Which entries fail: at least one; about half, by the dice. */
export const unlucky = (count: number, next: () => number): Set<number> => {
  const failed = new Set<number>();
  for (let i = 0; i < count; i++) if (next() < 0.5) failed.add(i);
  if (failed.size === 0) failed.add(Math.floor(next() * count));
  return failed;
};

/** S3's DeleteObjects, the one batch call in XML. */
export const deleteObjects = {
  keys: (body: string): string[] => [...body.matchAll(/<Object>(.*?)<\/Object>/gs)].map((m) => m[1] ?? ""),
  request: (objects: readonly string[]): string =>
    `<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${objects.map((o) => `<Object>${o}</Object>`).join("")}</Delete>`,
  answer: (objects: readonly string[], failed: ReadonlySet<number>): string =>
    `<?xml version="1.0" encoding="UTF-8"?><DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${objects
      .map((o, i) => {
        const key = /<Key>.*?<\/Key>/s.exec(o)?.[0] ?? "";
        return failed.has(i)
          ? `<Error>${key}<Code>InternalError</Code><Message>We encountered an internal error. Please try again.</Message></Error>`
          : `<Deleted>${key}</Deleted>`;
      })
      .join("")}</DeleteResult>`,
};
