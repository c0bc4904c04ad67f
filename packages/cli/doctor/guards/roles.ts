import type { Expected } from "../expected.ts";
import { deploy, type Guard, guard, type Subject } from "../guard.ts";
import { statementsOf } from "../policy.ts";
import { at, list } from "../shapes.ts";
import { named } from "./functions.ts";

const PEOPLE = ["analyst", "watcher", "operator", "doctor"];

/** Whoever has a role of their own, and who takes it. */
const ROLES = (e: Expected): Record<string, string> => ({
  ...Object.fromEntries(e.topology.functions.map(({ name }) => [name, "Service:lambda.amazonaws.com"])),
  stream: "Service:firehose.amazonaws.com",
  job: "Service:glue.amazonaws.com",
  clock: "Service:scheduler.amazonaws.com",
  // People of the account, whom IAM lets take them.
  ...Object.fromEntries(PEOPLE.map((who) => [who, `AWS:arn:aws:iam::${e.stage.account}:root`])),
});

/**
 * What AWS takes with no resource of a stage's name: metrics and listings of an account, settings of one, and mappings,
 * which have numbers (Service Authorization Reference). Everything else that is granted names what it is granted on.
 */
const NAMELESS = new Set([
  ...["cloudwatch:PutMetricData", "cloudwatch:GetMetricData", "kms:ListAliases", "logs:DescribeLogGroups"],
  ...["logs:DescribeResourcePolicies"],
  ...["cloudformation:GetResource", "cloudformation:ListResources", "cloudtrail:DescribeTrails"],
  ...["glue:GetSecurityConfiguration", "glue:GetDataCatalogEncryptionSettings"],
  ...["lambda:ListEventSourceMappings", "lambda:GetEventSourceMapping", "lambda:ListTags"],
]);

type Role = Subject & { who: string; takes: string };
const roles = (e: Expected): Role[] =>
  Object.entries(ROLES(e)).map(([who, takes]) => ({
    type: "AWS::IAM::Role",
    id: e.name(who),
    name: e.name(who),
    who,
    takes,
  }));
const mend = (_: Role, e: Expected): string => deploy(e);
const policies = (is: Record<string, unknown>) =>
  list(is.Policies).flatMap((policy) => statementsOf(at(policy, "PolicyDocument")));

export const roleGuards: Guard[] = [
  guard<Role>({
    id: "role.actions",
    protects: "a role may do what is written down, action by action",
    off: named,
    chosen: true,
    subjects: roles,
    check: (is) =>
      policies(is)
        .filter((s) => s.effect === "Allow")
        .flatMap((s) => [
          ...s.actions.filter((action) => action.includes("*")).map((action) => wild(s.sid, action)),
          ...s.except.map((name) => wild(s.sid, name)),
        ]),
    mend,
  }),
  guard<Role>({
    id: "role.resources",
    protects: "a role may touch its own stage's resources, and no other's",
    off: named,
    chosen: true,
    subjects: roles,
    check: (is, _, e) =>
      policies(is)
        .filter((s) => s.effect === "Allow")
        .flatMap((s) =>
          s.resources
            .filter((resource) => !ofStage(resource, e) && !s.actions.every((action) => NAMELESS.has(action)))
            .map((resource) => ({
              expected: "resources of this stage, by name",
              came: `statement ${s.sid || "without a Sid"} allows ${s.actions.join(", ")} on ${resource}`,
            })),
        ),
    mend,
  }),
  guard<Role>({
    id: "role.sole",
    protects: "a role has the one policy that its code needs: without it every call fails, and a second one adds to it",
    off: named,
    chosen: true,
    subjects: roles,
    check: (is, { who }, e) => {
      const names = list(is.Policies).map((policy) => String(at(policy, "PolicyName")));
      const more = names.filter((name) => name !== who);
      return [
        ...(names.includes(who)
          ? []
          : [{ expected: `inline policy ${who}`, came: `policies ${names.join(", ") || "none"}` }]),
        ...more.map((name) => ({
          ...{ expected: `no inline policy but ${who}`, came: `policy ${name}` },
          mend: `aws iam delete-role-policy --role-name ${e.name(who)} --policy-name ${name}`,
        })),
      ];
    },
    mend,
  }),
  guard<Role>({
    id: "role.managed",
    protects: "nothing is added to a role beside what the stage writes",
    off: named,
    chosen: true,
    subjects: roles,
    check: (is) =>
      list(is.ManagedPolicyArns).map((arn) => ({
        expected: "no managed policies",
        came: String(arn),
        mend: `aws iam detach-role-policy --role-name ${String(is.RoleName)} --policy-arn ${String(arn)}`,
      })),
    mend,
  }),
  guard<Role>({
    id: "role.analyst",
    protects: "analysts read refined tables and their own results, and neither raw rows nor a secret of the river",
    off: named,
    chosen: true,
    subjects: (e) => roles(e).filter(({ id }) => id === e.name("analyst")),
    check: (is, _, e) =>
      policies(is)
        .filter((s) => s.effect === "Allow" && s.actions.some((action) => /^s3:(Get|Put|Delete)Object/.test(action)))
        .flatMap((s) =>
          s.resources
            .filter(
              (resource) =>
                !resource.startsWith(`${e.bucketArn("results")}/`) &&
                !(resource.startsWith(`${e.bucketArn("lake")}/refined/`) && s.actions.join() === "s3:GetObject"),
            )
            .map((resource) => ({
              expected: "s3:GetObject of refined/ of the lake, and what it likes of its results",
              came: `statement ${s.sid || "without a Sid"} allows ${s.actions.join(", ")} on ${resource}`,
            })),
        ),
    mend,
  }),
  guard<Role>({
    id: "role.trust",
    protects: "only the one that a role was made for takes it",
    off: named,
    chosen: true,
    subjects: roles,
    check: (is, { takes }) => {
      const statements = statementsOf(is.AssumeRolePolicyDocument);
      const came = statements.flatMap((s) => (s.effect === "Allow" ? s.principals : []));
      return came.length > 0 && came.every((principal) => principal === takes)
        ? []
        : [{ expected: `trust in ${takes} alone`, came: `trust in ${came.join(", ") || "nobody"}` }];
    },
    mend,
  }),
];

const wild = (sid: string, action: string) => ({
  expected: "actions by name",
  came: `statement ${sid || "without a Sid"} allows ${action}`,
});

/** Whether an ARN can only match what is of this stage. A key's has no name. */
const ofStage = (resource: string, e: Expected): boolean => {
  const [, , service, region, account, ...rest] = resource.split(":");
  const name = rest.join(":");
  if (`${region}${account}`.includes("*")) return false;
  if (service === "s3")
    return [...e.topology.buckets, "audit"].some(
      (one) => name === e.bucket(one) || name.startsWith(`${e.bucket(one)}/`),
    );
  if (service === "kms") return /^key\/[\w-]+$/.test(name) && !name.includes("*");
  if (service === "glue" && /^(catalog|database\/|table\/)/.test(name))
    return (
      name === "catalog" ||
      e.topology.databases.some((one) => new RegExp(`^(database|table)/${one.name}(/|$)`).test(name))
    );
  if (service === "athena" && name.startsWith("datacatalog/")) return true;
  if (name === `dashboard/pregao-${e.stage.name}`) return true;
  return name.includes(`pregao-${e.stage.name}-`) || name.includes(`pregao/${e.stage.name}/`);
};
