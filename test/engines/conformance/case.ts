/**
 * A case of the AWS operations: calls in order, each with what AWS's documentation says comes of it. Plain data, so that
 * every client and every server is asked the same.
 *
 * In an input, `<name>` inside a text is the value that an earlier step kept under that name, or one of the given ones:
 * `<own>` (unlike any other case's), `<account>`. Four forms stand for what is long or is not JSON:
 * `{ $repeat: [text, n] }` a text, `{ $times: [n, value] }` a list in which `<i>` counts from 0, `{ $blob: value }` bytes,
 * `{ $date: seconds }` a time, seconds from now.
 *
 * In an answer, a structure may have more members than are named, a list has exactly the items that are; and
 * `{ $like: pattern }` a text, `{ $any: true }` whatever there is, `{ $none: true }` nothing, `{ $has: [...] }` a list
 * with these among others, `{ $size: n }` a list of so many, `{ $date: [least, most] }` seconds from now.
 */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Where SDKs show it: `name` of the JavaScript error, boto3's `Error.Code` (`code`, the same unless told). */
export type Failure = { name: string; status: number; code?: string };

export type Step = {
  /** `sqs.SendMessage`. */
  call: string;
  with: { readonly [name: string]: Json };
  /** A part of the answer under a name for the steps after it: `{ handle: "Messages.0.ReceiptHandle" }`. */
  keep?: Readonly<Record<string, string>>;
} & ({ gives: Json } | { fails: Failure });

export type Case = {
  /** Unique; the table in docs/fidelity.md knows a case by it. Starts with the operation that it is about. */
  name: string;
  steps: readonly Step[];
};

/** Steps of a service in short: one that gives an answer, and one that fails by a name (with 400 unless told). */
export const asking = (service: string) => ({
  ok: (operation: string, input: Step["with"], gives: Json = {}, keep?: Step["keep"]): Step => ({
    call: `${service}.${operation}`,
    with: input,
    gives,
    ...(keep ? { keep } : {}),
  }),
  no: (operation: string, input: Step["with"], name: string, status = 400, code?: string): Step => ({
    call: `${service}.${operation}`,
    with: input,
    fails: { name, status, ...(code ? { code } : {}) },
  }),
});
