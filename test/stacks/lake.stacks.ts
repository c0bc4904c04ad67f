import { ListBucketsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, test } from "vitest";
import { query } from "../../packages/aws/queries.ts";
import { bucket, stageFrom, stageParameter, stage as stageSchema } from "../../packages/core/stage.ts";
import { testPlace } from "../place.ts";
import type { Resource } from "./evaluate.ts";
import { ACCOUNT, type Graph, graphOf, REGION } from "./graph.ts";
import { statementsOf, verdict } from "./policy.ts";
import { declaredBy, laptopOf, stageNamed } from "./wire.ts";

const stage = stageNamed("dev");
const declared = declaredBy(stage);
const audited = { PREGAO_AUDIT: "true" };

/** Read within milliseconds. Jobs and queries fail on an object of another class. */
const INSTANT = ["STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR"];

type Rule = {
  id: string;
  status: string;
  filter: { prefix: string };
  transitions?: { days: number; storageClass: string }[];
  noncurrentVersionTransitions?: { storageClass: string }[];
  expiration?: { days?: number; date?: string; expiredObjectDeleteMarker?: boolean };
  noncurrentVersionExpiration?: { noncurrentDays: number };
  abortIncompleteMultipartUpload?: { daysAfterInitiation: number };
};

let graph: Graph;
/** With a bucket more: that of the audit. */
let watched: Graph;
beforeAll(async () => {
  [graph, watched] = await Promise.all([graphOf(), graphOf({ env: audited })]);
});

const buckets = (of: Graph) => of.of("aws:s3/bucket:Bucket");
const nameOf = ({ inputs }: Resource): string => String(inputs.bucket);
/** What a bucket has of a kind: exactly one. */
const its = (of: Graph, kind: string, name: string): Resource =>
  of.one(`aws:s3/bucket${kind}:Bucket${kind}`, (inputs) => inputs.bucket === name);
const rulesOf = (of: Graph, name: string): Rule[] => its(of, "LifecycleConfiguration", name).inputs.rules as Rule[];
const keyArn = (of: Graph) => `arn:aws:kms:${REGION}:${ACCOUNT}:key/${of.one("aws:kms/key:Key").id}`;
const KINDS = [
  "PublicAccessBlock",
  "OwnershipControls",
  "ServerSideEncryptionConfiguration",
  "Versioning",
  "LifecycleConfiguration",
  "Policy",
];

describe("buckets", () => {
  test("the graph has other buckets than the topology, or than a laptop answers over the wire", async () => {
    const names = buckets(graph).map(nameOf).toSorted();
    expect(names).toEqual(declared.buckets.map((name) => bucket(stage, name)).toSorted());
    const { aws, close } = await laptopOf(stage);
    try {
      const { Buckets = [] } = await aws.s3.send(new ListBucketsCommand({}));
      expect(names).toEqual(Buckets.map(({ Name }) => Name).toSorted());
    } finally {
      await close();
    }
  });

  test("an object becomes public by an ACL or a policy", () => {
    for (const name of buckets(watched).map(nameOf)) {
      expect(its(watched, "PublicAccessBlock", name).inputs).toMatchObject({
        blockPublicAcls: true,
        blockPublicPolicy: true,
        ignorePublicAcls: true,
        restrictPublicBuckets: true,
      });
      expect(its(watched, "OwnershipControls", name).inputs.rule).toEqual({ objectOwnership: "BucketOwnerEnforced" });
    }
  });

  test("a bucket's policy lets anybody in but the services that it names, of this account's own", () => {
    for (const name of buckets(watched).map(nameOf))
      for (const one of statementsOf(its(watched, "Policy", name).inputs.policy).filter((s) => s.Effect === "Allow")) {
        expect(one.Principal, name).toEqual({ Service: "cloudtrail.amazonaws.com" });
        expect(name).toBe(bucket(stage, "audit"));
        expect(one.Condition).toMatchObject({
          StringEquals: { "aws:SourceArn": expect.stringContaining(`:${ACCOUNT}:`) },
        });
      }
  });

  test("an object is not encrypted, or not by the stage's key", () => {
    for (const name of buckets(watched).map(nameOf))
      expect(its(watched, "ServerSideEncryptionConfiguration", name).inputs.rules).toEqual([
        {
          applyServerSideEncryptionByDefault: { sseAlgorithm: "aws:kms", kmsMasterKeyId: keyArn(watched) },
          bucketKeyEnabled: true,
          blockedEncryptionTypes: ["SSE-C"],
        },
      ]);
  });

  test("a writer chooses an encryption that others cannot read, or nobody has a key's say over", () => {
    for (const name of buckets(graph).map(nameOf)) {
      const { policy } = its(graph, "Policy", name).inputs;
      const put = (headers: Record<string, string>) =>
        verdict(policy, {
          principal: "any",
          action: "s3:PutObject",
          resource: `arn:aws:s3:::${name}/raw/a.parquet`,
          context: { "aws:SecureTransport": "true", "s3:TlsVersion": "1.3", ...headers },
        });
      const kms = { "s3:x-amz-server-side-encryption": "aws:kms" };
      const by = (key: string) => ({ ...kms, "s3:x-amz-server-side-encryption-aws-kms-key-id": key });
      expect(put({}), "none asked for: the bucket's own").toBe("silent");
      expect(put(by(keyArn(graph)))).toBe("silent");
      expect(put(kms)).toBe("silent");
      expect(put({ "s3:x-amz-server-side-encryption": "AES256" })).toBe("denied");
      expect(put({ "s3:x-amz-server-side-encryption": "aws:kms:dsse" })).toBe("denied");
      expect(put(by("arn:aws:kms:sa-east-1:999999999999:key/another"))).toBe("denied");
    }
  });

  test("a bucket is spoken to over plain HTTP, or a TLS before 1.2", () => {
    for (const name of buckets(watched).map(nameOf)) {
      const { policy } = its(watched, "Policy", name).inputs;
      const arn = `arn:aws:s3:::${name}`;
      for (const [action, resource] of [
        ["s3:GetObject", `${arn}/raw/a.parquet`],
        ["s3:PutObject", `${arn}/raw/a.parquet`],
        ["s3:DeleteObjectVersion", `${arn}/raw/a.parquet`],
        ["s3:ListBucket", arn],
        ["s3:PutBucketPolicy", arn],
      ] as const) {
        const over = (context: Record<string, string>) =>
          verdict(policy, { principal: "any", action, resource, context });
        expect(over({ "aws:SecureTransport": "false" }), `${name} ${action}`).toBe("denied");
        expect(over({ "aws:SecureTransport": "true", "s3:TlsVersion": "1.0" }), action).toBe("denied");
        expect(over({ "aws:SecureTransport": "true", "s3:TlsVersion": "1.1" }), action).toBe("denied");
        expect(over({ "aws:SecureTransport": "true", "s3:TlsVersion": "1.2" }), action).toBe("silent");
        expect(over({ "aws:SecureTransport": "true", "s3:TlsVersion": "1.3" }), action).toBe("silent");
      }
    }
  });

  test("what is overwritten or deleted by mistake is gone at once", () => {
    for (const name of buckets(watched).map(nameOf)) {
      expect(its(watched, "Versioning", name).inputs.versioningConfiguration).toEqual({ status: "Enabled" });
      for (const { noncurrentVersionExpiration: gone, filter } of rulesOf(watched, name))
        if (gone && !name.includes("-results-"))
          expect(gone.noncurrentDays, `${name}/${filter.prefix}`).toBeGreaterThanOrEqual(
            declared.databases.some(({ tables }) => tables.some((table) => table.location === filter.prefix)) ? 7 : 30,
          );
    }
  });

  test("raw's deleted objects go as soon as what is superseded: a short rule is for a refined table's folder alone", () => {
    const refined = declared.databases.flatMap(({ tables }) => tables.filter((table) => !table.projection));
    const short = rulesOf(graph, bucket(stage, "lake")).filter(
      ({ noncurrentVersionExpiration: gone }) => gone && gone.noncurrentDays < 30,
    );
    expect(short.map(({ filter }) => filter.prefix).toSorted()).toEqual(
      refined.map(({ location }) => location).toSorted(),
    );
    for (const { filter } of short) expect("raw/".startsWith(filter.prefix)).toBe(false);
  });

  test("live data goes by its age: an object written once in 1995 is as alive as today's", () => {
    for (const name of buckets(watched).map(nameOf))
      for (const { id, status, expiration } of rulesOf(watched, name)) {
        expect(status).toBe("Enabled");
        if (name !== bucket(stage, "results"))
          expect(expiration?.days ?? expiration?.date, `${name} ${id}`).toBeUndefined();
      }
  });

  test("a job or a query finds an object in an archive, from which it comes back in hours", () => {
    for (const name of buckets(watched).map(nameOf))
      for (const { id, transitions = [], noncurrentVersionTransitions = [] } of rulesOf(watched, name))
        for (const { storageClass } of [...transitions, ...noncurrentVersionTransitions])
          expect(INSTANT, `${name} ${id}`).toContain(storageClass);
    expect(watched.of("aws:s3/bucketIntelligentTieringConfiguration:BucketIntelligentTieringConfiguration")).toEqual(
      [],
    );
  });

  test("what is hardly read any more costs as on its first day: raw and the origin's files are tiered", () => {
    for (const logical of ["origin", "lake"])
      expect(
        rulesOf(graph, bucket(stage, logical)).some(({ transitions, filter }) => transitions && filter.prefix === ""),
      ).toBe(true);
  });

  test("parts of uploads that nobody completed cost money for ever, unseen", () => {
    for (const name of buckets(watched).map(nameOf))
      expect(
        rulesOf(watched, name).some(
          ({ abortIncompleteMultipartUpload: abort, filter }) =>
            abort && abort.daysAfterInitiation <= 7 && filter.prefix === "",
        ),
        name,
      ).toBe(true);
  });

  test("production's buckets go with the stage, or stay without their guards, or are emptied", async () => {
    const kept = await graphOf({ stage: "production", env: audited });
    expect(buckets(kept)).toHaveLength(declared.buckets.length + 1);
    for (const one of buckets(kept)) {
      expect(one).toMatchObject({ retained: true, inputs: { forceDestroy: false } });
      for (const kind of KINDS) expect(its(kept, kind, nameOf(one)), kind).toMatchObject({ retained: true });
    }
    for (const one of buckets(graph)) expect(one).toMatchObject({ retained: false, inputs: { forceDestroy: true } });
  });

  test("something is put into a bucket before it is private and encrypted", () => {
    const guards = (["PublicAccessBlock", "ServerSideEncryptionConfiguration", "Policy"] as const).map(
      (kind) => its(graph, kind, bucket(stage, "state")).name,
    );
    // SST keeps the functions' code in a bucket of its own.
    const ours = graph
      .of("aws:s3/bucketObjectv2:BucketObjectv2")
      .filter(({ inputs }) => inputs.bucket === bucket(stage, "state"));
    expect(ours).not.toEqual([]);
    for (const { name, after } of ours) expect(after, name).toEqual(expect.arrayContaining(guards));
  });
});

test("a table that a person made goes as old results do, or old results stay for ever", async () => {
  const prefixes = rulesOf(graph, bucket(stage, "results"))
    .filter(({ expiration }) => expiration?.days)
    .map(({ filter }) => filter.prefix);
  const goes = (key: string) => prefixes.some((prefix) => key.startsWith(prefix));
  const place = await testPlace();
  try {
    const { id } = await query(place.aws, "SELECT 1 AS um", place.database);
    await query(place.aws, "CREATE TABLE feita AS SELECT 1 AS um", place.database);
    const { Contents = [] } = await place.aws.s3.send(
      new ListObjectsV2Command({ Bucket: bucket(place.stage, "results") }),
    );
    const keys = Contents.map(({ Key }) => Key!);
    expect(keys.filter((key) => key.includes(id))).not.toEqual([]);
    expect(keys.filter((key) => key.includes(id) && !goes(key))).toEqual([]);
    const made = keys.filter((key) => key.includes("/tables/"));
    expect(made).not.toEqual([]);
    expect(made.filter(goes)).toEqual([]);
  } finally {
    await place.remove();
  }
});

describe("what the stage is", () => {
  test("commands with --stage find another stage than its functions are told they are", async () => {
    const layouts = '{"bovespa_refined":["year","ticker"]}';
    const made = await graphOf({ stage: "prova", env: { PREGAO_PACE: "intraday", PREGAO_LAYOUTS: layouts } });
    const { inputs } = made.one("aws:ssm/parameter:Parameter", ({ name }) => name === stageParameter("prova"));
    expect(inputs.type).toBe("String");
    const said = stageSchema.parse(JSON.parse(String(inputs.value)));
    expect(said).toEqual(stageNamed("prova", { pace: "intraday", layouts: JSON.parse(layouts) }));
    const functions = made.of("aws:lambda/function:Function");
    expect(functions).not.toEqual([]);
    for (const { inputs: of } of functions) {
      const { variables } = of.environment as { variables: Record<string, string> };
      // Lambda sets the region itself.
      expect(stageFrom({ AWS_REGION: REGION, ...variables }), String(of.name)).toEqual(said);
    }
  });
});

describe("the audit", () => {
  const TRAIL = "aws:cloudtrail/trail:Trail";

  test("every stage pays for data events, asked for or not", () => {
    expect(graph.of(TRAIL)).toEqual([]);
    expect(buckets(graph).map(nameOf)).not.toContain(bucket(stage, "audit"));
    expect(JSON.stringify(graph.resources)).not.toContain("cloudtrail.amazonaws.com");
  });

  test("a bucket is not audited, or the audit audits itself", () => {
    const { inputs } = watched.one(TRAIL);
    const selectors = inputs.advancedEventSelectors as { fieldSelectors: Record<string, unknown>[] }[];
    const fields = selectors[0]!.fieldSelectors;
    expect(selectors).toHaveLength(1);
    expect(fields).toContainEqual({ field: "eventCategory", equals: ["Data"] });
    expect(fields).toContainEqual({ field: "resources.type", equals: ["AWS::S3::Object"] });
    const arns = fields.find(({ field }) => field === "resources.ARN")!.startsWiths as string[];
    // Reads, too: no selector of writes alone.
    expect(fields).toHaveLength(3);
    const objects = declared.buckets.map((name) => `arn:aws:s3:::${bucket(stage, name)}/`);
    expect(arns.toSorted()).toEqual(objects.toSorted());
  });

  test("who could write the log could forge it: its files are signed, encrypted, and written by this trail alone", () => {
    const { inputs, after } = watched.one(TRAIL);
    const name = bucket(stage, "audit");
    expect(inputs).toMatchObject({ s3BucketName: name, enableLogFileValidation: true, kmsKeyId: keyArn(watched) });
    expect(inputs.enableLogging ?? true).toBe(true);
    expect(after, "CloudTrail looks whether it may write before there is a trail").toContain(
      its(watched, "Policy", name).name,
    );
    const trail = `arn:aws:cloudtrail:${REGION}:${ACCOUNT}:trail/${inputs.name}`;
    const write = (source: string, key = `AWSLogs/${ACCOUNT}/CloudTrail/a.json.gz`) =>
      verdict(its(watched, "Policy", name).inputs.policy, {
        principal: "cloudtrail.amazonaws.com",
        action: "s3:PutObject",
        resource: `arn:aws:s3:::${name}/${key}`,
        context: {
          "aws:SourceArn": source,
          "s3:x-amz-acl": "bucket-owner-full-control",
          "aws:SecureTransport": "true",
        },
      });
    expect(write(trail)).toBe("allowed");
    expect(write(`arn:aws:cloudtrail:${REGION}:999999999999:trail/${inputs.name}`)).toBe("silent");
    expect(write(trail, "another.json")).toBe("silent");
    const look = {
      principal: "cloudtrail.amazonaws.com",
      action: "s3:GetBucketAcl",
      resource: `arn:aws:s3:::${name}`,
      context: { "aws:SourceArn": trail },
    };
    expect(verdict(its(watched, "Policy", name).inputs.policy, look)).toBe("allowed");
  });

  test("digests of the log, which come under S3's own key, are refused", () => {
    const name = bucket(stage, "audit");
    const request = {
      principal: "cloudtrail.amazonaws.com",
      action: "s3:PutObject",
      resource: `arn:aws:s3:::${name}/AWSLogs/${ACCOUNT}/CloudTrail-Digest/a.json.gz`,
      context: {
        "aws:SourceArn": `arn:aws:cloudtrail:${REGION}:${ACCOUNT}:trail/${watched.one(TRAIL).inputs.name}`,
        "s3:x-amz-acl": "bucket-owner-full-control",
        "s3:x-amz-server-side-encryption": "AES256",
      },
    };
    expect(verdict(its(watched, "Policy", name).inputs.policy, request)).toBe("allowed");
  });
});
