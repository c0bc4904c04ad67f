import { z } from "zod";

/** Where a river runs. Everything a function must know of its surroundings; all names follow from it. */
export const stage = z.strictObject({
  /** No `-`: patterns of names in policies end in one, and would hold for a stage whose name went on after it. */
  name: z.string().regex(/^[a-z][a-z0-9]{0,19}$/, "expected a stage name: lower-case letters and digits, at most 20"),
  account: z.string().regex(/^\d{12}$/),
  region: z.string().min(1),
  pace: z.enum(["daily", "intraday"]),
  /** Tables whose partitions are not the declared ones, e.g. `{"bovespa_refined": ["year", "ticker"]}`. */
  layouts: z.record(z.string(), z.array(z.string())),
});
export type Stage = z.infer<typeof stage>;

/** A laptop: its names are the bare ones, `.pregao/s3/lake/…`. */
export const laptop = (layouts: Stage["layouts"] = {}): Stage => ({
  name: "local",
  account: "000000000000",
  region: "sa-east-1",
  pace: "intraday",
  layouts,
});

/** Queues, streams, jobs and functions: unique in an account and region. */
export const resource = (s: Stage, name: string): string => (s.name === "local" ? name : `pregao-${s.name}-${name}`);
/** Buckets: unique in the world. */
export const bucket = (s: Stage, name: string): string =>
  s.name === "local" ? name : `pregao-${s.name}-${name}-${s.account}`;

/**
 * Glue's databases: unique in an account and region. Production's and a laptop's have the datasets' own names, so that
 * the same statements run on both; another stage's end in its name.
 */
export const database = (s: Stage, name: string): string =>
  s.name === "local" || s.name === "production" ? name : `${name}_${s.name}`;

/** Athena's workgroups, by whose they are: unique in an account and region. A laptop has the one that every account begins with. */
export const workgroup = (s: Stage, whose: "people" | "analyst" = "people"): string =>
  s.name === "local" ? "primary" : resource(s, whose);

/** Where CloudWatch keeps what a function prints. */
export const functionLog = (s: Stage, name: string): string => `/aws/lambda/${resource(s, name)}`;

/** The SSM parameter that holds a deployed stage as JSON: by it a stage is found by its name alone. */
export const stageParameter = (name: string): string => `/pregao/${name}/stage`;

/**
 * What a stage chose when it was deployed, beside what it is; nothing secret. `role`: the ARN of a role that exists, which
 * every function, stream, job and clock takes; null: each has its own. `emails`: how many are told of critical alarms.
 */
export const choices = z.strictObject({
  role: z.string().nullable(),
  audit: z.boolean(),
  catalogEncryption: z.boolean(),
  emails: z.number().int(),
});
export type Choices = z.infer<typeof choices>;
/** The SSM parameter that holds a deployed stage's choices as JSON: by it `doctor` knows what is off on purpose. */
export const choicesParameter = (name: string): string => `/pregao/${name}/choices`;

export const queueArn = (s: Stage, name: string): string => `arn:aws:sqs:${s.region}:${s.account}:${resource(s, name)}`;
/** A queue's logical name from its ARN or URL. */
export const logicalName = (s: Stage, physical: string): string =>
  physical.slice(physical.search(/[^:/]+$/)).slice(s.name === "local" ? 0 : `pregao-${s.name}-`.length);

/** The environment of a function, which `stageFrom` reads back. */
export const environment = (s: Stage): Record<string, string> => ({
  PREGAO_STAGE: s.name,
  PREGAO_ACCOUNT: s.account,
  PREGAO_PACE: s.pace,
  PREGAO_LAYOUTS: JSON.stringify(s.layouts),
  AWS_REGION: s.region,
});

export const stageFrom = (env: Record<string, string | undefined>): Stage =>
  stage.parse({
    name: env.PREGAO_STAGE,
    account: env.PREGAO_ACCOUNT,
    region: env.AWS_REGION,
    pace: env.PREGAO_PACE,
    layouts: JSON.parse(env.PREGAO_LAYOUTS ?? "{}"),
  });
