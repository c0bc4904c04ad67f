import { randomBytes } from "node:crypto";
import { AwsError } from "../service.ts";

const EXPRESSION = /!\{([^}]*)\}/g;
const FIELDS = /yyyy|MM|dd|HH|mm|ss/g;

/**
 * A prefix with its expressions replaced, as of the arrival of an object's oldest record, in UTC. Without a timestamp
 * in it, an object's prefix (`outcome` absent) ends in `yyyy/MM/dd/HH/`, as on AWS.
 */
export const evaluate = (prefix: string, arrival: number, outcome?: string): string => {
  const dated =
    outcome !== undefined || prefix.includes("!{timestamp:") ? prefix : `${prefix}!{timestamp:yyyy/MM/dd/HH/}`;
  return dated.replace(EXPRESSION, (_, expression: string) => {
    if (expression === "firehose:random-string") return randomBytes(8).toString("base64url").slice(0, 11);
    if (expression === "firehose:error-output-type") return outcome!;
    return formatted(expression.slice("timestamp:".length), arrival);
  });
};

/** An instant in UTC by Java's letters `yyyy MM dd HH mm ss`; quoted text stays. */
export const formatted = (pattern: string, ms: number): string => {
  const [y, mo, d, h, mi, s] = new Date(ms).toISOString().split(/[^\d]/);
  const parts: Record<string, string> = { yyyy: y!, MM: mo!, dd: d!, HH: h!, mm: mi!, ss: s! };
  return pattern.replace(/'([^']*)'|([^']+)/g, (_, quoted?: string, plain?: string) =>
    quoted === undefined ? plain!.replace(FIELDS, (field) => parts[field]!) : quoted,
  );
};

/** Refuses what {@link evaluate} could not replace, as AWS refuses it when the stream is made. */
export const checkPrefixes = (prefix: string, errors: string): void => {
  for (const [which, text] of [
    ["Prefix", prefix],
    ["ErrorOutputPrefix", errors],
  ] as const)
    for (const [, expression = ""] of text.matchAll(EXPRESSION)) {
      const letters = expression.startsWith("timestamp:")
        ? expression
            .slice(10)
            .replace(/'[^']*'/g, "")
            .replace(FIELDS, "")
        : "";
      const known =
        expression === "firehose:random-string" ||
        (expression === "firehose:error-output-type" && which === "ErrorOutputPrefix") ||
        (expression.startsWith("timestamp:") && !/[A-Za-z]/.test(letters));
      if (!known)
        throw new AwsError("InvalidArgumentException", `${which}: the expression !{${expression}} is not supported`);
    }
  if (prefix.includes("!{") && !errors.includes("!{firehose:error-output-type}"))
    throw new AwsError(
      "InvalidArgumentException",
      "ErrorOutputPrefix must contain !{firehose:error-output-type} when Prefix contains expressions",
    );
};
