import { AwsError } from "../service.ts";

export const invalid = (message: string) => new AwsError("InvalidArgumentException", message);
/** What Amazon's own validation says before a service sees the request. */
export const violated = (value: string, path: string, constraint: string) =>
  new AwsError(
    "ValidationException",
    `1 validation error detected: Value ${value} at '${path}' failed to satisfy constraint: ${constraint}`,
  );
