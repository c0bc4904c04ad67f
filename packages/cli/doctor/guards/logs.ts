import { functionLog } from "../../../core/stage.ts";
import type { Expected } from "../expected.ts";
import { type Guard, guard, type Subject } from "../guard.ts";
import { said } from "../shapes.ts";
import { isKey, keyed } from "./key.ts";

/** Every group that something of the stage writes to. */
const groups = (e: Expected): Subject[] =>
  [
    ...e.topology.functions.map(({ name }) => functionLog(e.stage, name)),
    ...e.topology.streams.map(({ name }) => `/aws/kinesisfirehose/${e.name(name)}`),
    ...e.topology.jobs.flatMap(({ name }) =>
      ["error", "output"].map((kind) => `/aws-glue/jobs/${e.name(name)}/${kind}`),
    ),
  ].map((id) => ({ type: "AWS::Logs::LogGroup", id, name: id }));

/** Longer than any quarter, shorter than what a personal datum may be kept for without a reason. */
const DAYS = { least: 14, most: 731 };

export const logGuards: Guard[] = [
  guard({
    id: "log.retention",
    protects: "logs are there when somebody asks, and neither kept nor paid for ever",
    subjects: groups,
    check: (is) => {
      const days = Number(is.RetentionInDays ?? Number.POSITIVE_INFINITY);
      return days >= DAYS.least && days <= DAYS.most
        ? []
        : [
            {
              expected: `RetentionInDays ${DAYS.least} to ${DAYS.most}`,
              came: `RetentionInDays ${said(is.RetentionInDays)}${is.RetentionInDays === undefined ? ": for ever" : ""}`,
            },
          ];
    },
    mend: ({ id }, e) =>
      `aws logs put-retention-policy --region ${e.stage.region} --log-group-name ${id} --retention-in-days 90`,
  }),
  guard({
    id: "log.encrypted",
    protects: "logs are encrypted by the stage's key",
    subjects: (e) => groups(e).map((one) => keyed(one, e)),
    check: (is, _, e, need) => isKey(is.KmsKeyId, "KmsKeyId", e, need),
    mend: ({ id }, e) =>
      `aws logs associate-kms-key --region ${e.stage.region} --log-group-name ${id} --kms-key-id $(aws kms describe-key --region ${e.stage.region} --key-id ${e.key.id} --query KeyMetadata.Arn --output text)`,
  }),
];
