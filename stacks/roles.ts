/// <reference path="../.sst/platform/config.d.ts" />
import { grants } from "./permissions.ts";
import type { River } from "./river.ts";
import { policyOf } from "./statements.ts";

/** Who assumes a role: a service, or people of the account whom IAM allows to. */
export type Trusted = "lambda" | "firehose" | "glue" | "scheduler" | "account";

/**
 * Roles cannot be passed to a service of another account (IAM: PassRole), so this guards what is left: that a service is
 * talked into using them for somebody else. A condition on a key that a service does not send denies it, and whether
 * Glue sends these when it assumes a job's role is not documented: it has none.
 */
const trust = ({ stage }: River, trusted: Trusted): object => ({
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Action: "sts:AssumeRole",
      Principal:
        trusted === "account" ? { AWS: `arn:aws:iam::${stage.account}:root` } : { Service: `${trusted}.amazonaws.com` },
      ...(trusted === "account" || trusted === "glue"
        ? {}
        : { Condition: { StringEquals: { "aws:SourceAccount": stage.account } } }),
    },
  ],
});

const made = new WeakMap<River, Map<string, $util.Output<string>>>();

/**
 * The ARN of the role of one of {@link grants}; it is there with its policy, and no other. A stage that names a role of its
 * own makes none, and everything takes that one.
 */
export const role = (
  river: River,
  who: string,
  trusted: Trusted,
  keyArn: $util.Input<string>,
): $util.Output<string> => {
  if (river.settings.role !== undefined) return $output(river.settings.role);
  const roles = made.get(river) ?? new Map<string, $util.Output<string>>();
  made.set(river, roles);
  const known = roles.get(who);
  if (known) return known;
  const policy = $output(keyArn).apply((arn) => {
    const statements = grants(river.stage, river.topology, arn)[who];
    if (!statements) throw new Error(`expected a role of stacks/permissions.ts, came ${who}`);
    return JSON.stringify(policyOf(statements));
  });
  const { arn, name } = new aws.iam.Role(`${who}Role`, {
    name: river.name(who),
    description: `pregao ${river.stage.name}: ${who}`,
    assumeRolePolicy: JSON.stringify(trust(river, trusted)),
  });
  const may = new aws.iam.RolePolicy(`${who}Policy`, { role: name, name: who, policy });
  // What was added by hand goes with the next deployment.
  new aws.iam.RolePoliciesExclusive(`${who}Policies`, { roleName: name, policyNames: [may.name] });
  new aws.iam.RolePolicyAttachmentsExclusive(`${who}Attachments`, { roleName: name, policyArns: [] });
  // Whoever waits for the role waits for what it may do: AWS looks at it when a mapping or a stream is made.
  const ready = may.id.apply(() => arn);
  roles.set(who, ready);
  return ready;
};
