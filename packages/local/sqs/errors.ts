import { AwsError } from "../service.ts";

/**
 * The names that SQS had in its query protocol. Clients that know them (boto3, older SDKs) read them from the header
 * `x-amzn-query-error`; an error that is not listed has the same name in both.
 */
const queryCodes: Readonly<Record<string, string>> = {
  QueueDoesNotExist: "AWS.SimpleQueueService.NonExistentQueue",
  QueueNameExists: "QueueAlreadyExists",
  QueueDeletedRecently: "AWS.SimpleQueueService.QueueDeletedRecently",
  BatchEntryIdsNotDistinct: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
  TooManyEntriesInBatchRequest: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
  EmptyBatchRequest: "AWS.SimpleQueueService.EmptyBatchRequest",
  BatchRequestTooLong: "AWS.SimpleQueueService.BatchRequestTooLong",
  InvalidBatchEntryId: "AWS.SimpleQueueService.InvalidBatchEntryId",
  PurgeQueueInProgress: "AWS.SimpleQueueService.PurgeQueueInProgress",
  UnsupportedOperation: "AWS.SimpleQueueService.UnsupportedOperation",
  MessageNotInflight: "AWS.SimpleQueueService.MessageNotInflight",
  InvalidParameterValueException: "InvalidParameterValue",
  MissingRequiredParameterException: "MissingParameter",
};

/** These two are older than SQS's model: clients find them under another service's name. */
const coral = new Set([
  "InvalidParameterValueException",
  "MissingRequiredParameterException",
  "SerializationException",
]);

/** The code in a batch's `Failed[]`, and in the header. */
export const queryCode = (code: string): string => queryCodes[code] ?? code;

/** How SQS names an error on the wire. */
export const wireError = (error: AwsError): { type: string; headers: Record<string, string> } => ({
  type: `${coral.has(error.code) ? "com.amazon.coral.service" : "com.amazonaws.sqs"}#${error.code}`,
  headers: { "x-amzn-query-error": `${queryCode(error.code)};${error.status < 500 ? "Sender" : "Receiver"}` },
});

export const noSuchQueue = () => new AwsError("QueueDoesNotExist", "The specified queue does not exist.");
export const invalid = (message: string) => new AwsError("InvalidParameterValueException", message);
export const invalidValue = (value: unknown, parameter: string, reason: string) =>
  invalid(`Value ${String(value)} for parameter ${parameter} is invalid. Reason: ${reason}`);
export const missing = (parameter: string) =>
  new AwsError("MissingRequiredParameterException", `The request must contain the parameter ${parameter}.`);
export const noSuchResource = (message: string) => new AwsError("ResourceNotFoundException", message, 404);
