import { beforeAll, describe, expect, test } from "vitest";
import type { Stage } from "../../packages/core/stage.ts";
import { topology } from "../../packages/core/topology.ts";
import { catalogueOf } from "../../packages/datasets/index.ts";
import { type Grants, grants, PEOPLE } from "../../stacks/permissions.ts";
import { policyOf } from "../../stacks/statements.ts";
import type { Resource } from "./evaluate.ts";
import { ACCOUNT, type Graph, graphOf, REGION } from "./graph.ts";

const stage: Stage = { name: "dev", account: ACCOUNT, region: REGION, pace: "daily", layouts: {} };
const declared = topology(catalogueOf(stage), stage.pace);
const own = "arn:aws:iam::123456789012:role/LabRole";

/** Resource `*`, and why AWS takes no other. A new one needs a reason here. */
const UNNAMED = {
  "cloudwatch:PutMetricData": "a metric is no resource; the namespace is a condition",
  "cloudwatch:GetMetricData": "a metric is no resource",
  "cloudformation:GetResource": "Cloud Control has no resources; what it reads for somebody, that one must be allowed",
  "cloudformation:ListResources": "as GetResource",
  "kms:ListAliases": "a listing of the account",
  "lambda:ListEventSourceMappings": "a listing of the account",
  "cloudtrail:DescribeTrails": "a listing of the account",
  "logs:DescribeLogGroups": "a listing of the account",
  "logs:DescribeResourcePolicies": "a listing of the account",
  "glue:GetSecurityConfiguration": "security configurations have no ARN",
  "glue:GetDataCatalogEncryptionSettings": "a setting of the account",
};
/** In a key's policy `*` is the key; and AWS advises to leave it to the account, whose own policies then say who may. */
const OF_KEYS = { type: "aws:kms/key:Key", wide: "Account kms:*" };

type Policy = { Statement: PolicyStatement[] };
type PolicyStatement = {
  Sid?: string;
  Effect: "Allow" | "Deny";
  Principal?: Record<string, string | string[]>;
  Action: string | string[];
  Resource: string | string[];
  Condition?: Record<string, Record<string, string | string[]>>;
};
type Inputs = Record<string, unknown>;

const list = (value: string | string[]): string[] => [value].flat();
const parse = (text: unknown): Policy => JSON.parse(String(text)) as Policy;

let graph: Graph;
let bare: Graph;
let granted: Grants;
beforeAll(async () => {
  [graph, bare] = await Promise.all([graphOf(), graphOf({ env: { PREGAO_ROLE: own } })]);
  const key = graph.one("aws:kms/key:Key");
  granted = grants(stage, declared, `arn:aws:kms:${REGION}:${ACCOUNT}:key/${key.id}`);
});

/** Those that the stage makes; SST also reads the role that a function is given. */
const roles = (of: Graph): Resource[] =>
  of.of("aws:iam/role:Role").filter(({ inputs }) => inputs.assumeRolePolicy !== undefined);
const whoOf = ({ inputs }: Resource): string => String(inputs.name).replace(/^pregao-dev-/, "");
const ofRole = (type: string, field: string, role: Resource): Inputs[] =>
  graph
    .of(type)
    .map(({ inputs }) => inputs)
    .filter((inputs) => inputs[field] === role.inputs.name);

/** Every policy that a resource carries, whatever its kind. */
const policies = (of: Graph): { resource: Resource; policy: Policy }[] =>
  of.resources.flatMap((resource) =>
    ["policy", "inlinePolicy", "keyPolicy"].flatMap((field) =>
      typeof resource.inputs[field] === "string" && (resource.inputs[field] as string).includes('"Statement"')
        ? [{ resource, policy: parse(resource.inputs[field]) }]
        : [],
    ),
  );

/** Roles that anything is given: a function, a job, a stream, a clock, and what comes. */
const given = (value: unknown, found: string[] = []): string[] => {
  if (Array.isArray(value)) for (const one of value) given(one, found);
  else if (typeof value === "object" && value !== null)
    for (const [name, inner] of Object.entries(value)) {
      if (/^role(Arn)?$/i.test(name) && typeof inner === "string" && inner.startsWith("arn:aws:iam:"))
        found.push(inner);
      else given(inner, found);
    }
  return found;
};
const users = (of: Graph): { type: string; name: string; role: string }[] =>
  of.resources
    .filter(({ type }) => type.startsWith("aws:") && !type.startsWith("aws:iam/"))
    .flatMap(({ type, inputs }) =>
      [...new Set(given(inputs))].map((role) => ({ type, name: String(inputs.name), role })),
    );
const isPerson = (who: string): boolean => (PEOPLE as readonly string[]).includes(who);
const roleArn = (who: string): string => `arn:aws:iam::${ACCOUNT}:role/pregao-dev-${who}`;

describe("roles", () => {
  test("a function, the streams, jobs and clocks, or people have none; or something else has one", () => {
    expect(roles(graph).map(whoOf).sort()).toEqual(Object.keys(granted).sort());
  });

  test("a role may do more, or less, than stacks/permissions.ts says", () => {
    for (const role of roles(graph)) {
      const who = whoOf(role);
      const inline = ofRole("aws:iam/rolePolicy:RolePolicy", "role", role);
      expect(
        inline.map(({ policy }) => parse(policy)),
        who,
      ).toEqual([policyOf(granted[who]!)]);
      expect(role.inputs.inlinePolicies, who).toBeUndefined();
      expect(role.inputs.managedPolicyArns, who).toBeUndefined();
    }
    const others = graph.resources.filter(({ type }) =>
      /^aws:iam\/(policy|policyAttachment|rolePolicyAttachment|userPolicy|groupPolicy|user|group|accessKey):/.test(
        type,
      ),
    );
    expect(others.map(({ name }) => name)).toEqual([]);
  });

  test("a policy that was added by hand stays", () => {
    for (const role of roles(graph)) {
      const [inline] = ofRole("aws:iam/rolePolicy:RolePolicy", "role", role);
      expect(ofRole("aws:iam/rolePoliciesExclusive:RolePoliciesExclusive", "roleName", role)).toMatchObject([
        { policyNames: [inline!.name] },
      ]);
      expect(
        ofRole("aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive", "roleName", role),
      ).toMatchObject([{ policyArns: [] }]);
    }
  });

  test("a policy outgrows what IAM takes: 10,240 characters in a role", () => {
    for (const role of roles(graph)) {
      const [inline] = ofRole("aws:iam/rolePolicy:RolePolicy", "role", role);
      expect(String(inline!.policy).length, whoOf(role)).toBeLessThanOrEqual(10_240);
    }
  });

  test("a service of another account uses a role of ours", () => {
    const services: Record<string, string> = { stream: "firehose", job: "glue", clock: "scheduler" };
    for (const role of roles(graph)) {
      const who = whoOf(role);
      const ours = { StringEquals: { "aws:SourceAccount": ACCOUNT } };
      const service = { Service: `${services[who] ?? "lambda"}.amazonaws.com` };
      const trusts = { Effect: "Allow", Action: "sts:AssumeRole" };
      expect(parse(role.inputs.assumeRolePolicy).Statement, who).toEqual([
        isPerson(who)
          ? { ...trusts, Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` } }
          : // That Glue says for whom it assumes a role is not documented: a condition on it might deny every run.
            { ...trusts, Principal: service, ...(who === "job" ? {} : { Condition: ours }) },
      ]);
    }
  });

  test("something works in another's role", () => {
    const all = users(graph);
    const kinds: Record<string, (name: string) => string> = {
      "aws:lambda/function:Function": (name) => name.replace("pregao-dev-", ""),
      "aws:kinesis/firehoseDeliveryStream:FirehoseDeliveryStream": () => "stream",
      "aws:glue/job:Job": () => "job",
      "aws:scheduler/schedule:Schedule": () => "clock",
    };
    expect(new Set(all.map(({ type }) => type))).toEqual(new Set(Object.keys(kinds)));
    for (const { type, name, role } of all) expect(role, name).toBe(roleArn(kinds[type]!(name)));
    for (const type of Object.keys(kinds))
      expect(all.filter((one) => one.type === type).length, type).toBe(graph.of(type).length);
  });
});

describe("policies", () => {
  test("a wildcard is allowed as an action", () => {
    const wide = policies(graph).flatMap(({ resource, policy }) =>
      policy.Statement.filter(({ Effect }) => Effect === "Allow").flatMap(({ Sid, Action }) =>
        list(Action)
          .filter((action) => /[*?]/.test(action))
          .map((action) => ({ type: resource.type, what: `${Sid} ${action}` })),
      ),
    );
    expect(wide).toEqual([{ type: OF_KEYS.type, what: OF_KEYS.wide }]);
  });

  test("resource * is allowed where AWS has resources", () => {
    const unnamed = policies(graph)
      .filter(({ resource }) => resource.type !== OF_KEYS.type)
      .flatMap(({ policy }) =>
        policy.Statement.filter(({ Effect, Resource }) => Effect === "Allow" && list(Resource).includes("*")),
      );
    expect(unnamed.flatMap(({ Action }) => list(Action)).filter((action) => !(action in UNNAMED))).toEqual([]);
    for (const { Action, Condition } of unnamed)
      if (list(Action).includes("cloudwatch:PutMetricData"))
        expect(Condition).toEqual({ StringEquals: { "cloudwatch:namespace": "Glue" } });
  });

  test("somebody who is not named may do anything", () => {
    for (const { resource, policy } of policies(graph))
      for (const { Effect, Principal } of policy.Statement)
        if (Effect === "Allow" && Principal !== undefined)
          expect(Object.values(Principal).flat(), resource.name).not.toContain("*");
  });

  test("a role reaches beyond its stage", () => {
    const databases = declared.databases.map(({ name }) => name).join("|");
    const ours = new RegExp(
      [
        "^arn:aws:s3:::pregao-dev-\\w+-\\d{12}(/.*)?$",
        ":pregao-dev-",
        "/pregao-dev(-|$)",
        ":event-source-mapping:\\*$",
        ":parameter/pregao/dev/",
        `:(catalog|database/(${databases})|table/(${databases})/(\\w+|\\*))$`,
        ":datacatalog/AwsDataCatalog$",
        "^arn:aws:kms:",
      ].join("|"),
    );
    const beyond = Object.values(granted)
      .flat()
      .flatMap(({ resources }) => resources)
      .filter((resource) => resource !== "*" && !ours.test(resource.replace("jobs*pregao", "jobs/pregao")));
    expect(beyond).toEqual([]);
  });

  test("the key serves somebody directly, not through the service that holds the data", () => {
    for (const [who, statements] of Object.entries(granted))
      for (const { actions, conditions } of statements)
        if (actions.some((action) => /^kms:(Decrypt|Encrypt|ReEncrypt|GenerateDataKey)/.test(action)))
          expect(Object.keys(conditions?.StringEquals ?? {}), who).toContain("kms:ViaService");
  });
});

describe("a stage with a role of its own, where roles cannot be made", () => {
  test("a role is made, or a policy", () => {
    expect(roles(bare)).toEqual([]);
    const made = bare.resources.filter(({ type }) => type.startsWith("aws:iam/") && type !== "aws:iam/role:Role");
    expect(made.map(({ name }) => name)).toEqual([]);
  });

  test("something takes another role than that one", () => {
    const all = users(bare);
    expect(all.map(({ type, name }) => `${type} ${name}`).sort()).toEqual(
      users(graph)
        .map(({ type, name }) => `${type} ${name}`)
        .sort(),
    );
    expect(new Set(all.map(({ role }) => role))).toEqual(new Set([own]));
  });
});
