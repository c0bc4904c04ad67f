import { AwsError } from "../service.ts";
import { missing } from "./errors.ts";

/** A request's JSON. Nothing of it is trusted: a member of the wrong type is a SerializationException, as on AWS. */
export type Input = Readonly<Record<string, unknown>>;

const wrong = (name: string, expected: string, value: unknown) =>
  new AwsError(
    "SerializationException",
    `${name}: expected ${expected}, came ${value === null ? "null" : typeof value}`,
  );

export const optionalText = (input: Input, name: string): string | undefined => {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw wrong(name, "a string", value);
  return value;
};

/** The request, if it has the member. */
export const having = (input: Input, name: string): Input => {
  if (input[name] === undefined || input[name] === null) throw missing(name);
  return input;
};

/** Present and not empty. */
export const text = (input: Input, name: string): string => {
  const value = optionalText(input, name);
  if (!value) throw missing(name);
  return value;
};

export const optionalInteger = (input: Input, name: string): number | undefined => {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw wrong(name, "an integer", value);
  return value;
};

const isObject = (value: unknown): value is Input =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const object = (value: unknown, name: string): Input => {
  if (!isObject(value)) throw wrong(name, "an object", value);
  return value;
};

export const list = (input: Input, name: string): unknown[] => {
  const value = input[name];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrong(name, "a list", value);
  return value;
};

export const texts = (input: Input, name: string): string[] =>
  list(input, name).map((value) => {
    if (typeof value !== "string") throw wrong(name, "a list of strings", value);
    return value;
  });

/** A map of strings; absent is empty. */
export const textMap = (input: Input, name: string): Record<string, string> => {
  const value = input[name];
  if (value === undefined || value === null) return {};
  const out: Record<string, string> = {};
  for (const [key, entry] of Object.entries(object(value, name))) {
    if (typeof entry !== "string") throw wrong(`${name}.${key}`, "a string", entry);
    out[key] = entry;
  }
  return out;
};
