import { describe, expect, test } from "vitest";
import {
  bucket,
  database,
  environment,
  laptop,
  logicalName,
  queueArn,
  resource,
  type Stage,
  stageFrom,
} from "../../packages/core/stage.ts";
import { catalogueOf, datasets } from "../../packages/datasets/index.ts";

const dev: Stage = { name: "ab", account: "123456789012", region: "sa-east-1", pace: "daily", layouts: {} };
const production: Stage = { ...dev, name: "production" };

describe("the names of a stage", () => {
  test("a laptop's are bare, another's carry the stage, a bucket's the account too", () => {
    expect(resource(laptop(), "landed")).toBe("landed");
    expect(resource(dev, "landed")).toBe("pregao-ab-landed");
    expect(bucket(dev, "lake")).toBe("pregao-ab-lake-123456789012");
  });

  test("a bucket's name is longer than S3 takes, for the longest name of a stage", () => {
    const longest = { ...dev, name: "a".repeat(20) };
    for (const name of ["origin", "lake", "state", "results"])
      expect(bucket(longest, name).length).toBeLessThanOrEqual(63);
  });

  test("a queue's logical name comes back from its ARN and its URL", () => {
    expect(logicalName(dev, queueArn(dev, "landed"))).toBe("landed");
    expect(logicalName(dev, "https://sqs.sa-east-1.amazonaws.com/123456789012/pregao-ab-landed")).toBe("landed");
  });

  test("two stages of one account share no database; production's has the name that statements use", () => {
    const names = (stage: Stage) => catalogueOf(stage).map((dataset) => dataset.database);
    expect(names(production)).toEqual(datasets.map((dataset) => dataset.database));
    expect(names(laptop())).toEqual(names(production));
    expect(names(dev)).toEqual(names(production).map((name) => `${name}_ab`));
    expect(database(dev, "bovespa_database")).toMatch(/^[a-z0-9_]+$/);
  });

  test("a function reads its stage back from its environment", () => {
    const stage = { ...dev, layouts: { bovespa_refined: ["year", "ticker"] } };
    expect(stageFrom(environment(stage))).toEqual(stage);
  });
});
