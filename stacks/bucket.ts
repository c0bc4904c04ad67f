/// <reference path="../.sst/platform/config.d.ts" />
import type { StageKey } from "./key.ts";
import { denyPlainHttp, type PolicyStatement, policyDocument } from "./policy.ts";
import type { River } from "./river.ts";

export type Rule = $util.Unwrap<NonNullable<aws.s3.BucketLifecycleConfigurationArgs["rules"]>>[number];

/** Until a version that was replaced or deleted goes for good: time to notice a mistake and to undo it. */
const MISTAKE_DAYS = 90;
/** Parts of an upload that nobody completed cost money, and are seen by nobody. */
const UPLOAD_DAYS = 7;

/** What every bucket refuses, whoever asks; `keyArn`: objects under any other key or encryption, too. */
export const bucketPolicy = (name: string, keyArn?: string): PolicyStatement[] => {
  const arn = `arn:aws:s3:::${name}`;
  const other = (sid: string, header: string, value: string): PolicyStatement => ({
    sid,
    effect: "Deny",
    actions: ["s3:PutObject"],
    resources: [`${arn}/*`],
    // A request that asks for none gets the bucket's own.
    conditions: { StringNotEquals: { [header]: value }, Null: { [header]: "false" } },
  });
  return [
    denyPlainHttp("s3:*", [arn, `${arn}/*`]),
    {
      sid: "NoOldTls",
      effect: "Deny",
      actions: ["s3:*"],
      resources: [arn, `${arn}/*`],
      conditions: { NumericLessThan: { "s3:TlsVersion": "1.2" } },
    },
    ...(keyArn
      ? [
          other("NoOtherEncryption", "s3:x-amz-server-side-encryption", "aws:kms"),
          other("NoOtherKey", "s3:x-amz-server-side-encryption-aws-kms-key-id", keyArn),
        ]
      : []),
  ];
};

/**
 * A bucket that is private, encrypted with the stage's key, versioned, and spoken to over TLS 1.2 alone. No rule of it
 * expires what is live by age unless `rules` say so. Of production it stays when the stage goes, with all its guards,
 * which are there before what depends on them.
 */
export const guardedBucket = (
  river: River,
  key: StageKey,
  logical: string,
  more: { rules?: Rule[]; allow?: PolicyStatement[]; anyEncryption?: true } = {},
): { bucket: aws.s3.Bucket; guards: $util.Resource[] } => {
  const keep = { retainOnDelete: river.production };
  const name = river.bucket(logical);
  const made = new aws.s3.Bucket(logical, { bucket: name, forceDestroy: !river.production }, keep);
  const bucket = made.bucket;
  const access = new aws.s3.BucketPublicAccessBlock(
    `${logical}Access`,
    { bucket, blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true },
    keep,
  );
  const owner = new aws.s3.BucketOwnershipControls(
    `${logical}Owner`,
    { bucket, rule: { objectOwnership: "BucketOwnerEnforced" } },
    keep,
  );
  const encryption = new aws.s3.BucketServerSideEncryptionConfiguration(
    `${logical}Encryption`,
    {
      bucket,
      rules: [
        {
          applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: key.arn },
          // One call to KMS for many objects.
          bucketKeyEnabled: true,
          // Under a key that only its sender has nobody else reads anything.
          blockedEncryptionTypes: ["SSE-C"],
        },
      ],
    },
    keep,
  );
  const versions = new aws.s3.BucketVersioning(
    `${logical}Versions`,
    { bucket, versioningConfiguration: { status: "Enabled" } },
    keep,
  );
  new aws.s3.BucketLifecycleConfiguration(
    `${logical}Lifecycle`,
    {
      bucket,
      rules: [
        {
          id: "leftovers",
          status: "Enabled",
          filter: { prefix: "" },
          abortIncompleteMultipartUpload: { daysAfterInitiation: UPLOAD_DAYS },
          noncurrentVersionExpiration: { noncurrentDays: MISTAKE_DAYS },
          expiration: { expiredObjectDeleteMarker: true },
        },
        ...(more.rules ?? []),
      ],
    },
    { ...keep, dependsOn: [versions] },
  );
  const policy = new aws.s3.BucketPolicy(
    `${logical}Policy`,
    {
      bucket,
      policy: key.arn.apply((arn) =>
        policyDocument([...bucketPolicy(name, more.anyEncryption ? undefined : arn), ...(more.allow ?? [])]),
      ),
    },
    // Both at once: S3 answers that a conflicting operation is under way.
    { ...keep, dependsOn: [access] },
  );
  return { bucket: made, guards: [access, owner, encryption, versions, policy] };
};
