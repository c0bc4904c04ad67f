import { z } from "zod";
import { AwsError } from "../service.ts";

/**
 * What the operations take, as far as they look at it: the rest of an input is kept and given back as it came, as
 * Glue's own clients send more members than anybody reads.
 */
const text = z.string();
/** NameString of the API model. */
export const nameText = text.min(1).max(255);
const members = z.record(text, text);
const column = z.looseObject({ Name: text.min(1), Type: text.optional(), Comment: text.optional() });
const descriptor = z.looseObject({
  Columns: z.array(column).optional(),
  Location: text.optional(),
  NumberOfBuckets: z.int().optional(),
  Parameters: members.optional(),
});

export const databaseInput = z.looseObject({
  Name: nameText,
  Description: text.optional(),
  Parameters: members.optional(),
});
export const tableInput = z.looseObject({
  Name: nameText,
  StorageDescriptor: descriptor.optional(),
  PartitionKeys: z.array(column).optional(),
  TableType: text.optional(),
  Parameters: members.optional(),
});
export const partitionInput = z.looseObject({
  Values: z.array(text).optional(),
  StorageDescriptor: descriptor.optional(),
  Parameters: members.optional(),
});
export const jobInput = z.looseObject({
  Name: nameText.optional(),
  DefaultArguments: members.optional(),
  MaxRetries: z.int().optional(),
  Timeout: z.int().min(1).optional(),
  ExecutionProperty: z.looseObject({ MaxConcurrentRuns: z.int().min(1).optional() }).optional(),
});

export type DatabaseInput = z.infer<typeof databaseInput>;
export type TableInput = z.infer<typeof tableInput>;
export type PartitionInput = z.infer<typeof partitionInput>;
export type JobInput = z.infer<typeof jobInput>;
export type Descriptor = z.infer<typeof descriptor>;

/** What Amazon's own validation says before Glue sees the request: a member is missing, too short or too long. */
const violated = (path: string, constraint: string) =>
  new AwsError(
    "ValidationException",
    `1 validation error detected: Value at '${path}' failed to satisfy constraint: ${constraint}`,
  );

/** The input as its shape. @throws AwsError ValidationException naming the member, SerializationException for its type. */
export const read = <S extends z.ZodType>(shape: S, input: unknown): z.infer<S> => {
  const parsed = shape.safeParse(input ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.map(String);
  const name = path.map((member) => member.charAt(0).toLowerCase() + member.slice(1)).join(".") || "input";
  const value = path.reduce<unknown>((found, member) => (found as Record<string, unknown> | null)?.[member], input);
  if (value === undefined || value === null) throw violated(name, "Member must not be null");
  if (issue.code === "too_small")
    throw violated(name, `Member must have length or value greater than or equal to ${issue.minimum}`);
  if (issue.code === "too_big")
    throw violated(name, `Member must have length or value less than or equal to ${issue.maximum}`);
  throw new AwsError("SerializationException", `${name}: ${issue.message}`);
};

/** A list that is longer than Glue's model allows fails as a whole, before anything of it is done. */
export const atMost = (list: readonly unknown[], max: number, name: string): void => {
  if (list.length > max) throw violated(name, `Member must have length less than or equal to ${max}`);
};

/** How many an answer may hold: what was asked for, within the operation's own bounds. */
export const pageSize = (asked: number | undefined, max: number): number => {
  if (asked !== undefined && (!Number.isInteger(asked) || asked < 1 || asked > max))
    throw new AwsError(
      "ValidationException",
      `1 validation error detected: Value '${asked}' at 'maxResults' failed to satisfy constraint: Member must have value between 1 and ${max}`,
    );
  return asked ?? max;
};

/** A page's token says after which key the next one goes on. */
export const tokenAfter = (key: string): string => Buffer.from(`after:${key}`).toString("base64url");
export const keyOf = (token: string | undefined): string | null => {
  if (token === undefined || token === "") return null;
  const textOf = Buffer.from(token, "base64url").toString();
  if (!textOf.startsWith("after:"))
    throw new AwsError("InvalidInputException", "expected the NextToken of an earlier answer");
  return textOf.slice("after:".length);
};

export const missing = (what: string): never => {
  throw new AwsError("EntityNotFoundException", `${what} not found.`);
};

/** Glue writes instants as seconds since 1970, with a fraction. */
export const epoch = (ms: number): number => ms / 1000;
