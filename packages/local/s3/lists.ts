import type { DatabaseSync } from "node:sqlite";
import type { Checksum } from "./checksums.ts";
import { refusal } from "./errors.ts";
import { formEncode, OWNER } from "./event.ts";
import { isoDate, quoted, STORAGE_CLASS } from "./headers.ts";
import type { Entry, Listing } from "./listing.ts";
import type { Objects } from "./objects.ts";
import { numberOf, type Operation, type S3Request } from "./request.ts";
import type { Xml } from "./xml.ts";

/** AWS: entries of one page. */
const PAGE = 1000;

const owner: Xml = [
  "Owner",
  [
    ["ID", OWNER],
    ["DisplayName", OWNER],
  ],
];

/** Keys as the answer spells them: as they are, or form-encoded if the request says so. */
const spelling = ({ query }: S3Request): ((text: string) => string) => {
  const type = query.get("encoding-type");
  if (type === null || type === "") return (text) => text;
  if (type !== "url")
    throw refusal(
      "InvalidArgument",
      { ArgumentName: "encoding-type", ArgumentValue: type },
      "Invalid Encoding Method specified in Request",
    );
  return formEncode;
};

const storageClass = (headers: string): string =>
  headers.includes(STORAGE_CLASS) ? (JSON.parse(headers)[STORAGE_CLASS] as string) : "STANDARD";

const checksumOf = ({ checksum }: Entry): Xml[] => {
  if (checksum === null) return [];
  const { algorithm, type } = JSON.parse(checksum) as Checksum;
  return [
    ["ChecksumAlgorithm", algorithm],
    ["ChecksumType", type],
  ];
};

const contents = (entries: Entry[], spell: (text: string) => string, withOwner: boolean): Xml[] =>
  entries.map((entry) => [
    "Contents",
    [
      ["Key", spell(entry.key)],
      ["LastModified", isoDate(entry.modified)],
      ["ETag", quoted(entry.etag)],
      ...checksumOf(entry),
      ["Size", entry.size],
      withOwner ? owner : null,
      ["StorageClass", storageClass(entry.headers)],
    ],
  ]);

const commonPrefixes = (prefixes: string[], spell: (text: string) => string): Xml[] =>
  prefixes.map((prefix) => ["CommonPrefixes", [["Prefix", spell(prefix)]]]);

/** The position after which the next page begins, opaque to clients. */
const token = (position: string): string => Buffer.from(position).toString("base64url");
const positionOf = (text: string): string => {
  const position = Buffer.from(text, "base64url").toString();
  if (text === "" || token(position) !== text)
    throw refusal(
      "InvalidArgument",
      { ArgumentName: "continuation-token", ArgumentValue: text },
      "The continuation token provided is incorrect",
    );
  return position;
};

/** Listings on the wire. */
export const listsOf = (db: DatabaseSync, objects: Objects, listing: Listing) => {
  const ListObjectsV2: Operation = (request) => {
    const { bucket, query } = request;
    objects.requireBucket(bucket);
    const spell = spelling(request);
    const limit = numberOf(request, "max-keys", PAGE, 0, PAGE);
    const prefix = query.get("prefix") ?? "";
    const delimiter = query.get("delimiter") ?? "";
    const continuation = query.get("continuation-token");
    const startAfter = query.get("start-after") ?? "";
    const after = continuation === null ? startAfter : positionOf(continuation);
    const page = listing.page(bucket, { prefix, delimiter, after, limit });
    return {
      xml: [
        "ListBucketResult",
        [
          ["Name", bucket],
          ["Prefix", spell(prefix)],
          continuation === null ? null : ["ContinuationToken", continuation],
          startAfter ? ["StartAfter", spell(startAfter)] : null,
          delimiter ? ["Delimiter", spell(delimiter)] : null,
          ["MaxKeys", limit],
          query.get("encoding-type") ? ["EncodingType", "url"] : null,
          ["KeyCount", page.entries.length + page.prefixes.length],
          ["IsTruncated", page.next !== null],
          page.next === null ? null : ["NextContinuationToken", token(page.next)],
          ...contents(page.entries, spell, query.get("fetch-owner") === "true"),
          ...commonPrefixes(page.prefixes, spell),
        ],
      ],
    };
  };

  const ListObjects: Operation = (request) => {
    const { bucket, query } = request;
    objects.requireBucket(bucket);
    const spell = spelling(request);
    const limit = numberOf(request, "max-keys", PAGE, 0, PAGE);
    const prefix = query.get("prefix") ?? "";
    const delimiter = query.get("delimiter") ?? "";
    const marker = query.get("marker") ?? "";
    const page = listing.page(bucket, { prefix, delimiter, after: marker, limit });
    return {
      xml: [
        "ListBucketResult",
        [
          ["Name", bucket],
          ["Prefix", spell(prefix)],
          ["Marker", spell(marker)],
          ["MaxKeys", limit],
          delimiter ? ["Delimiter", spell(delimiter)] : null,
          query.get("encoding-type") ? ["EncodingType", "url"] : null,
          ["IsTruncated", page.next !== null],
          // As S3: without a delimiter, clients go on from the last key.
          page.next !== null && delimiter ? ["NextMarker", spell(page.next)] : null,
          ...contents(page.entries, spell, true),
          ...commonPrefixes(page.prefixes, spell),
        ],
      ],
    };
  };

  const uploadRows = db.prepare("SELECT key, id, started FROM s3_uploads WHERE bucket = ? ORDER BY key, started, id");

  /** Uploads under way are few: all of a bucket's are read. */
  const ListMultipartUploads: Operation = (request) => {
    const { bucket, query } = request;
    objects.requireBucket(bucket);
    const spell = spelling(request);
    const limit = numberOf(request, "max-uploads", PAGE, 0, PAGE);
    const prefix = query.get("prefix") ?? "";
    const delimiter = query.get("delimiter") ?? "";
    const keyMarker = query.get("key-marker") ?? "";
    const idMarker = keyMarker ? (query.get("upload-id-marker") ?? "") : "";
    const rows = uploadRows.all(bucket) as { key: string; id: string; started: number }[];
    const compare = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
    const marked = idMarker ? rows.findIndex((row) => row.key === keyMarker && row.id === idMarker) : -1;
    const shown: Xml[] = [];
    const prefixes: string[] = [];
    let last = { key: "", id: "" };
    let truncated = false;
    for (const [index, row] of rows.entries()) {
      if (!row.key.startsWith(prefix)) continue;
      const past = marked >= 0 ? index > marked : keyMarker === "" || compare(row.key, keyMarker) > 0;
      const cut = delimiter ? row.key.indexOf(delimiter, prefix.length) : -1;
      const common = cut < 0 ? null : row.key.slice(0, cut + delimiter.length);
      if (
        !past ||
        (common !== null && (common === prefixes.at(-1) || (keyMarker !== "" && compare(common, keyMarker) <= 0)))
      )
        continue;
      if (shown.length + prefixes.length === limit) {
        truncated = true;
        break;
      }
      last = { key: common ?? row.key, id: common === null ? row.id : "" };
      if (common !== null) prefixes.push(common);
      else
        shown.push([
          "Upload",
          [
            ["Key", spell(row.key)],
            ["UploadId", row.id],
            [
              "Initiator",
              [
                ["ID", OWNER],
                ["DisplayName", OWNER],
              ],
            ],
            owner,
            ["StorageClass", "STANDARD"],
            ["Initiated", isoDate(row.started)],
          ],
        ]);
    }
    return {
      xml: [
        "ListMultipartUploadsResult",
        [
          ["Bucket", bucket],
          ["KeyMarker", spell(keyMarker)],
          ["UploadIdMarker", idMarker],
          truncated ? ["NextKeyMarker", spell(last.key)] : null,
          truncated ? ["NextUploadIdMarker", last.id] : null,
          prefix ? ["Prefix", spell(prefix)] : null,
          delimiter ? ["Delimiter", spell(delimiter)] : null,
          ["MaxUploads", limit],
          query.get("encoding-type") ? ["EncodingType", "url"] : null,
          ["IsTruncated", truncated],
          ...shown,
          ...commonPrefixes(prefixes, spell),
        ],
      ],
    };
  };

  return { ListObjectsV2, ListObjects, ListMultipartUploads };
};
