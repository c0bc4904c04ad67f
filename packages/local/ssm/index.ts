import { z } from "zod";
import { type Stage, stageParameter } from "../../core/stage.ts";
import { AwsError, type JsonService } from "../service.ts";

const asked = z.looseObject({ Name: z.string().min(1).max(2048) });

/** SSM's Parameter Store with the one parameter that a deploy leaves: what the stage is, as JSON. */
export const ssm = ({ stage, now }: { stage: Stage; now: () => number }): { service: JsonService } => {
  const name = stageParameter(stage.name);
  const arn = `arn:aws:ssm:${stage.region}:${stage.account}:parameter${name}`;
  const made = now() / 1000;
  const operations = {
    GetParameter: (input: unknown) => {
      const { success, data } = asked.safeParse(input);
      if (!success) throw new AwsError("ValidationException", "Name: expected 1 to 2048 characters");
      if (data.Name !== name && data.Name !== arn) throw new AwsError("ParameterNotFound", "");
      return {
        Parameter: {
          ...{ Name: name, Type: "String", Value: JSON.stringify(stage), Version: 1 },
          ...{ LastModifiedDate: made, ARN: arn, DataType: "text" },
        },
      };
    },
  };
  return { service: { target: "AmazonSSM", version: "1.1", operations } };
};
