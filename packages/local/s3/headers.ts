import { headerOf } from "./checksums.ts";
import { refusal } from "./errors.ts";
import type { S3Request } from "./request.ts";
import type { Entity, Metadata, StoredObject } from "./tables.ts";

/** Headers that are stored with an object and given back with it. */
const entityNames = [
  "content-type",
  "content-encoding",
  "cache-control",
  "content-disposition",
  "content-language",
  "expires",
] as const;
export const STORAGE_CLASS = "x-amz-storage-class";
/** S3's classes that an object of a general purpose bucket may be put in (API model). */
const storageClasses = new Set([
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER",
  "DEEP_ARCHIVE",
  "GLACIER_IR",
]);

/** The storage class that a request asks for, null for the usual one. Throws InvalidStorageClass. */
export const storageClassOf = ({ header }: S3Request): string | null => {
  const asked = header(STORAGE_CLASS);
  if (asked !== undefined && !storageClasses.has(asked))
    throw refusal("InvalidStorageClass", { StorageClassRequested: asked });
  return asked === undefined || asked === "STANDARD" ? null : asked;
};

/** AWS: names and values of user metadata together. */
const METADATA_BYTES = 2 * 1024;

/** Headers that change what an object means and that nothing here carries out: refused by name rather than ignored. */
const refused = [
  "x-amz-server-side-encryption-customer-algorithm",
  "x-amz-copy-source-server-side-encryption-customer-algorithm",
  "x-amz-server-side-encryption-aws-kms-key-id",
  "x-amz-object-lock-mode",
  "x-amz-object-lock-retain-until-date",
  "x-amz-object-lock-legal-hold",
  "x-amz-website-redirect-location",
  "x-amz-write-offset-bytes",
];

export const refuseUnknownMeaning = ({ header, http }: S3Request): void => {
  const name =
    refused.find((n) => header(n) !== undefined) ??
    (!["AES256", undefined].includes(header("x-amz-server-side-encryption"))
      ? "x-amz-server-side-encryption"
      : undefined);
  if (name) throw notImplemented(name);
  const acl = header("x-amz-acl");
  if (hasGrants(http.headers) || (acl !== undefined && acl !== "private" && acl !== "bucket-owner-full-control"))
    throw refusal("AccessControlListNotSupported");
};

const notImplemented = (name: string) =>
  refusal(
    "NotImplemented",
    { Header: name },
    `A header you provided implies functionality that is not implemented: ${name}`,
  );
const hasGrants = (headers: object): boolean => Object.keys(headers).some((n) => n.startsWith("x-amz-grant-"));

/** Buckets here are their owner's alone, and their objects can always be removed: another wish is refused by name. */
export const refuseOtherBucket = ({ header, http }: S3Request): void => {
  if (hasGrants(http.headers) || !["private", undefined].includes(header("x-amz-acl")))
    throw refusal("InvalidBucketAclWithObjectOwnership");
  if (header("x-amz-bucket-object-lock-enabled")?.toLowerCase() === "true")
    throw notImplemented("x-amz-bucket-object-lock-enabled");
  if (!["BucketOwnerEnforced", undefined].includes(header("x-amz-object-ownership")))
    throw notImplemented("x-amz-object-ownership");
};

/** What to store of a request's headers. `aws-chunked` is about the transfer only. */
export const entityOf = (request: S3Request): Entity => {
  const { header } = request;
  const entity: Entity = {};
  for (const name of entityNames) {
    const value = header(name);
    if (value !== undefined && value !== "") entity[name] = value;
  }
  const encodings = (entity["content-encoding"] ?? "").split(",").map((e) => e.trim());
  const kept = encodings.filter((e) => e && e !== "aws-chunked").join(",");
  if (kept) entity["content-encoding"] = kept;
  else delete entity["content-encoding"];
  const storageClass = storageClassOf(request);
  if (storageClass) entity[STORAGE_CLASS] = storageClass;
  return entity;
};

const META = "x-amz-meta-";

/** User metadata, names in lower case, values as the bytes they arrived in (latin-1). Throws MetadataTooLarge. */
export const metadataOf = ({ http, query, header }: S3Request): Metadata => {
  const metadata: Metadata = {};
  for (const [name, value] of query)
    if (name.toLowerCase().startsWith(META))
      metadata[name.toLowerCase().slice(META.length)] = Buffer.from(value).toString("latin1");
  for (const name of Object.keys(http.headers))
    if (name.startsWith(META)) metadata[name.slice(META.length)] = header(name) ?? "";
  const size = Object.entries(metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (size > METADATA_BYTES) throw refusal("MetadataTooLarge", { Size: size, MaxSizeAllowed: METADATA_BYTES });
  return metadata;
};

/** AWS encrypts every object at rest and says so. */
export const ENCRYPTION = { "x-amz-server-side-encryption": "AES256" };

/** The checksum of a version, as headers of an answer. */
export const checksumHeaders = (checksum: StoredObject["checksum"]): Record<string, string> =>
  checksum ? { [headerOf(checksum.algorithm)]: checksum.value, "x-amz-checksum-type": checksum.type } : {};

export const quoted = (etag: string): string => `"${etag}"`;
/** S3 shows whole seconds, everywhere. */
export const httpDate = (ms: number): string => new Date(ms).toUTCString();
export const isoDate = (ms: number): string => new Date(Math.floor(ms / 1000) * 1000).toISOString();

/** The headers of an object itself, for GET and HEAD. */
export const objectHeaders = (object: StoredObject): Record<string, string | number | undefined> => ({
  ...ENCRYPTION,
  "content-type": "binary/octet-stream",
  ...object.headers,
  etag: quoted(object.etag),
  "last-modified": httpDate(object.modified),
  "accept-ranges": "bytes",
  ...(object.tags.length ? { "x-amz-tagging-count": object.tags.length } : {}),
  ...Object.fromEntries(Object.entries(object.metadata).map(([name, value]) => [META + name, value])),
});
