/// <reference path="../.sst/platform/config.d.ts" />
import { guardedBucket } from "./bucket.ts";
import type { StageKey } from "./key.ts";
import type { River } from "./river.ts";

/**
 * Who read and wrote which object of the stage: CloudTrail's data events, in a bucket of their own, which logs of itself
 * would fill. An option, as it costs by the event.
 */
export const audit = (river: River, key: StageKey): void => {
  const { stage } = river;
  const name = river.name("audit");
  const trail = `arn:aws:cloudtrail:${stage.region}:${stage.account}:trail/${name}`;
  const arn = `arn:aws:s3:::${river.bucket("audit")}`;
  const service = "cloudtrail.amazonaws.com";
  const { bucket, guards } = guardedBucket(river, key, "audit", {
    // Digests of the logs come under S3's own key, whatever the logs' is (CloudTrail: Encrypting with KMS).
    anyEncryption: true,
    allow: [
      {
        sid: "TrailLooks",
        service,
        actions: ["s3:GetBucketAcl"],
        resources: [arn],
        conditions: { StringEquals: { "aws:SourceArn": trail } },
      },
      {
        sid: "TrailWrites",
        service,
        actions: ["s3:PutObject"],
        resources: [`${arn}/AWSLogs/${stage.account}/*`],
        conditions: {
          StringEquals: { "aws:SourceArn": trail, "s3:x-amz-acl": "bucket-owner-full-control" },
        },
      },
    ],
  });
  const objects = river.topology.buckets.map((logical) => `arn:aws:s3:::${river.bucket(logical)}/`);
  new aws.cloudtrail.Trail(
    "auditTrail",
    {
      name,
      s3BucketName: bucket.bucket,
      kmsKeyId: key.arn,
      enableLogFileValidation: true,
      includeGlobalServiceEvents: false,
      isMultiRegionTrail: false,
      advancedEventSelectors: [
        {
          name: "objects of the stage",
          fieldSelectors: [
            { field: "eventCategory", equals: ["Data"] },
            { field: "resources.type", equals: ["AWS::S3::Object"] },
            { field: "resources.ARN", startsWiths: objects },
          ],
        },
      ],
    },
    // CloudTrail looks whether it may write before there is a trail.
    { dependsOn: guards },
  );
};
