import type { State } from "../state.ts";
import type { Bodies } from "./bodies.ts";
import { refusal } from "./errors.ts";
import { OWNER } from "./event.ts";
import { isoDate, refuseOtherBucket } from "./headers.ts";
import { takeText } from "./intake.ts";
import type { Objects } from "./objects.ts";
import { numberOf, type Operation } from "./request.ts";
import { parseAs, render, textOf } from "./xml.ts";

/** AWS's rules for names of general purpose buckets: also why none can leave the folder of buckets, or be `.tmp`. */
const validName = (name: string): boolean =>
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) && !name.includes("..") && !/^\d+\.\d+\.\d+\.\d+$/.test(name);

export const bucketsOf = (
  state: State,
  objects: Objects,
  bodies: Bodies,
  uploads: { closeAll: (bucket: string) => void },
  region: string,
  now: () => number,
) => {
  const { db } = state;
  const select = db.prepare("SELECT 1 FROM s3_buckets WHERE name = ?");
  const insert = db.prepare("INSERT INTO s3_buckets (name, created) VALUES (?, ?)");
  const erase = db.prepare("DELETE FROM s3_buckets WHERE name = ?");
  const anyObject = db.prepare("SELECT 1 FROM s3_objects WHERE bucket = ? LIMIT 1");
  const notification = db.prepare("SELECT notification FROM s3_buckets WHERE name = ?");
  const setNotification = db.prepare("UPDATE s3_buckets SET notification = ? WHERE name = ?");

  const checkName = (name: string): void => {
    if (!validName(name)) throw refusal("InvalidBucketName", { BucketName: name });
  };

  /** Makes a bucket unless it exists; says whether it did. Throws InvalidBucketName. */
  const create = (name: string): boolean => {
    checkName(name);
    return state.transaction(() => {
      if (select.get(name)) return false;
      insert.run(name, now());
      bodies.createFolder(name);
      return true;
    });
  };

  const CreateBucket: Operation = async (request) => {
    refuseOtherBucket(request);
    const document = await takeText(request);
    checkName(request.bucket);
    const place = document.trim()
      ? textOf(parseAs(document, "CreateBucketConfiguration"), "LocationConstraint")
      : undefined;
    // Only us-east-1 is meant by none, and cannot be named.
    if (place === "us-east-1") throw refusal("InvalidLocationConstraint", { LocationConstraint: place });
    if ((place || "us-east-1") !== region)
      throw refusal(
        "IllegalLocationConstraintException",
        {},
        `The ${place || "unspecified"} location constraint is incompatible for the region specific endpoint this request was sent to.`,
      );
    if (!create(request.bucket) && region !== "us-east-1")
      throw refusal("BucketAlreadyOwnedByYou", { BucketName: request.bucket });
    return { headers: { location: `/${request.bucket}` } };
  };

  const DeleteBucket: Operation = ({ bucket }) => {
    state.transaction(() => {
      objects.requireBucket(bucket);
      if (anyObject.get(bucket)) throw refusal("BucketNotEmpty", { BucketName: bucket });
      uploads.closeAll(bucket);
      erase.run(bucket);
      state.afterCommit(() => bodies.removeFolder(bucket));
    });
    return { status: 204 };
  };

  const HeadBucket: Operation = ({ bucket }) => {
    objects.requireBucket(bucket);
    return { headers: { "x-amz-bucket-region": region, "content-type": "application/xml" } };
  };

  const ListBuckets: Operation = (request) => {
    const { query } = request;
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? "";
    const max = numberOf(request, "max-buckets", 10_000, 1, 10_000);
    const rows = db
      .prepare("SELECT name, created FROM s3_buckets WHERE name > ? AND substr(name, 1, length(?)) = ? ORDER BY name")
      .all(after, prefix, prefix);
    const shown = rows.slice(0, max);
    return {
      xml: [
        "ListAllMyBucketsResult",
        [
          ["Owner", [["ID", OWNER]]],
          [
            "Buckets",
            shown.map((row) => [
              "Bucket",
              [
                ["Name", row.name as string],
                ["CreationDate", isoDate(row.created as number)],
                ["BucketRegion", region],
              ],
            ]),
          ],
          rows.length > shown.length ? ["ContinuationToken", shown.at(-1)?.name as string] : null,
          prefix ? ["Prefix", prefix] : null,
        ],
      ],
    };
  };

  const GetBucketLocation: Operation = ({ bucket }) => {
    objects.requireBucket(bucket);
    return { xml: ["LocationConstraint", region === "us-east-1" ? "" : region] };
  };

  /** Stored and given back. Who is told of an object is the topology's to say, not this configuration's. */
  const PutBucketNotificationConfiguration: Operation = async (request) => {
    const document = await takeText(request);
    parseAs(document, "NotificationConfiguration");
    objects.requireBucket(request.bucket);
    state.transaction(() => setNotification.run(document, request.bucket));
    return {};
  };
  const GetBucketNotificationConfiguration: Operation = ({ bucket }) => {
    objects.requireBucket(bucket);
    return {
      text: (notification.get(bucket)?.notification as string | null) ?? render(["NotificationConfiguration", ""]),
    };
  };

  return {
    create,
    operations: {
      CreateBucket,
      DeleteBucket,
      HeadBucket,
      ListBuckets,
      GetBucketLocation,
      PutBucketNotificationConfiguration,
      GetBucketNotificationConfiguration,
    },
  };
};
