import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { PregaoError } from "../core/errors.ts";
import { type Stage, stageParameter, stage as stageSchema } from "../core/stage.ts";
import { configOf, type Env } from "./index.ts";
import { refusalOf } from "./refusals.ts";

/**
 * A deployed stage by its name: from the parameter that its deploy left, in the account and region that this process'
 * environment and profile name, as the SDK finds them.
 * @throws PregaoError `endpoint`, `region`, `no_stage`, `stage`, and what {@link refusalOf} says.
 */
export const stageNamed = async (name: string, env: Env = process.env): Promise<Stage> => {
  const { success } = stageSchema.shape.name.safeParse(name);
  if (!success)
    throw new PregaoError(
      "usage",
      `expected --stage with lower-case letters and digits, at most 20, came ${JSON.stringify(name)}. Next: pregao --stage dev status`,
    );
  checkEndpoint(env);
  const region = await regionOf(env);
  const ssm = new SSMClient({
    ...configOf(region, env, { own: true }),
    ...(Number(env.PREGAO_SILENT_MS) ? {} : { requestHandler: { connectionTimeout: ASK_MS, socketTimeout: ASK_MS } }),
    maxAttempts: 3,
  });
  const parameter = stageParameter(name);
  const at = `in ${region}${env.AWS_ENDPOINT_URL ? ` at ${env.AWS_ENDPOINT_URL}` : ""}`;
  try {
    const { Parameter: found } = await ssm.send(new GetParameterCommand({ Name: parameter }));
    return read(name, found?.Value ?? "", found?.ARN ?? "", region);
  } catch (error) {
    if (error instanceof PregaoError) throw error;
    if ((error as Error).name === "ParameterNotFound")
      throw new PregaoError(
        "no_stage",
        `expected the parameter ${parameter} ${at}, which a deploy leaves: there is none. Is it another region's (AWS_REGION) or another account's (AWS_PROFILE)? If the stage is not there yet, docs/deploy.md says how it is made. Next: npx sst deploy --stage ${name}`,
      );
    throw refusalOf(error, name) ?? error;
  } finally {
    ssm.destroy();
  }
};

/** One small document, before which nothing can be said: a person waits for three such silences at most. */
const ASK_MS = 5_000;

/** @throws PregaoError `endpoint`: the SDK would tell of it with nothing but "Invalid URL". */
const checkEndpoint = ({ AWS_ENDPOINT_URL: endpoint }: Env): void => {
  if (endpoint && !/^https?:$/.test(URL.parse(endpoint)?.protocol ?? ""))
    throw new PregaoError(
      "endpoint",
      `expected AWS_ENDPOINT_URL to be an address that starts with http:// or https://, came ${JSON.stringify(endpoint)}. AWS itself is reached without it. Next: unset AWS_ENDPOINT_URL`,
    );
};

/** Without one, no client can be made. AWS_DEFAULT_REGION is what the AWS CLI reads; this SDK does not. */
const regionOf = async (env: Env): Promise<string> => {
  const named = env.AWS_REGION || env.AWS_DEFAULT_REGION;
  const ssm = new SSMClient(named ? { region: named } : {});
  try {
    return await ssm.config.region();
  } catch (error) {
    const { message } = error as Error;
    throw new PregaoError(
      "region",
      `expected an AWS region: ${named ? `${JSON.stringify(named)} is none` : `none is set (${message})`}. Set AWS_REGION to the one the stage was deployed to, such as sa-east-1 (PREGAO_REGION of its deploy), or region in your profile. Next: export AWS_REGION=sa-east-1`,
    );
  } finally {
    ssm.destroy();
  }
};

/** The document of a stage, whose ARN says where it was found: it must be that stage's own. */
const read = (name: string, text: string, arn: string, region: string): Stage => {
  const [, , , , account = ""] = arn.split(":");
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    found = null;
  }
  const parsed = stageSchema.safeParse(found);
  const again = `Deploy it again, from where it is deployed. Next: npx sst deploy --stage ${name}`;
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const what = issue?.path.length ? `${issue.path.join(".")}: ${issue.message}` : "it is no such document";
    throw new PregaoError(
      "stage",
      `expected ${stageParameter(name)} to say what the stage ${name} is, it cannot be read (${what}). ${again}`,
    );
  }
  const stage = parsed.data;
  for (const [what, expected, came] of [
    ["stage", name, stage.name],
    ["account", account, stage.account],
    ["region", region, stage.region],
  ] as const)
    if (came !== expected)
      throw new PregaoError(
        "stage",
        `expected ${stageParameter(name)} of account ${account} in ${region} to be of the ${what} ${expected}, it is of ${came}: ${what === "region" ? `set AWS_REGION=${came}, if that is the stage you mean. Next: export AWS_REGION=${came}` : `it was copied, or this account is not the one you mean. ${again}`}`,
      );
  return stage;
};
