import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Deployed, deployed, prova } from "../cli/stage.fixture.ts";

let river: Deployed;
let ssm: SSMClient;
beforeAll(async () => {
  river = await deployed();
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  ssm = new SSMClient({ endpoint: river.stack.url, region: prova.region, credentials });
});
afterAll(async () => {
  ssm.destroy();
  await river.close();
});

const ARN = "arn:aws:ssm:sa-east-1:123456789012:parameter/pregao/prova/stage";

test("GetParameter gives the stage that the stack was started for, by name and by ARN", async () => {
  for (const Name of ["/pregao/prova/stage", ARN]) {
    const { Parameter: found } = await ssm.send(new GetParameterCommand({ Name }));
    expect(found).toMatchObject({ Name: "/pregao/prova/stage", Type: "String", ARN, Version: 1, DataType: "text" });
    expect(JSON.parse(found?.Value ?? "")).toEqual(prova);
    expect(found?.LastModifiedDate).toBeInstanceOf(Date);
  }
});

test("no other parameter is there, and an empty name is refused", async () => {
  for (const Name of ["/pregao/local/stage", "/pregao/outra/stage", "x"])
    await expect(ssm.send(new GetParameterCommand({ Name }))).rejects.toMatchObject({ name: "ParameterNotFound" });
  await expect(ssm.send(new GetParameterCommand({ Name: "" }))).rejects.toMatchObject({ name: "ValidationException" });
});
