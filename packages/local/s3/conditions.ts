import { refusal } from "./errors.ts";

type Version = { etag: string; modified: number };
type Headers = (name: string) => string | undefined;

/** An ETag without its quotes: clients send it with and without. */
export const bare = (etag: string): string =>
  etag
    .trim()
    .replace(/^W\//, "")
    .replace(/^"(.*)"$/, "$1");

const matches = (list: string, etag: string): boolean =>
  list.split(",").some((one) => bare(one) === "*" || bare(one) === etag);

/** HTTP dates have whole seconds. */
const seconds = (ms: number) => Math.floor(ms / 1000);

/** When a read's or a copy's conditions fail: `failed` is 412, `unchanged` 304. Precedence as in RFC 9110, 13.2.2. */
export const readOutcome = (
  version: Version,
  header: Headers,
  prefix = "",
): { failed: string } | { unchanged: true } | null => {
  const [match, noneMatch, since, until] = [
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
  ].map((name) => header(prefix + name));
  if (match !== undefined) {
    if (!matches(match, version.etag)) return { failed: "If-Match" };
  } else if (until !== undefined && seconds(version.modified) > seconds(Date.parse(until)))
    return { failed: "If-Unmodified-Since" };
  if (noneMatch !== undefined) {
    if (matches(noneMatch, version.etag)) return { unchanged: true };
  } else if (since !== undefined && seconds(version.modified) <= seconds(Date.parse(since))) return { unchanged: true };
  return null;
};

/** What a write or a delete demands of the current object. `deleted` is set if the key is deleted while the write is under way. */
export type Demand = { bucket: string; key: string; absent: boolean; etag: string | null; deleted: boolean };

/** The demand of a write's `If-None-Match: *` or `If-Match: <ETag>`; S3 implements no other values, and not both. */
export const demandOf = (bucket: string, key: string, header: Headers): Demand => {
  const none = header("if-none-match");
  const match = header("if-match");
  const odd = none !== undefined && (match !== undefined || bare(none) !== "*");
  if (odd || (match !== undefined && bare(match) === "*"))
    throw refusal(
      "NotImplemented",
      { Header: odd ? "If-None-Match" : "If-Match" },
      "A header you provided implies functionality that is not implemented",
    );
  return { bucket, key, absent: none !== undefined, etag: match === undefined ? null : bare(match), deleted: false };
};

/** Throws what S3 answers if the demand does not hold against the object there is (null: none). */
export const enforce = (demand: Demand, current: { etag: string } | null): void => {
  if (demand.absent) {
    if (current) throw refusal("PreconditionFailed", { Condition: "If-None-Match" });
    if (demand.deleted) throw refusal("ConditionalRequestConflict", { Condition: "If-None-Match", Key: demand.key });
  }
  if (demand.etag !== null) {
    if (!current && demand.deleted)
      throw refusal("ConditionalRequestConflict", { Condition: "If-Match", Key: demand.key });
    if (!current) throw refusal("NoSuchKey", { Key: demand.key });
    if (demand.etag !== "*" && demand.etag !== current.etag)
      throw refusal("PreconditionFailed", { Condition: "If-Match" });
  }
};
