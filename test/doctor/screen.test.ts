import { expect, test } from "vitest";
import type { Reading } from "../../packages/aws/inventory.ts";
import { checked, diagnosisOf } from "../../packages/cli/doctor/diagnosis.ts";
import { expectedOf } from "../../packages/cli/doctor/expected.ts";
import { guards } from "../../packages/cli/doctor/guards/index.ts";
import { readCommand } from "../../packages/cli/doctor/reads.ts";
import { screenOf } from "../../packages/cli/doctor/screen.ts";
import { breaks } from "./breaks.ts";
import type { Document } from "./cloudcontrol.ts";
import { documentsOf } from "./documents.ts";
import { chosen, datasets, ideal, stage } from "./ideal.ts";

const expected = expectedOf(stage, datasets, false, chosen);
const diagnosis = (get: (one: { type: string; id: string }) => Reading) =>
  diagnosisOf(
    stage,
    false,
    guards.map((guard) => checked(guard.id, guard.protects, guard.run({ get }, expected))),
  );
const spoiled = (spoil: (documents: Document[]) => void) => {
  const documents = ideal();
  spoil(documents);
  return diagnosis(documentsOf(documents).get);
};
const linesOf = (screen: string) => screen.split("\n").length;
/** Without anything wrong: a line for each guard, and the end. */
const QUIET = guards.length + 5;

test("a place that has no such types is said in a few lines, and not once for each resource of each guard", () => {
  const screen = screenOf(diagnosis(() => ({ is: "elsewhere" })));
  expect(linesOf(screen)).toBeLessThan(40);
  for (const { id } of guards) expect(screen).toContain(id);
});

test("one refusal of many is said once, with the permission that is missing and every guard that waits for it", () => {
  const there = documentsOf(ideal());
  const refused: Reading = { is: "unreadable", permission: "s3:GetBucketPolicy", error: "AccessDenied: no" };
  const screen = screenOf(diagnosis((one) => (one.type === "AWS::S3::BucketPolicy" ? refused : there.get(one))));
  expect(screen.match(/s3:GetBucketPolicy/g)).toHaveLength(1);
  expect(screen).toMatch(/^CANNOT BE READ +bucket\.tls/);
  expect(screen).toContain("bucket.policy");
  expect(linesOf(screen)).toBeLessThan(QUIET + 10);
});

test("what one command mends of one resource is one finding: a bucket does not fill the screen", () => {
  const result = spoiled((documents) => {
    for (const { type, properties } of documents)
      if (type === "AWS::S3::Bucket") delete properties.PublicAccessBlockConfiguration;
  });
  const screen = screenOf(result);
  const buckets = ideal().filter(({ type }) => type === "AWS::S3::Bucket").length;
  expect(screen.match(/put-public-access-block --/g)).toHaveLength(buckets + 1);
  expect(screen.match(/expected {2}BlockPublicAcls true/g)).toHaveLength(buckets);
  expect(screen).not.toContain("--json has");
});

test("a resource that is gone is told once, with all of its guards", () => {
  const result = spoiled((documents) => {
    documents.splice(
      documents.findIndex(({ type, id }) => type === "AWS::S3::Bucket" && id.includes("-lake-")),
      1,
    );
  });
  const screen = screenOf(result);
  expect(screen.match(/there is none/g)).toHaveLength(1);
  for (const { id } of result.guards.filter(({ state }) => state === "broken")) expect(screen).toContain(id);
});

test("what comes next is one command that a shell takes, on the screen and in the document", () => {
  const nexts = [
    ...Object.values(breaks)
      .flat()
      .map((one) => spoiled(one.break)),
    ...guards
      .flatMap((guard) => guard.wanted(expected))
      .map(({ type }) => {
        const there = documentsOf(ideal());
        const unread: Reading = { is: "unreadable", permission: null, error: "HandlerFailureException: it broke" };
        return diagnosis((one) => (one.type === type ? unread : there.get(one)));
      }),
  ];
  for (const one of nexts) {
    expect(one.next).toMatch(/^(npx sst|aws|pregao|chown) /);
    expect(one.next).not.toMatch(/ \(|; |, then| read it by/);
    expect(screenOf(one)).toContain(`\nNext: ${one.next}\n`);
  }
});

test("a deployment as a mend says whose settings it needs, and that a workflow's stage is deployed by its workflow", () => {
  const { mend } = spoiled((documents) => breaks["bucket.tls"]?.[0]?.break(documents))
    .guards.flatMap(({ findings }) => findings)
    .find(({ state }) => state === "broken")!;
  expect(mend).toMatch(/^npx sst refresh --stage dev && npx sst deploy --stage dev \(.*settings.*workflow.*again.*\)$/);
});

test("each resource is read by a command that reads its kind, in the stage's own region", () => {
  const command = (type: string, id: string) => readCommand({ type, id }, "sa-east-1");
  const at = "--region sa-east-1";
  expect(command("AWS::KMS::Key", "alias/pregao-dev")).toBe(`aws kms describe-key ${at} --key-id alias/pregao-dev`);
  expect(command("AWS::Lambda::EventSourceMapping", "arn:aws:sqs:sa-east-1:1:q")).toBe(
    `aws lambda list-event-source-mappings ${at} --event-source-arn arn:aws:sqs:sa-east-1:1:q`,
  );
  expect(command("AWS::Glue::Table", "db_dev|raw")).toBe(`aws glue get-table ${at} --database-name db_dev --name raw`);
  expect(command("AWS::Glue::Database", "db_dev")).toBe(`aws glue get-database ${at} --name db_dev`);
  expect(command("AWS::Glue::SecurityConfiguration", "s")).toBe(`aws glue get-security-configuration ${at} --name s`);
  expect(command("AWS::Glue::DataCatalogEncryptionSettings", "123456789012")).toBe(
    `aws glue get-data-catalog-encryption-settings ${at} --catalog-id 123456789012`,
  );
  expect(command("AWS::Lambda::EventInvokeConfig", "pregao-dev-scrape|$LATEST")).toBe(
    `aws cloudcontrol get-resource ${at} --type-name AWS::Lambda::EventInvokeConfig --identifier 'pregao-dev-scrape|$LATEST'`,
  );
});
