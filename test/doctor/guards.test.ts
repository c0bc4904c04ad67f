import { expect, test } from "vitest";
import type { Reading } from "../../packages/aws/inventory.ts";
import { type Expected, expectedOf } from "../../packages/cli/doctor/expected.ts";
import type { Finding } from "../../packages/cli/doctor/guard.ts";
import { guards } from "../../packages/cli/doctor/guards/index.ts";
import { breaks } from "./breaks.ts";
import { documentsOf } from "./documents.ts";
import { chosen, datasets, ideal, stage } from "./ideal.ts";

const expected = expectedOf(stage, datasets, false, chosen);

const run = (documents: { get: (one: { type: string; id: string }) => Reading }, e: Expected = expected): Finding[] =>
  guards.flatMap((guard) => guard.run(documents, e));
const broken = (findings: readonly Finding[]) => findings.filter(({ state }) => state === "broken");

test("a stage that has every guard is healthy", () => {
  const findings = run(documentsOf(ideal()));
  expect(findings.filter(({ state }) => state !== "holds")).toEqual([]);
  expect(new Set(findings.map(({ guard }) => guard))).toEqual(new Set(guards.map(({ id }) => id)));
});

test("every guard has a way to break it, and none is broken that there is not", () => {
  expect(Object.keys(breaks).sort()).toEqual(guards.map(({ id }) => id).sort());
});

const cases = Object.entries(breaks).flatMap(([guard, those]) => those.map((one) => ({ guard, ...one })));
test.each(cases)("$guard finds $sin", ({ guard, of, break: spoil }) => {
  const documents = ideal();
  spoil(documents);
  const found = broken(run(documentsOf(documents))).filter((one) => one.guard === guard);
  expect(found.length).toBeGreaterThan(0);
  for (const { resource, expected: wanted, came, mend } of found) {
    // A job and what encrypts it are two resources of one guard.
    if (guard !== "job.encrypted") expect(resource).toContain(of);
    expect(wanted).toBeTruthy();
    expect(came).toBeTruthy();
    expect(mend).toMatch(/^(npx sst|aws |chown|pregao )/);
  }
});

test("what cannot be read is no pass: the guard says which permission is missing", () => {
  const refused: Reading = { is: "unreadable", permission: "sqs:GetQueueAttributes", error: "AccessDenied: no" };
  const there = documentsOf(ideal());
  const findings = run({ get: (one) => (one.type === "AWS::SQS::Queue" ? refused : there.get(one)) });
  const states = new Set(findings.filter(({ guard }) => guard === "queue.visibility").map(({ state }) => state));
  expect(states).toEqual(new Set(["unknown"]));
  expect(findings.find(({ guard }) => guard === "queue.redrive")?.mend).toBe(
    "allow sqs:GetQueueAttributes to whoever runs this",
  );
  expect(broken(findings)).toEqual([]);
});

test("without the key nobody can say of anything that it is encrypted by it", () => {
  const there = documentsOf(ideal());
  const unread: Reading = { is: "unreadable", permission: "kms:DescribeKey", error: "AccessDenied: no" };
  const findings = run({ get: (one) => (one.type === "AWS::KMS::Key" ? unread : there.get(one)) });
  expect(findings.filter(({ guard }) => guard === "bucket.encrypted").every(({ state }) => state === "unknown")).toBe(
    true,
  );
  expect(findings.filter(({ guard }) => guard === "bucket.tls").every(({ state }) => state === "holds")).toBe(true);
});

test("a type that AWS cannot read is unknown there, and not what a laptop lacks", () => {
  const there = documentsOf(ideal());
  const findings = run({ get: (one) => (one.type === "AWS::Glue::Job" ? { is: "elsewhere" } : there.get(one)) });
  expect(findings.filter(({ guard }) => guard === "job.timeout").every(({ state }) => state === "unknown")).toBe(true);
});

test("a stage that names a role says which guards are off, and still that everything takes that role", () => {
  const role = "arn:aws:iam::123456789012:role/theirs";
  const e = expectedOf(stage, datasets, false, { ...chosen, role });
  const findings = run(documentsOf(ideal()), e);
  const off = findings.filter(({ state }) => state === "off").map(({ guard }) => guard);
  expect(off.sort()).toEqual(
    guards
      .map(({ id }) => id)
      .filter((id) => id.startsWith("role."))
      .sort(),
  );
  expect(findings.find(({ guard }) => guard === "role.actions")?.why).toContain(role);
  expect(new Set(broken(findings).map(({ guard }) => guard))).toEqual(
    new Set(["function.role", "stream.role", "clock.role", "job.role"]),
  );
});

test("what a stage did not choose is off, with the setting that turns it on", () => {
  const e = expectedOf(stage, datasets, false, { role: null, audit: false, catalogEncryption: false, emails: 0 });
  const off = run(documentsOf(ideal()), e).filter(({ state }) => state === "off");
  expect(off.map(({ guard, why }) => [guard, /PREGAO_\w+/.exec(why ?? "")?.[0]])).toEqual([
    ["audit.trail", "PREGAO_AUDIT"],
    ["catalog.encrypted", "PREGAO_CATALOG_ENCRYPTION"],
    ["topic.people", "PREGAO_ALARM_EMAILS"],
  ]);
});

test("what a stage chose and nobody can read is off for nobody: those guards are unknown, and so is what a role of its own would explain", () => {
  const e = expectedOf(stage, datasets, false, null);
  const documents = ideal().filter(({ id }) => !id.endsWith("/choices"));
  const states = (those: typeof documents) => {
    const there = documentsOf(those);
    return Object.fromEntries(
      guards.map((guard) => [guard.id, guard.run({ get: there.get }, e).map(({ state, why }) => ({ state, why }))]),
    );
  };
  const known = states(documents);
  for (const id of ["audit.trail", "catalog.encrypted", "topic.people"])
    expect(known[id]).toEqual([{ state: "unknown", why: expect.stringMatching(/\/pregao\/dev\/choices/) }]);
  expect(known["role.actions"]?.every(({ state }) => state === "holds")).toBe(true);
  const bare = states(documents.filter(({ type }) => type !== "AWS::IAM::Role"));
  expect(bare["role.actions"]?.every(({ state }) => state === "unknown")).toBe(true);
  for (const document of documents)
    if (document.type === "AWS::Lambda::Function") document.properties.Role = "arn:aws:iam::123456789012:role/theirs";
  expect(states(documents)["function.role"]?.every(({ state }) => state === "unknown")).toBe(true);
  // Whatever was chosen, these are broken.
  breaks["bucket.private"]?.[0]?.break(documents);
  expect(states(documents)["bucket.private"]?.some(({ state }) => state === "broken")).toBe(true);
});
