/** Policies of resources: who may use a key, a bucket, a queue. What roles may do is in permissions.ts. */
export type PolicyStatement = {
  sid: string;
  effect?: "Deny";
  /** A service of AWS's or an account; nobody: everybody, which only a Deny may be about. */
  service?: string;
  account?: string;
  actions: readonly string[];
  resources: readonly string[];
  conditions?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
};

const principal = ({ service, account }: PolicyStatement) => {
  if (service) return { Service: service };
  return account ? { AWS: `arn:aws:iam::${account}:root` } : "*";
};

/** As AWS takes it. @throws Error for a statement that would let in everybody */
export const policyDocument = (statements: readonly PolicyStatement[]): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: statements.map((s) => {
      if (!s.effect && !s.service && !s.account)
        throw new Error(`${s.sid}: expected a service or an account, came nobody`);
      return {
        Sid: s.sid,
        Effect: s.effect ?? "Allow",
        Principal: principal(s),
        Action: s.actions,
        Resource: s.resources,
        ...(s.conditions && { Condition: s.conditions }),
      };
    }),
  });

/** Everything is refused over plain HTTP: `actions` are all of the service, `resources` the resource and what is in it. */
export const denyPlainHttp = (actions: string, resources: readonly string[]): PolicyStatement => ({
  sid: "NoPlainHttp",
  effect: "Deny",
  actions: [actions],
  resources,
  conditions: { Bool: { "aws:SecureTransport": "false" } },
});
