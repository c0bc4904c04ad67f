import { expect, test } from "vitest";
import { failuresOf } from "../../packages/local/triggers/mapping.ts";

/** AWS's table of ReportBatchItemFailures: what is complete success, what is complete failure. */
test.each([
  ["null", []],
  ["{}", []],
  ['{"batchItemFailures":null}', []],
  ['{"batchItemFailures":[]}', []],
  ['{"statusCode":200}', []],
  ['{"batchItemFailures":[{"itemIdentifier":"b"}]}', ["b"]],
  ['{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"b"}]}', ["b"]],
  ['{"batchItemFailures":[{"itemIdentifier":"b"},{"itemIdentifier":"z"}]}', ["a", "b"]],
  ['{"batchItemFailures":[{"itemIdentifier":""}]}', ["a", "b"]],
  ['{"batchItemFailures":[{"itemIdentifier":null}]}', ["a", "b"]],
  ['{"batchItemFailures":[{"foo":"notvalid"}]}', ["a", "b"]],
  ['{"batchItemFailures":["b"]}', ["a", "b"]],
  ['{"batchItemFailures":[null]}', ["a", "b"]],
  ['{"batchItemFailures":{"itemIdentifier":"b"}}', ["a", "b"]],
  ['"ok"', ["a", "b"]],
  ["[]", ["a", "b"]],
  ["{", ["a", "b"]],
])("of a batch a, b the answer %s leaves %j", (answer, failed) => {
  expect([...failuresOf(answer, new Set(["a", "b"]))]).toEqual(failed);
});
