import type { NoticeSpec } from "../../../core/topology.ts";
import type { Expected } from "../expected.ts";
import { deploy, type Guard, guard, restart, type Subject, type Wrong } from "../guard.ts";
import { deniesOldTls, deniesPlain, openTo, statementsOf } from "../policy.ts";
import { at, canonical, differences, list, object, said } from "../shapes.ts";
import { isKey, keyed } from "./key.ts";

type Bucket = Subject & { logical: string };
const buckets = (e: Expected): Bucket[] =>
  [...e.topology.buckets, ...(e.choices.audit ? ["audit"] : [])].map((logical) => ({
    type: "AWS::S3::Bucket",
    id: e.bucket(logical),
    name: e.bucket(logical),
    logical,
  }));
const policies = (e: Expected): Bucket[] => buckets(e).map((one) => ({ ...one, type: "AWS::S3::BucketPolicy" }));

const call = (command: string, flags: string) => (subject: Bucket, e: Expected) =>
  `aws s3api ${command} --region ${e.stage.region} --bucket ${subject.id} ${flags}`;

const BLOCKS = { BlockPublicAcls: true, BlockPublicPolicy: true, IgnorePublicAcls: true, RestrictPublicBuckets: true };

/** Classes that are read within milliseconds. The others take minutes to hours, and a run would fail on them. */
const INSTANT = new Set(["STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"]);

type Rule = Record<string, unknown>;
const rules = (is: Record<string, unknown>): Rule[] =>
  list(at(is, "LifecycleConfiguration", "Rules"))
    .map(object)
    .filter((rule) => rule.Status !== "Disabled");
const named = (rule: Rule) => `rule ${said(rule.Id)}`;

/** What a query or a canary left may go by age; everything else is live whatever its age. */
const EXPIRES = new Set(["results"]);

type Notice = { event: string; to: string; prefix: string; suffix: string };
const wantedNotices = (logical: string, e: Expected): Notice[] =>
  e.topology.notices
    .filter(({ bucket }) => bucket === logical)
    .map(({ prefix, suffix, to }: NoticeSpec) => ({
      event: "s3:ObjectCreated:*",
      to: "queue" in to ? e.queueArn(to.queue) : e.functionArn(to.function),
      prefix,
      suffix,
    }));
const noticesOf = (is: Record<string, unknown>): Notice[] =>
  (["Queue", "Function", "Topic"] as const).flatMap((kind) =>
    list(at(is, "NotificationConfiguration", `${kind === "Function" ? "Lambda" : kind}Configurations`)).map((one) => {
      const part = (name: string) =>
        list(at(one, "Filter", "S3Key", "Rules"))
          .map(object)
          .find((rule) => String(rule.Name).toLowerCase() === name)?.Value ?? "";
      return {
        event: String(at(one, "Event")),
        to: String(at(one, kind)),
        prefix: String(part("prefix")),
        suffix: String(part("suffix")),
      };
    }),
  );
const saidNotice = ({ event, to, prefix, suffix }: Notice) =>
  `${event} of ${prefix}*${suffix} to ${to.replace(/^.*:/, "")}`;

export const bucketGuards: Guard[] = [
  guard<Bucket>({
    id: "bucket.private",
    protects: "no object is public, whatever an ACL or a policy says",
    subjects: buckets,
    check: (is) => differences(BLOCKS, (name) => at(is, "PublicAccessBlockConfiguration", name)),
    mend: call(
      "put-public-access-block",
      `--public-access-block-configuration ${Object.entries(BLOCKS)
        .map(([name, on]) => `${name}=${on}`)
        .join(",")}`,
    ),
  }),
  guard<Bucket>({
    id: "bucket.owner",
    protects: "every object belongs to the account, and no ACL gives it away",
    subjects: buckets,
    check: (is) =>
      differences({ ObjectOwnership: "BucketOwnerEnforced" }, (name) => at(is, "OwnershipControls", "Rules", 0, name)),
    mend: call("put-bucket-ownership-controls", "--ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'"),
  }),
  guard<Bucket>({
    id: "bucket.encrypted",
    protects: "objects are encrypted by the stage's key, without a call to it for each",
    subjects: (e) => buckets(e).map((one) => keyed(one, e)),
    check: (is, _, e, need) => {
      const rule = at(is, "BucketEncryption", "ServerSideEncryptionConfiguration", 0);
      const by = at(rule, "ServerSideEncryptionByDefault");
      return [
        ...differences({ SSEAlgorithm: "aws:kms" }, (name) => at(by, name)),
        ...isKey(at(by, "KMSMasterKeyID"), "KMSMasterKeyID", e, need),
        ...differences({ BucketKeyEnabled: true }, (name) => at(rule, name)),
      ];
    },
    mend: (subject, e) =>
      call(
        "put-bucket-encryption",
        `--server-side-encryption-configuration '${JSON.stringify({
          Rules: [
            {
              ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: e.arn("kms", e.key.id) },
              BucketKeyEnabled: true,
            },
          ],
        })}'`,
      )(subject, e),
  }),
  guard<Bucket>({
    id: "bucket.tls",
    protects: "nobody reads or writes objects over plain HTTP or a TLS before 1.2",
    subjects: policies,
    check: (is) => {
      const statements = statementsOf(is.PolicyDocument);
      const wrong = (what: string): Wrong => ({ expected: what, came: `policy ${said(is.PolicyDocument)}` });
      return [
        ...(deniesPlain(statements)
          ? []
          : [wrong("a policy that denies s3:* to * where aws:SecureTransport is false")]),
        ...(deniesOldTls(statements, "s3:tlsversion")
          ? []
          : [wrong("a policy that denies s3:* to * where s3:TlsVersion is less than 1.2")]),
      ];
    },
    mend: (_, e) => deploy(e),
  }),
  guard<Bucket>({
    id: "bucket.policy",
    protects: "nobody outside the account reads or writes objects",
    subjects: policies,
    check: (is) =>
      openTo(statementsOf(is.PolicyDocument)).map((open) => ({
        expected: "no statement that allows everybody",
        came: `statement ${open.sid || "without a Sid"} allows ${open.actions.join(", ")} to everybody`,
      })),
    mend: (_, e) => deploy(e),
  }),
  guard<Bucket>({
    id: "bucket.versioned",
    protects: "what was overwritten or deleted by mistake can be brought back",
    subjects: buckets,
    check: (is) => differences({ Status: "Enabled" }, (name) => at(is, "VersioningConfiguration", name)),
    mend: call("put-bucket-versioning", "--versioning-configuration Status=Enabled"),
  }),
  guard<Bucket>({
    id: "bucket.instant",
    protects: "every object can be read at once: a job or a query fails on one in an archive",
    subjects: buckets,
    check: (is) => [
      ...rules(is).flatMap((rule) =>
        [...list(rule.Transitions), ...list(rule.Transition)]
          .map((one) => String(object(one).StorageClass))
          .filter((name) => !INSTANT.has(name))
          .map((name) => ({
            expected: `transitions to ${[...INSTANT].join(", ")} only`,
            came: `${named(rule)} to ${name}`,
          })),
      ),
      ...list(is.IntelligentTieringConfigurations)
        .map(object)
        .filter((one) => one.Status !== "Disabled" && list(one.Tierings).length > 0)
        .map((one) => ({
          expected: "no archive tiers of Intelligent-Tiering",
          came: `${said(one.Id)} to ${list(one.Tierings)
            .map((tier) => said(object(tier).AccessTier))
            .join(", ")}`,
        })),
    ],
    mend: (_, e) => deploy(e),
  }),
  guard<Bucket>({
    id: "bucket.keeps",
    protects: "data of 1995 is as alive as today's: nothing live is deleted by its age",
    subjects: (e) => buckets(e).filter(({ logical }) => !EXPIRES.has(logical)),
    check: (is) =>
      rules(is)
        .filter((rule) => rule.ExpirationInDays !== undefined || rule.ExpirationDate !== undefined)
        .map((rule) => ({
          expected: "no rule that expires current versions",
          came: `${named(rule)} after ${said(rule.ExpirationInDays ?? rule.ExpirationDate)} days, prefix ${said(rule.Prefix)}`,
        })),
    mend: (_, e) => deploy(e),
  }),
  guard<Bucket>({
    id: "bucket.leftovers",
    protects: "parts of uploads that were never completed do not cost money for ever, unseen",
    subjects: buckets,
    check: (is) =>
      rules(is).some((rule) => at(rule, "AbortIncompleteMultipartUpload", "DaysAfterInitiation") !== undefined)
        ? []
        : [{ expected: "a rule that aborts incomplete multipart uploads", came: "none does" }],
    mend: (_, e) => deploy(e),
  }),
  guard<Bucket>({
    id: "bucket.notices",
    protects: "each new raw object and each error rings its own bell, and nothing that we write rings one in a circle",
    laptop: true,
    subjects: buckets,
    check: (is, { logical }, e) => {
      const [wanted, came] = [wantedNotices(logical, e), noticesOf(is)];
      const has = (those: readonly Notice[], one: Notice) => those.some((other) => canonical(other) === canonical(one));
      return [
        ...wanted
          .filter((one) => !has(came, one))
          .map((one) => ({
            expected: `a notification ${saidNotice(one)}`,
            came: came.length ? came.map(saidNotice).join("; ") : "none",
          })),
        ...came
          .filter((one) => !has(wanted, one))
          .map((one) => ({ expected: "no other notification", came: saidNotice(one) })),
      ];
    },
    mend: (_, e) => (e.laptop ? restart : deploy(e)),
  }),
];
