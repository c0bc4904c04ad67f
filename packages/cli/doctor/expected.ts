import type { Dataset } from "../../core/dataset.ts";
import { bucket, type Choices, queueArn, resource, type Stage } from "../../core/stage.ts";
import { jobRule, type Topology, topology } from "../../core/topology.ts";

/** Of a stage of which nobody knows what it chose. */
export const NO_CHOICES: Choices = { role: null, audit: false, catalogEncryption: false, emails: 0 };

/** What a stage should be, and under which names. */
export type Expected = {
  stage: Stage;
  laptop: boolean;
  choices: Choices;
  /** Whether those choices are what the stage chose: false if nobody could read them. */
  chosen: boolean;
  datasets: readonly Dataset[];
  topology: Topology;
  /** Physical names and ARNs, of logical names. */
  name: (logical: string) => string;
  bucket: (logical: string) => string;
  queueUrl: (logical: string) => string;
  queueArn: (logical: string) => string;
  functionArn: (logical: string) => string;
  bucketArn: (logical: string) => string;
  /** Where alarms of a severity are told. */
  topicArn: (severity: "critical" | "other") => string;
  /** An ARN of this account and region. */
  arn: (service: string, rest: string) => string;
  /** The ARN of the rule that tells a queue of jobs that ended. */
  jobRule: (queue: string) => string;
  /** The key of the stage, by its alias. */
  key: { type: string; id: string };
};

/** `choices`: null if they cannot be read. */
export const expectedOf = (
  stage: Stage,
  datasets: readonly Dataset[],
  laptop: boolean,
  choices: Choices | null = NO_CHOICES,
): Expected => {
  const name = (logical: string) => resource(stage, logical);
  const arn = (service: string, rest: string) => `arn:aws:${service}:${stage.region}:${stage.account}:${rest}`;
  return {
    ...{ stage, laptop, choices: choices ?? NO_CHOICES, chosen: choices !== null, datasets, name, arn },
    topology: topology(datasets, stage.pace),
    bucket: (logical) => bucket(stage, logical),
    queueUrl: (logical) => `https://sqs.${stage.region}.amazonaws.com/${stage.account}/${name(logical)}`,
    queueArn: (logical) => queueArn(stage, logical),
    functionArn: (logical) => arn("lambda", `function:${name(logical)}`),
    topicArn: (severity) => arn("sns", name(severity)),
    bucketArn: (logical) => `arn:aws:s3:::${bucket(stage, logical)}`,
    jobRule: (queue) => arn("events", `rule/${name(jobRule(queue))}`),
    key: { type: "AWS::KMS::Key", id: `alias/pregao-${stage.name}` },
  };
};
