import type { z } from "zod";
import { NESTING, nestsDeeper } from "./message.ts";

type Issue = z.core.$ZodIssue;

/** Keys that a message names of those nobody declared. */
const KEYS = 3;

const TYPES: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "an object",
  record: "an object",
  array: "a list",
  null: "null",
};

/** Where in a value an issue is, as a person reads it; `whole` for the value itself. */
export const fieldOf = (issue: Issue | undefined, whole: string): string =>
  cut((issue?.code === "unrecognized_keys" ? issue.keys.join(",") : issue?.path.join(".")) || whole);

/** What is wrong with a value, in our words and not zod's: what was expected there, and what came. */
export const explained = (issue: Issue | undefined, value: unknown, key: "column" | "attribute" = "column"): string => {
  if (issue?.code === "unrecognized_keys") {
    const more = issue.keys.length > KEYS ? `, and ${issue.keys.length - KEYS} more` : "";
    const names = issue.keys.slice(0, KEYS).map(show).join(", ");
    return issue.keys.length === 1
      ? `no ${key} is declared with the name ${names}`
      : `no ${key}s are declared with the names ${names}${more}`;
  }
  return `${expected(issue)}, came ${show(valueAt(value, issue?.path ?? []))}`;
};

/** What an issue expected; a check of our own says it itself. */
export const expected = (issue: Issue | undefined): string => {
  if (!issue) return "expected another value";
  if (issue.message.startsWith("expected ")) return issue.message;
  if (issue.code === "invalid_type") return `expected ${TYPES[issue.expected] ?? issue.expected}`;
  if (issue.code === "invalid_value") return `expected ${issue.values.map((one) => show(one)).join(" or ")}`;
  if (issue.code === "too_small") return `expected ${amount(issue.origin, "at least", Number(issue.minimum))}`;
  if (issue.code === "too_big") return `expected ${amount(issue.origin, "at most", Number(issue.maximum))}`;
  if (issue.code === "invalid_format" && issue.format === "date") return "expected a day that exists, YYYY-MM-DD";
  return "expected another value";
};

const amount = (of: string, bound: string, n: number): string => {
  const unit = of === "string" ? " character" : of === "array" ? " element" : "";
  return `${bound} ${n}${unit && n !== 1 ? `${unit}s` : unit}`;
};

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key], value);

/** A value as an error shows it: short, never a whole payload, and with nothing in it that would steer a terminal. */
export const show = (value: unknown): string => {
  // JSON.stringify throws for what nests some thousands deep.
  if (nestsDeeper(value)) return `lists and objects in more than ${NESTING} levels`;
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  // A text that goes on ends its quote before the dots.
  return text.length > LENGTH && text.startsWith('"')
    ? `${escaped(text.slice(0, LENGTH - 4).replace(HALF_ESCAPE, ""))}"...`
    : cut(text);
};

const LENGTH = 60;
/** A JSON text's escape that was cut in the middle. */
const HALF_ESCAPE = /(?<=(?:^|[^\\])(?:\\\\)*)\\(?:u[\da-f]{0,3})?$/;

const cut = (text: string): string => escaped(text.length > LENGTH ? `${text.slice(0, LENGTH - 3)}...` : text);

/** Control characters, those that turn the direction of text, and halves of characters, spelled as JSON spells them. */
const escaped = (text: string): string =>
  text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
