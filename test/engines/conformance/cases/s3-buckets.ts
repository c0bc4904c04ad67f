import { asking, type Case, type Step } from "../case.ts";

const { ok, no } = asking("s3");
const here = { CreateBucketConfiguration: { LocationConstraint: "<region>" } };
const bucket = ok("CreateBucket", { Bucket: "<own>", ...here });
const own = (more: Step["with"] = {}): Step["with"] => ({ Bucket: "<own>", ...more });
const put = (Key: string) => ok("PutObject", own({ Key, Body: { $blob: "x" } }));
const keys = (...names: string[]) => names.map((Key) => ({ Key }));

/** Buckets, and the listings of what is in them. */
export const s3Buckets: readonly Case[] = [
  {
    name: "CreateBucket: created, found, located, deleted",
    steps: [
      ok("CreateBucket", { Bucket: "<own>", ...here }, { Location: { $like: ".*<own>/?" } }),
      ok("HeadBucket", own(), { BucketRegion: "<region>" }),
      ok("GetBucketLocation", own(), { LocationConstraint: "<region>" }),
      ok("DeleteBucket", own()),
      no("HeadBucket", own(), "NotFound", 404, "404"),
    ],
  },
  {
    name: "CreateBucket: one's own again",
    steps: [bucket, no("CreateBucket", { Bucket: "<own>", ...here }, "BucketAlreadyOwnedByYou", 409)],
  },
  {
    name: "CreateBucket: a name with an upper-case letter",
    steps: [no("CreateBucket", { Bucket: "<own>Upper", ...here }, "InvalidBucketName")],
  },
  {
    name: "CreateBucket: another region than the endpoint's",
    steps: [
      no(
        "CreateBucket",
        { Bucket: "<own>", CreateBucketConfiguration: { LocationConstraint: "eu-west-1" } },
        "IllegalLocationConstraintException",
      ),
    ],
  },
  {
    name: "CreateBucket: us-east-1 by its name",
    steps: [
      no(
        "CreateBucket",
        { Bucket: "<own>", CreateBucketConfiguration: { LocationConstraint: "us-east-1" } },
        "InvalidLocationConstraint",
      ),
    ],
  },
  {
    name: "DeleteBucket: one that is not empty",
    steps: [bucket, put("k"), no("DeleteBucket", own(), "BucketNotEmpty", 409)],
  },
  {
    name: "DeleteBucket: one that there is not",
    steps: [no("DeleteBucket", own(), "NoSuchBucket", 404)],
  },
  {
    name: "GetBucketLocation: one that there is not",
    steps: [no("GetBucketLocation", own(), "NoSuchBucket", 404)],
  },
  {
    name: "ListBuckets: by prefix, in pages",
    steps: [
      ok("CreateBucket", { Bucket: "<own>-a", ...here }),
      ok("CreateBucket", { Bucket: "<own>-b", ...here }),
      ok(
        "ListBuckets",
        { Prefix: "<own>-" },
        {
          Buckets: [{ Name: "<own>-a", CreationDate: { $date: [-60, 60] } }, { Name: "<own>-b" }],
          Owner: { ID: { $any: true } },
        },
      ),
      ok(
        "ListBuckets",
        { Prefix: "<own>-", MaxBuckets: 1 },
        { Buckets: [{ Name: "<own>-a" }] },
        { next: "ContinuationToken" },
      ),
      ok(
        "ListBuckets",
        { Prefix: "<own>-", MaxBuckets: 1, ContinuationToken: "<next>" },
        { Buckets: [{ Name: "<own>-b" }] },
      ),
    ],
  },
  {
    name: "GetBucketNotificationConfiguration: none",
    steps: [bucket, ok("GetBucketNotificationConfiguration", own(), { QueueConfigurations: { $none: true } })],
  },
  {
    name: "PutBucketNotificationConfiguration: a queue that there is not",
    steps: [
      bucket,
      no(
        "PutBucketNotificationConfiguration",
        own({
          NotificationConfiguration: {
            QueueConfigurations: [
              { QueueArn: "arn:aws:sqs:<region>:<account>:<own>-none", Events: ["s3:ObjectCreated:*"] },
            ],
          },
        }),
        "InvalidArgument",
      ),
    ],
  },
  {
    name: "ListObjectsV2: in the order of the keys' bytes",
    steps: [
      bucket,
      put("b"),
      put("a/2"),
      put("a/10"),
      put("Z"),
      put("é"),
      ok("ListObjectsV2", own(), {
        Contents: keys("Z", "a/10", "a/2", "b", "é"),
        KeyCount: 5,
        IsTruncated: false,
        MaxKeys: 1000,
        Name: "<own>",
      }),
    ],
  },
  {
    name: "ListObjectsV2: of each object size, ETag and time",
    steps: [
      bucket,
      put("k"),
      ok("ListObjectsV2", own(), {
        Contents: [
          {
            Key: "k",
            Size: 1,
            ETag: '"9dd4e461268c8034f5c8564e155c67a6"',
            LastModified: { $date: [-60, 60] },
            StorageClass: "STANDARD",
            Owner: { $none: true },
          },
        ],
      }),
      ok("ListObjectsV2", own({ FetchOwner: true }), { Contents: [{ Owner: { ID: { $any: true } } }] }),
    ],
  },
  {
    name: "ListObjectsV2: checksum algorithms of the objects",
    steps: [bucket, put("k"), ok("ListObjectsV2", own(), { Contents: [{ Key: "k", ChecksumAlgorithm: ["CRC32"] }] })],
  },
  {
    name: "ListObjectsV2: an empty bucket",
    steps: [bucket, ok("ListObjectsV2", own(), { Contents: { $none: true }, KeyCount: 0, IsTruncated: false })],
  },
  {
    name: "ListObjectsV2: prefix and delimiter",
    steps: [
      bucket,
      put("raw/a/1"),
      put("raw/a/2"),
      put("raw/b/1"),
      put("raw/c"),
      put("other"),
      ok("ListObjectsV2", own({ Prefix: "raw/", Delimiter: "/" }), {
        Contents: keys("raw/c"),
        CommonPrefixes: [{ Prefix: "raw/a/" }, { Prefix: "raw/b/" }],
        KeyCount: 3,
        Prefix: "raw/",
        Delimiter: "/",
      }),
    ],
  },
  {
    name: "ListObjectsV2: pages",
    steps: [
      bucket,
      put("1"),
      put("2"),
      put("3"),
      ok(
        "ListObjectsV2",
        own({ MaxKeys: 2 }),
        { Contents: keys("1", "2"), IsTruncated: true, KeyCount: 2 },
        { next: "NextContinuationToken" },
      ),
      ok("ListObjectsV2", own({ MaxKeys: 2, ContinuationToken: "<next>" }), {
        Contents: keys("3"),
        IsTruncated: false,
        NextContinuationToken: { $none: true },
      }),
    ],
  },
  {
    name: "ListObjectsV2: a page that ends with a common prefix",
    steps: [
      bucket,
      put("a/1"),
      put("a/2"),
      put("b"),
      ok(
        "ListObjectsV2",
        own({ Delimiter: "/", MaxKeys: 1 }),
        { CommonPrefixes: [{ Prefix: "a/" }], Contents: { $none: true }, IsTruncated: true },
        { next: "NextContinuationToken" },
      ),
      ok("ListObjectsV2", own({ Delimiter: "/", ContinuationToken: "<next>" }), {
        Contents: keys("b"),
        CommonPrefixes: { $none: true },
      }),
    ],
  },
  {
    name: "ListObjectsV2: after a key, also one that there is not",
    steps: [
      bucket,
      put("1"),
      put("2"),
      put("3"),
      ok("ListObjectsV2", own({ StartAfter: "2" }), { Contents: keys("3"), StartAfter: "2" }),
      ok("ListObjectsV2", own({ StartAfter: "15" }), { Contents: keys("2", "3") }),
    ],
  },
  {
    name: "ListObjectsV2: no more than 1,000 at once",
    steps: [bucket, put("1"), ok("ListObjectsV2", own({ MaxKeys: 5000 }), { MaxKeys: 1000 })],
  },
  {
    name: "ListObjectsV2: MaxKeys 0",
    steps: [
      bucket,
      put("1"),
      ok("ListObjectsV2", own({ MaxKeys: 0 }), { Contents: { $none: true }, KeyCount: 0, IsTruncated: false }),
    ],
  },
  {
    name: "ListObjectsV2: MaxKeys -1",
    steps: [bucket, no("ListObjectsV2", own({ MaxKeys: -1 }), "InvalidArgument")],
  },
  {
    name: "ListObjectsV2: a continuation token that is none",
    steps: [bucket, no("ListObjectsV2", own({ ContinuationToken: "" }), "InvalidArgument")],
  },
  {
    name: "ListObjectsV2: keys spelled as URLs",
    steps: [
      bucket,
      put("a b+c"),
      ok("ListObjectsV2", own({ EncodingType: "url" }), { EncodingType: "url", Contents: [{ Key: "a+b%2Bc" }] }),
    ],
  },
  {
    name: "ListObjectsV2: an encoding that there is not",
    steps: [bucket, no("ListObjectsV2", own({ EncodingType: "gzip" }), "InvalidArgument")],
  },
  {
    name: "ListObjectsV2: a bucket that there is not",
    steps: [no("ListObjectsV2", own(), "NoSuchBucket", 404)],
  },
  {
    name: "ListObjects: markers",
    steps: [
      bucket,
      put("1"),
      put("2"),
      put("3"),
      ok("ListObjects", own({ MaxKeys: 2 }), {
        Contents: keys("1", "2"),
        IsTruncated: true,
        NextMarker: { $none: true },
      }),
      ok("ListObjects", own({ Marker: "2" }), { Contents: [{ Key: "3", Owner: { ID: { $any: true } } }], Marker: "2" }),
    ],
  },
  {
    name: "ListObjects: NextMarker with a delimiter only",
    steps: [
      bucket,
      put("a/1"),
      put("b/1"),
      ok("ListObjects", own({ Delimiter: "/", MaxKeys: 1 }), { CommonPrefixes: [{ Prefix: "a/" }], NextMarker: "a/" }),
    ],
  },
];
