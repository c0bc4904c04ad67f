import { asking, type Case, type Step } from "../case.ts";

const { ok, no } = asking("s3");
const bucket = ok("CreateBucket", {
  Bucket: "<own>",
  CreateBucketConfiguration: { LocationConstraint: "<region>" },
});
const at = (Key: string, more: Step["with"] = {}): Step["with"] => ({ Bucket: "<own>", Key, ...more });
const bytes = (text: string) => ({ $blob: text });
const put = (Key: string, text: string, more: Step["with"] = {}, keep?: Step["keep"]) =>
  ok("PutObject", at(Key, { Body: bytes(text), ...more }), {}, keep);
const has = (Key: string, text: string) => ok("GetObject", at(Key), { Body: bytes(text) });
/** What HEAD is refused with has no body: only its status tells why. */
const notFound = ["NotFound", 404, "404"] as const;
const md5 = '"5d41402abc4b2a76b9719d911017c592"';

const ranged = (what: string, Range: string, text: string, ContentRange: string): Case => ({
  name: `GetObject: ${what}`,
  steps: [bucket, put("k", "hello"), ok("GetObject", at("k", { Range }), { Body: bytes(text), ContentRange })],
});

/** Objects: written, read, copied, deleted, tagged. */
export const s3Objects: readonly Case[] = [
  {
    name: "PutObject: an object comes back as it was put",
    steps: [
      bucket,
      ok(
        "PutObject",
        at("dir/olá a+b=c.txt", {
          Body: bytes("hello"),
          ContentType: "text/plain",
          CacheControl: "no-cache",
          ContentDisposition: "inline",
          ContentLanguage: "pt-BR",
          Metadata: { scraped: "2024-11-08" },
        }),
        { ETag: md5 },
      ),
      ok("GetObject", at("dir/olá a+b=c.txt"), {
        Body: bytes("hello"),
        ETag: md5,
        ContentLength: 5,
        AcceptRanges: "bytes",
        ContentType: "text/plain",
        CacheControl: "no-cache",
        ContentDisposition: "inline",
        ContentLanguage: "pt-BR",
        Metadata: { scraped: "2024-11-08" },
        LastModified: { $date: [-60, 60] },
      }),
      ok("HeadObject", at("dir/olá a+b=c.txt"), { ETag: md5, ContentLength: 5, ContentType: "text/plain" }),
    ],
  },
  {
    name: "PutObject: without a content type it is binary/octet-stream",
    steps: [
      bucket,
      put("k", "hello"),
      ok("HeadObject", at("k"), { ContentType: { $like: "(binary|application)/octet-stream" } }),
    ],
  },
  {
    name: "PutObject: an empty object",
    steps: [
      bucket,
      ok("PutObject", at("k", { Body: bytes("") }), { ETag: '"d41d8cd98f00b204e9800998ecf8427e"' }),
      ok("GetObject", at("k"), { ContentLength: 0, Body: bytes("") }),
    ],
  },
  {
    name: "PutObject: a bucket that there is not",
    steps: [no("PutObject", at("k", { Body: bytes("x") }), "NoSuchBucket", 404)],
  },
  {
    name: "PutObject: If-None-Match * once, then 412",
    steps: [
      bucket,
      put("k", "first", { IfNoneMatch: "*" }),
      no("PutObject", at("k", { Body: bytes("second"), IfNoneMatch: "*" }), "PreconditionFailed", 412),
      has("k", "first"),
    ],
  },
  {
    name: "PutObject: If-Match of the ETag that there is",
    steps: [
      bucket,
      put("k", "first", {}, { etag: "ETag" }),
      put("k", "second", { IfMatch: "<etag>" }),
      no("PutObject", at("k", { Body: bytes("third"), IfMatch: "<etag>" }), "PreconditionFailed", 412),
      has("k", "second"),
    ],
  },
  {
    name: "PutObject: If-Match of a key that there is not",
    steps: [bucket, no("PutObject", at("k", { Body: bytes("x"), IfMatch: md5 }), "NoSuchKey", 404)],
  },
  {
    name: "PutObject: If-None-Match of anything but *",
    steps: [bucket, no("PutObject", at("k", { Body: bytes("x"), IfNoneMatch: md5 }), "NotImplemented", 501)],
  },
  {
    name: "PutObject: If-Match *",
    steps: [bucket, put("k", "x"), no("PutObject", at("k", { Body: bytes("x"), IfMatch: "*" }), "NotImplemented", 501)],
  },
  {
    name: "PutObject: If-Match and If-None-Match",
    steps: [
      bucket,
      no("PutObject", at("k", { Body: bytes("x"), IfMatch: md5, IfNoneMatch: "*" }), "NotImplemented", 501),
    ],
  },
  {
    name: "PutObject: a tag twice in its header",
    steps: [bucket, no("PutObject", at("k", { Body: bytes("x"), Tagging: "a=1&a=2" }), "InvalidArgument")],
  },
  {
    name: "PutObject: another Content-MD5 than the body's",
    steps: [
      bucket,
      no("PutObject", at("k", { Body: bytes("hello"), ContentMD5: "1B2M2Y8AsgTpgAmY7PhCfg==" }), "BadDigest"),
      no("HeadObject", at("k"), ...notFound),
    ],
  },
  {
    name: "PutObject: a Content-MD5 that is none",
    steps: [bucket, no("PutObject", at("k", { Body: bytes("hello"), ContentMD5: "x" }), "InvalidDigest")],
  },
  {
    name: "PutObject: another CRC32 than the body's",
    steps: [bucket, no("PutObject", at("k", { Body: bytes("hello"), ChecksumCRC32: "AAAAAA==" }), "BadDigest")],
  },
  {
    name: "PutObject: a CRC32 that is none",
    steps: [bucket, no("PutObject", at("k", { Body: bytes("hello"), ChecksumCRC32: "x" }), "InvalidRequest")],
  },
  {
    name: "PutObject: a SHA-256 is kept, and given if it is asked for",
    steps: [
      bucket,
      ok(
        "PutObject",
        at("k", { Body: bytes("hello"), ChecksumSHA256: "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=" }),
        {
          ChecksumSHA256: "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
        },
      ),
      ok("HeadObject", at("k", { ChecksumMode: "ENABLED" }), {
        ChecksumSHA256: "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
        ChecksumType: "FULL_OBJECT",
      }),
    ],
  },
  {
    name: "PutObject: the client's own CRC32 is kept",
    steps: [
      bucket,
      ok("PutObject", at("k", { Body: bytes("hello") }), { ChecksumCRC32: "NhCmhg==", ChecksumType: "FULL_OBJECT" }),
      ok("GetObject", at("k", { ChecksumMode: "ENABLED" }), { ChecksumCRC32: "NhCmhg==" }),
    ],
  },
  {
    name: "PutObject: a key of 1,024 bytes, and not of 1,025",
    steps: [
      bucket,
      ok("PutObject", { Bucket: "<own>", Key: { $repeat: ["k", 1024] }, Body: bytes("x") }),
      no("PutObject", { Bucket: "<own>", Key: { $repeat: ["k", 1025] }, Body: bytes("x") }, "KeyTooLongError"),
    ],
  },
  {
    name: "PutObject: metadata above 2 KB",
    steps: [
      bucket,
      no(
        "PutObject",
        { Bucket: "<own>", Key: "k", Body: bytes("x"), Metadata: { long: { $repeat: ["x", 2049] } } },
        "MetadataTooLarge",
      ),
    ],
  },
  {
    name: "PutObject: a storage class is kept",
    steps: [
      bucket,
      put("k", "x", { StorageClass: "STANDARD_IA" }),
      ok("HeadObject", at("k"), { StorageClass: "STANDARD_IA" }),
    ],
  },
  {
    name: "PutObject: a storage class that there is not",
    steps: [bucket, no("PutObject", at("k", { Body: bytes("x"), StorageClass: "COLD" }), "InvalidStorageClass")],
  },
  {
    name: "GetObject: a key that there is not",
    steps: [bucket, no("GetObject", at("k"), "NoSuchKey", 404)],
  },
  {
    name: "GetObject: a bucket that there is not",
    steps: [no("GetObject", at("k"), "NoSuchBucket", 404)],
  },
  ranged("bytes=1-3", "bytes=1-3", "ell", "bytes 1-3/5"),
  ranged("bytes=-2, a suffix", "bytes=-2", "lo", "bytes 3-4/5"),
  ranged("bytes=-99, a suffix longer than the object", "bytes=-99", "hello", "bytes 0-4/5"),
  ranged("bytes=2-", "bytes=2-", "llo", "bytes 2-4/5"),
  ranged("bytes=3-99, past the end", "bytes=3-99", "lo", "bytes 3-4/5"),
  {
    name: "GetObject: a range past the end",
    steps: [bucket, put("k", "hello"), no("GetObject", at("k", { Range: "bytes=5-" }), "InvalidRange", 416)],
  },
  {
    name: "GetObject: a range of an empty object",
    steps: [bucket, put("k", ""), no("GetObject", at("k", { Range: "bytes=0-3" }), "InvalidRange", 416)],
  },
  {
    name: "GetObject: what is no range is ignored",
    steps: [
      bucket,
      put("k", "hello"),
      ok("GetObject", at("k", { Range: "lines=1-2" }), { Body: bytes("hello"), ContentRange: { $none: true } }),
    ],
  },
  {
    name: "GetObject: If-Match of another ETag",
    steps: [bucket, put("k", "hello"), no("GetObject", at("k", { IfMatch: '"other"' }), "PreconditionFailed", 412)],
  },
  {
    name: "GetObject: If-None-Match of its ETag is 304",
    steps: [bucket, put("k", "hello"), no("GetObject", at("k", { IfNoneMatch: md5 }), "Unknown", 304, "304")],
  },
  {
    name: "GetObject: response-content-type",
    steps: [
      bucket,
      put("k", "hello"),
      ok("GetObject", at("k", { ResponseContentType: "text/csv" }), { ContentType: "text/csv" }),
    ],
  },
  {
    name: "GetObject: PartNumber 2 of an object of one part",
    steps: [bucket, put("k", "hello"), no("GetObject", at("k", { PartNumber: 2 }), "InvalidPartNumber", 416)],
  },
  {
    name: "HeadObject: a key that there is not",
    steps: [bucket, no("HeadObject", at("k"), ...notFound)],
  },
  {
    name: "HeadObject: a bucket that there is not",
    steps: [no("HeadObject", at("k"), ...notFound)],
  },
  {
    name: "HeadObject: If-Match of another ETag",
    steps: [bucket, put("k", "hello"), no("HeadObject", at("k", { IfMatch: '"other"' }), "Unknown", 412, "412")],
  },
  {
    name: "GetObjectAttributes: size, ETag and checksum",
    steps: [
      bucket,
      put("k", "hello"),
      ok("GetObjectAttributes", at("k", { ObjectAttributes: ["ETag", "ObjectSize", "Checksum", "StorageClass"] }), {
        ETag: "5d41402abc4b2a76b9719d911017c592",
        ObjectSize: 5,
        Checksum: { ChecksumCRC32: "NhCmhg==", ChecksumType: "FULL_OBJECT" },
        StorageClass: "STANDARD",
      }),
    ],
  },
  {
    name: "GetObjectAttributes: a key that there is not",
    steps: [bucket, no("GetObjectAttributes", at("k", { ObjectAttributes: ["ETag"] }), "NoSuchKey", 404)],
  },
  {
    name: "CopyObject: with its metadata",
    steps: [
      bucket,
      put("from/a=1", "hello", { ContentType: "text/csv", Metadata: { a: "1" } }),
      ok("CopyObject", at("to", { CopySource: "<own>/from/a=1" }), {
        CopyObjectResult: { ETag: md5, LastModified: { $any: true } },
      }),
      ok("GetObject", at("to"), { Body: bytes("hello"), ContentType: "text/csv", Metadata: { a: "1" } }),
    ],
  },
  {
    name: "CopyObject: with other metadata",
    steps: [
      bucket,
      put("from", "hello", { Metadata: { a: "1" } }),
      ok("CopyObject", at("to", { CopySource: "<own>/from", MetadataDirective: "REPLACE", Metadata: { b: "2" } })),
      ok("HeadObject", at("to"), { Metadata: { a: { $none: true }, b: "2" } }),
    ],
  },
  {
    name: "CopyObject: onto itself without a change",
    steps: [bucket, put("k", "hello"), no("CopyObject", at("k", { CopySource: "<own>/k" }), "InvalidRequest")],
  },
  {
    name: "CopyObject: a source that there is not",
    steps: [bucket, no("CopyObject", at("to", { CopySource: "<own>/none" }), "NoSuchKey", 404)],
  },
  {
    name: "CopyObject: a source bucket that there is not",
    steps: [bucket, no("CopyObject", at("to", { CopySource: "<own>-none/k" }), "NoSuchBucket", 404)],
  },
  {
    name: "CopyObject: x-amz-copy-source-if-match of another ETag",
    steps: [
      bucket,
      put("from", "hello"),
      no("CopyObject", at("to", { CopySource: "<own>/from", CopySourceIfMatch: '"other"' }), "PreconditionFailed", 412),
    ],
  },
  {
    name: "CopyObject: If-None-Match * on a key that there is",
    steps: [
      bucket,
      put("from", "hello"),
      put("to", "kept"),
      no("CopyObject", at("to", { CopySource: "<own>/from", IfNoneMatch: "*" }), "PreconditionFailed", 412),
      has("to", "kept"),
    ],
  },
  {
    name: "DeleteObject: twice",
    steps: [
      bucket,
      put("k", "hello"),
      ok("DeleteObject", at("k")),
      ok("DeleteObject", at("k")),
      no("HeadObject", at("k"), ...notFound),
    ],
  },
  {
    name: "DeleteObject: If-Match of another ETag",
    steps: [
      bucket,
      put("k", "hello"),
      no("DeleteObject", at("k", { IfMatch: '"other"' }), "PreconditionFailed", 412),
      has("k", "hello"),
    ],
  },
  {
    name: "DeleteObject: a bucket that there is not",
    steps: [no("DeleteObject", at("k"), "NoSuchBucket", 404)],
  },
  {
    name: "DeleteObjects: a key that there is not is deleted, too",
    steps: [
      bucket,
      put("a", "1"),
      put("b", "2"),
      ok(
        "DeleteObjects",
        { Bucket: "<own>", Delete: { Objects: [{ Key: "a" }, { Key: "none" }] } },
        {
          Deleted: { $has: [{ Key: "a" }, { Key: "none" }] },
          Errors: { $none: true },
        },
      ),
      no("HeadObject", at("a"), ...notFound),
      has("b", "2"),
    ],
  },
  {
    name: "DeleteObjects: quiet says nothing of what went well",
    steps: [
      bucket,
      put("a", "1"),
      ok(
        "DeleteObjects",
        { Bucket: "<own>", Delete: { Quiet: true, Objects: [{ Key: "a" }] } },
        { Deleted: { $none: true } },
      ),
    ],
  },
  {
    name: "DeleteObjects: 1,001 keys",
    steps: [
      bucket,
      no(
        "DeleteObjects",
        { Bucket: "<own>", Delete: { Objects: { $times: [1001, { Key: "k<i>" }] } } },
        "MalformedXML",
      ),
    ],
  },
  {
    name: "DeleteObjects: no key",
    steps: [bucket, no("DeleteObjects", { Bucket: "<own>", Delete: { Objects: [] } }, "MalformedXML")],
  },
  {
    name: "DeleteObjects: a bucket that there is not",
    steps: [no("DeleteObjects", { Bucket: "<own>", Delete: { Objects: [{ Key: "k" }] } }, "NoSuchBucket", 404)],
  },
  {
    name: "PutObjectTagging: put, with the object or after it, and deleted",
    steps: [
      bucket,
      put("k", "hello", { Tagging: "a=1&b=x%20y" }),
      ok("HeadObject", at("k"), { TagCount: 2 }),
      ok("GetObjectTagging", at("k"), {
        TagSet: {
          $has: [
            { Key: "a", Value: "1" },
            { Key: "b", Value: "x y" },
          ],
        },
      }),
      ok("PutObjectTagging", at("k", { Tagging: { TagSet: [{ Key: "c", Value: "3" }] } })),
      ok("GetObjectTagging", at("k"), { TagSet: [{ Key: "c", Value: "3" }] }),
      ok("DeleteObjectTagging", at("k")),
      ok("GetObjectTagging", at("k"), { TagSet: [] }),
    ],
  },
  {
    name: "PutObjectTagging: 11 tags",
    steps: [
      bucket,
      put("k", "hello"),
      no(
        "PutObjectTagging",
        at("k", { Tagging: { TagSet: { $times: [11, { Key: "t<i>", Value: "x" }] } } }),
        "BadRequest",
      ),
    ],
  },
  {
    name: "PutObjectTagging: a key twice",
    steps: [
      bucket,
      put("k", "hello"),
      no(
        "PutObjectTagging",
        at("k", {
          Tagging: {
            TagSet: [
              { Key: "a", Value: "1" },
              { Key: "a", Value: "2" },
            ],
          },
        }),
        "InvalidTag",
      ),
    ],
  },
  {
    name: "PutObjectTagging: a key of 129 characters",
    steps: [
      bucket,
      put("k", "hello"),
      no(
        "PutObjectTagging",
        at("k", { Tagging: { TagSet: [{ Key: { $repeat: ["a", 129] }, Value: "1" }] } }),
        "InvalidTag",
      ),
    ],
  },
  {
    name: "PutObjectTagging: a tag that begins with aws:",
    steps: [
      bucket,
      put("k", "hello"),
      no("PutObjectTagging", at("k", { Tagging: { TagSet: [{ Key: "aws:a", Value: "1" }] } }), "InvalidTag"),
    ],
  },
  {
    name: "GetObjectTagging: a key that there is not",
    steps: [bucket, no("GetObjectTagging", at("k"), "NoSuchKey", 404)],
  },
];
