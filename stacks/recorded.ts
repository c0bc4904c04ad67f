/// <reference path="../.sst/platform/config.d.ts" />
import { type Choices, choices, choicesParameter, type Stage, stage, stageParameter } from "../packages/core/stage.ts";
import type { Recorded } from "./settings.ts";

/** The provider's words for what is not there (aws_ssm_parameter); whatever else it says, something may be there. */
const MISSING = /couldn't find resource|ParameterNotFound/;

const read = async (name: string): Promise<string | null> => {
  try {
    return (await aws.ssm.getParameter({ name })).insecureValue;
  } catch (error) {
    if (MISSING.test(String(error))) return null;
    throw new Error(
      `expected to read ${name}, which says whether the stage is there and what it chose, came: ${String(error)}`,
      { cause: error },
    );
  }
};

/** @throws Error for a document that is not as a deployment of this code, or of one before it, writes it */
const understood = <T>(name: string, text: string, parse: (document: unknown) => T): T => {
  try {
    return parse(JSON.parse(text));
  } catch (error) {
    throw new Error(
      `expected in ${name} what a deployment of this version writes, came ${text}. Next: deploy from the commit that wrote it, or delete the parameter and name every setting`,
      { cause: error },
    );
  }
};

/** What the deployment before this one wrote down in this account and region; null: there was none. */
export const recorded = async (name: string): Promise<Recorded | null> => {
  const [is, chose] = await Promise.all([read(stageParameter(name)), read(choicesParameter(name))]);
  if (is === null) return null;
  return {
    stage: understood(stageParameter(name), is, (document): Stage => stage.parse(document)),
    choices: chose && understood(choicesParameter(name), chose, (document): Choices => choices.parse(document)),
  } as Recorded;
};

/** HeadBucket's answer where a bucket is in another region than the one that was asked. */
const ELSEWHERE = /StatusCode: 301|MovedPermanently|PermanentRedirect/;

/**
 * Where a bucket of the stage is, if not here: in its region's name, or as far as AWS says it. Buckets and roles have no
 * region in their names, so a stage is in one alone. Whatever else S3 answers, creating them says better.
 */
export const elsewhere = async (bucket: string, region: string): Promise<string | null> => {
  try {
    const { bucketRegion } = await aws.s3.getBucket({ bucket });
    return bucketRegion && bucketRegion !== region ? bucketRegion : null;
  } catch (error) {
    return ELSEWHERE.test(String(error)) ? "another" : null;
  }
};
