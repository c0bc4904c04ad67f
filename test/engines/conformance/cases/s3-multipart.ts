import { asking, type Case, type Step } from "../case.ts";

const { ok, no } = asking("s3");
const bucket = ok("CreateBucket", {
  Bucket: "<own>",
  CreateBucketConfiguration: { LocationConstraint: "<region>" },
});
const at = (more: Step["with"] = {}): Step["with"] => ({ Bucket: "<own>", Key: "k", ...more });
const begin = ok(
  "CreateMultipartUpload",
  at(),
  { UploadId: { $any: true }, Bucket: "<own>", Key: "k" },
  { id: "UploadId" },
);
const of = (more: Step["with"] = {}): Step["with"] => at({ UploadId: "<id>", ...more });
const part = (PartNumber: number, text: string) =>
  ok(
    "UploadPart",
    of({ PartNumber, Body: { $blob: text } }),
    { ETag: { $like: '"[0-9a-f]{32}"' } },
    { [`e${PartNumber}`]: "ETag" },
  );
const large = ok(
  "UploadPart",
  of({ PartNumber: 1, Body: { $blob: { $repeat: ["x", 5_242_880] } } }),
  {},
  { e1: "ETag" },
);
const parts = (...numbers: number[]) => ({
  MultipartUpload: { Parts: numbers.map((PartNumber) => ({ PartNumber, ETag: `<e${PartNumber}>` })) },
});
const gone = ["NoSuchUpload", 404] as const;

/** Uploads in parts. */
export const s3Multipart: readonly Case[] = [
  {
    name: "CompleteMultipartUpload: two parts are one object",
    steps: [
      bucket,
      begin,
      large,
      part(2, "end"),
      ok("ListParts", of(), {
        Parts: [
          { PartNumber: 1, Size: 5_242_880, ETag: "<e1>" },
          { PartNumber: 2, Size: 3, ETag: "<e2>" },
        ],
        IsTruncated: false,
      }),
      ok(
        "CompleteMultipartUpload",
        of(parts(1, 2)),
        { ETag: { $like: '"[0-9a-f]{32}-2"' }, Bucket: "<own>", Key: "k" },
        { etag: "ETag" },
      ),
      ok("HeadObject", at(), { ContentLength: 5_242_883, ETag: "<etag>" }),
      ok("GetObject", at({ PartNumber: 2 }), {
        Body: { $blob: "end" },
        PartsCount: 2,
        ContentRange: "bytes 5242880-5242882/5242883",
      }),
      ok("GetObject", at({ Range: "bytes=-4" }), { Body: { $blob: "xend" } }),
      no("ListParts", of(), ...gone),
    ],
  },
  {
    name: "CompleteMultipartUpload: only the parts that are named",
    steps: [
      bucket,
      begin,
      part(1, "one"),
      part(2, "two"),
      ok("CompleteMultipartUpload", of(parts(2)), { ETag: { $like: '.*-1"' } }),
      ok("GetObject", at(), { Body: { $blob: "two" } }),
    ],
  },
  {
    name: "CompleteMultipartUpload: a part below 5 MiB that is not the last",
    steps: [
      bucket,
      begin,
      part(1, "one"),
      part(2, "two"),
      no("CompleteMultipartUpload", of(parts(1, 2)), "EntityTooSmall"),
    ],
  },
  {
    name: "CompleteMultipartUpload: parts out of order",
    steps: [bucket, begin, large, part(2, "two"), no("CompleteMultipartUpload", of(parts(2, 1)), "InvalidPartOrder")],
  },
  {
    name: "CompleteMultipartUpload: a part that was not uploaded",
    steps: [
      bucket,
      begin,
      part(1, "one"),
      no(
        "CompleteMultipartUpload",
        of({ MultipartUpload: { Parts: [{ PartNumber: 3, ETag: "<e1>" }] } }),
        "InvalidPart",
      ),
    ],
  },
  {
    name: "CompleteMultipartUpload: another ETag than the part's",
    steps: [
      bucket,
      begin,
      part(1, "one"),
      no(
        "CompleteMultipartUpload",
        of({ MultipartUpload: { Parts: [{ PartNumber: 1, ETag: '"d41d8cd98f00b204e9800998ecf8427e"' }] } }),
        "InvalidPart",
      ),
    ],
  },
  {
    name: "CompleteMultipartUpload: no part",
    steps: [
      bucket,
      begin,
      part(1, "one"),
      no("CompleteMultipartUpload", of({ MultipartUpload: { Parts: [] } }), "MalformedXML"),
    ],
  },
  {
    name: "CompleteMultipartUpload: If-None-Match * on a key that there is",
    steps: [
      bucket,
      ok("PutObject", at({ Body: { $blob: "kept" } })),
      begin,
      part(1, "one"),
      no("CompleteMultipartUpload", of({ ...parts(1), IfNoneMatch: "*" }), "PreconditionFailed", 412),
      ok("GetObject", at(), { Body: { $blob: "kept" } }),
    ],
  },
  {
    name: "CompleteMultipartUpload: an upload that there is not",
    steps: [
      bucket,
      no(
        "CompleteMultipartUpload",
        at({
          UploadId: "none",
          MultipartUpload: { Parts: [{ PartNumber: 1, ETag: '"d41d8cd98f00b204e9800998ecf8427e"' }] },
        }),
        ...gone,
      ),
    ],
  },
  {
    name: "AbortMultipartUpload: nothing is left of it",
    steps: [
      bucket,
      begin,
      part(1, "one"),
      ok(
        "ListMultipartUploads",
        { Bucket: "<own>" },
        { Uploads: [{ Key: "k", UploadId: "<id>", Initiated: { $date: [-60, 60] } }] },
      ),
      ok("AbortMultipartUpload", of()),
      ok("ListMultipartUploads", { Bucket: "<own>" }, { Uploads: { $none: true } }),
      no("CompleteMultipartUpload", of(parts(1)), ...gone),
      no("HeadObject", at(), "NotFound", 404, "404"),
    ],
  },
  {
    name: "AbortMultipartUpload: an upload that there is not",
    steps: [bucket, no("AbortMultipartUpload", at({ UploadId: "none" }), ...gone)],
  },
  {
    name: "UploadPart: part 10,001",
    steps: [bucket, begin, no("UploadPart", of({ PartNumber: 10_001, Body: { $blob: "x" } }), "InvalidArgument")],
  },
  {
    name: "UploadPart: part 0",
    steps: [bucket, begin, no("UploadPart", of({ PartNumber: 0, Body: { $blob: "x" } }), "InvalidArgument")],
  },
  {
    name: "UploadPart: an upload that there is not",
    steps: [bucket, no("UploadPart", at({ UploadId: "none", PartNumber: 1, Body: { $blob: "x" } }), ...gone)],
  },
  {
    name: "UploadPart: the last body of a number counts",
    steps: [
      bucket,
      begin,
      part(1, "one"),
      part(1, "two"),
      ok("CompleteMultipartUpload", of(parts(1))),
      ok("GetObject", at(), { Body: { $blob: "two" } }),
    ],
  },
  {
    name: "UploadPartCopy: a range of another object",
    steps: [
      bucket,
      ok("PutObject", { Bucket: "<own>", Key: "from", Body: { $blob: "hello" } }),
      begin,
      ok(
        "UploadPartCopy",
        of({ PartNumber: 1, CopySource: "<own>/from", CopySourceRange: "bytes=1-3" }),
        { CopyPartResult: { ETag: { $any: true } } },
        { e1: "CopyPartResult.ETag" },
      ),
      ok("CompleteMultipartUpload", of(parts(1))),
      ok("GetObject", at(), { Body: { $blob: "ell" } }),
    ],
  },
  {
    name: "UploadPartCopy: a range that is none",
    steps: [
      bucket,
      ok("PutObject", { Bucket: "<own>", Key: "from", Body: { $blob: "hello" } }),
      begin,
      no("UploadPartCopy", of({ PartNumber: 1, CopySource: "<own>/from", CopySourceRange: "0-3" }), "InvalidArgument"),
    ],
  },
  {
    name: "UploadPartCopy: a source that there is not",
    steps: [bucket, begin, no("UploadPartCopy", of({ PartNumber: 1, CopySource: "<own>/none" }), "NoSuchKey", 404)],
  },
  {
    name: "CreateMultipartUpload: its metadata is the object's",
    steps: [
      bucket,
      ok("CreateMultipartUpload", at({ ContentType: "text/csv", Metadata: { a: "1" } }), {}, { id: "UploadId" }),
      part(1, "one"),
      ok("CompleteMultipartUpload", of(parts(1))),
      ok("HeadObject", at(), { ContentType: "text/csv", Metadata: { a: "1" } }),
    ],
  },
  {
    name: "CreateMultipartUpload: a bucket that there is not",
    steps: [no("CreateMultipartUpload", at(), "NoSuchBucket", 404)],
  },
];
