import { describe, expect, test } from "vitest";
import { settingsFrom } from "../../stacks/settings.ts";
import { ACCOUNT, type Graph, graphOf } from "./graph.ts";

/** The names under which AWS knows what a stage makes: two stages of one account must share none of them. */
const physicalNames = ({ resources }: Graph): string[] =>
  resources
    .filter(({ type }) => type.startsWith("aws:") && !type.startsWith("aws:s3/bucketObject"))
    .flatMap(({ type, inputs }) => {
      const name = inputs.bucket ?? inputs.name ?? inputs.functionName;
      return typeof name === "string" && ["bucket", "name"].some((key) => inputs[key] === name)
        ? [`${type} ${name}`]
        : [];
    });

/** Kinds that belong to another resource of the stage and have no name of their own, or one that a database gives them. */
const owned = /^aws:(s3\/bucket\w+|glue\/catalogTable|athena\/namedQuery|kms\/keyPolicy)/;

describe("stages", () => {
  test("two stages of one account collide: a name both would have", async () => {
    const [dev, prova] = await Promise.all([graphOf({ stage: "dev" }), graphOf({ stage: "prova" })]);
    const there = new Set(physicalNames(dev).filter((name) => !owned.test(name)));
    expect(there.size).toBeGreaterThan(20);
    expect(physicalNames(prova).filter((name) => there.has(name))).toEqual([]);
  });

  test("two stages make different kinds of things", async () => {
    const [dev, prova] = await Promise.all([graphOf({ stage: "dev" }), graphOf({ stage: "prova" })]);
    const kinds = (graph: Graph) =>
      Object.entries(Object.groupBy(graph.resources, ({ type }) => type)).map(([type, all]) => [type, all?.length]);
    expect(kinds(prova)).toEqual(kinds(dev));
  });

  test("production is protected from sst remove, and keeps its data; another stage does neither", async () => {
    expect((await graphOf({ stage: "production" })).app).toMatchObject({ protect: true, removal: "retain" });
    expect((await graphOf({ stage: "dev" })).app).toMatchObject({ protect: false, removal: "remove" });
  });

  test("a stage says where it was deployed", async () => {
    expect((await graphOf()).outputs).toMatchObject({ stage: "dev", account: ACCOUNT, region: "sa-east-1" });
    const elsewhere = await graphOf({ env: { PREGAO_REGION: "us-east-1" } });
    expect(elsewhere.outputs).toMatchObject({ region: "us-east-1" });
    expect(JSON.stringify(elsewhere.resources)).not.toContain("sa-east-1");
  });

  test("the laptop's name is no stage", async () => {
    await expect(graphOf({ stage: "local" })).rejects.toThrow("expected another stage than local");
  });

  test("a stage whose name AWS would not take is deployed", async () => {
    await expect(graphOf({ stage: "Dev_1" })).rejects.toThrow("expected a stage name");
  });

  test("a layout that no table can have is deployed", async () => {
    const env = { PREGAO_LAYOUTS: '{"nenhuma": ["year"]}' };
    await expect(graphOf({ env })).rejects.toThrow("nenhuma");
  });
});

describe("settings", () => {
  test("without any, a stage is a daily one that mails nobody and audits nothing", () => {
    expect(settingsFrom({}, "dev")).toEqual({
      pace: "daily",
      layouts: {},
      emails: [],
      role: undefined,
      audit: false,
      catalogEncryption: false,
    });
  });

  test("what they say is taken", () => {
    const env = {
      PREGAO_PACE: "intraday",
      PREGAO_LAYOUTS: '{"bovespa_refined": ["year", "ticker"]}',
      PREGAO_ALARM_EMAILS: "a@exemplo.com.br, b@exemplo.com.br",
      PREGAO_ROLE: "arn:aws:iam::123456789012:role/LabRole",
      PREGAO_AUDIT: "true",
    };
    expect(settingsFrom(env, "dev")).toEqual({
      pace: "intraday",
      layouts: { bovespa_refined: ["year", "ticker"] },
      emails: ["a@exemplo.com.br", "b@exemplo.com.br"],
      role: "arn:aws:iam::123456789012:role/LabRole",
      audit: true,
      catalogEncryption: false,
    });
  });

  test.each([
    ["PREGAO_PACE", "hourly"],
    ["PREGAO_LAYOUTS", "{year}"],
    ["PREGAO_LAYOUTS", '{"bovespa_refined": "year"}'],
    ["PREGAO_ALARM_EMAILS", "nobody"],
    ["PREGAO_ROLE", "LabRole"],
    ["PREGAO_AUDIT", "yes"],
  ])("%s=%s is refused, and it says which variable and where", (name, value) => {
    expect(() => settingsFrom({ [name]: value }, "dev")).toThrow(new RegExp(`${name}: .*Set it in \\.env\\.dev`));
  });
});
