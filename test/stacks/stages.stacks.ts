import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Choices, choicesParameter, type Stage, stageParameter } from "../../packages/core/stage.ts";
import { OTHERS, type Recorded, type Settings, settingsFrom, VARIABLES } from "../../stacks/settings.ts";
import { ACCOUNT, type Graph, graphOf, REGION } from "./graph.ts";
import { root } from "./places.ts";

/** Variables that the code of a folder reads from its environment. */
const namesIn = (folder: string): string[] => [
  ...new Set(
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((file) => /\.(ts|js|py|sh)$/.test(file))
      .flatMap((file) => readFileSync(join(folder, file), "utf8").match(/\benv(iron)?\b\W{1,3}PREGAO_[A-Z_]+/g) ?? [])
      .map((text) => /PREGAO_[A-Z_]+/.exec(text)![0]),
  ),
];

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
const owned =
  /^aws:(s3\/bucket\w+|glue\/catalogTable|athena\/namedQuery|iam\/rolePolicy|cloudwatch\/log(Stream|MetricFilter)):/;

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
      Object.fromEntries(
        Object.entries(Object.groupBy(graph.resources, ({ type }) => type)).map(([type, all]) => [type, all?.length]),
      );
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

  test("a region that CI does not have comes as an empty text, and is no region", async () => {
    expect((await graphOf({ env: { PREGAO_REGION: "" } })).app).toMatchObject({
      providers: { aws: { region: "sa-east-1" } },
    });
  });

  test("the laptop's name is no stage", async () => {
    await expect(graphOf({ stage: "local" })).rejects.toThrow("expected another stage than local");
  });

  test("a stage whose name AWS would not take is deployed", async () => {
    await expect(graphOf({ stage: "Dev_1" })).rejects.toThrow("expected a stage name");
    // A sentence, and no document of the checks that failed.
    await expect(graphOf({ stage: "Dev_1" })).rejects.toThrow(/came Dev_1.*Next: .*sst deploy --stage/s);
    await expect(graphOf({ stage: "Dev_1" })).rejects.not.toThrow("invalid_format");
  });

  test("a layout that no table can have is deployed", async () => {
    const env = { PREGAO_LAYOUTS: '{"nenhuma": ["year"]}' };
    await expect(graphOf({ env })).rejects.toThrow("nenhuma");
  });
});

const settledAs = (env: Record<string, string>, recorded?: Recorded) => settingsFrom(env, "dev", recorded);
const fresh: Settings = {
  pace: "daily",
  layouts: {},
  emails: [],
  role: undefined,
  audit: false,
  catalogEncryption: false,
};
const LAB = "arn:aws:iam::123456789012:role/LabRole";

describe("settings", () => {
  test("without any, a stage is a daily one that mails nobody and audits nothing", () => {
    expect(settledAs({})).toEqual(fresh);
  });

  test("what they say is taken", () => {
    const env = {
      PREGAO_PACE: "intraday",
      PREGAO_LAYOUTS: '{"bovespa_refined": ["year", "ticker"]}',
      PREGAO_ALARM_EMAILS: "a@exemplo.com.br, b@exemplo.com.br",
      PREGAO_ROLE: LAB,
      PREGAO_AUDIT: "true",
    };
    expect(settledAs(env)).toEqual({
      pace: "intraday",
      layouts: { bovespa_refined: ["year", "ticker"] },
      emails: ["a@exemplo.com.br", "b@exemplo.com.br"],
      role: LAB,
      audit: true,
      catalogEncryption: false,
    });
  });

  test("a variable that CI does not have comes as an empty text, and is taken for a choice", () => {
    const names = ["PACE", "LAYOUTS", "ALARM_EMAILS", "ROLE", "AUDIT", "CATALOG_ENCRYPTION", "REGION"];
    expect(settledAs(Object.fromEntries(names.map((name) => [`PREGAO_${name}`, " "])))).toEqual(fresh);
  });

  test("one address given twice, in whatever case, makes two resources of one name", () => {
    const { emails } = settledAs({ PREGAO_ALARM_EMAILS: "a@exemplo.com.br,b@exemplo.com.br, A@exemplo.com.br" });
    expect(emails).toEqual(["a@exemplo.com.br", "b@exemplo.com.br"]);
  });

  test("an address that is none is not named, among others that are", () => {
    expect(() => settledAs({ PREGAO_ALARM_EMAILS: "a@exemplo.com.br,ninguem" })).toThrow(/ninguem/);
    expect(() => settledAs({ PREGAO_ALARM_EMAILS: "a@exemplo.com.br,ninguem" })).not.toThrow(/a@exemplo/);
  });

  test("a misspelled name is passed over, and with it what somebody chose", () => {
    expect(() => settledAs({ PREGAO_ALARM_EMAIL: "a@exemplo.com.br" })).toThrow(
      /PREGAO_ALARM_EMAIL: expected one of .*PREGAO_ALARM_EMAILS/,
    );
  });

  test("a name that a command or a test of the repository reads is taken for a misspelled setting", () => {
    expect(settledAs({ PREGAO_PYTHON: "python3", PREGAO_DEBUG: "1", PREGAO_SILENT_MS: "5", PREGAO_SEED: "7" })).toEqual(
      fresh,
    );
  });

  test("a name that the code reads is on no list", () => {
    const read = ["functions", "packages", "bin", "test"].flatMap((folder) => namesIn(join(root, folder)));
    expect(read.length).toBeGreaterThan(10);
    expect(read.filter((name) => !OTHERS.includes(name) && !(name in VARIABLES))).toEqual([]);
  });

  test.each([
    ["PREGAO_PACE", "hourly"],
    ["PREGAO_LAYOUTS", "{year}"],
    ["PREGAO_LAYOUTS", '{"bovespa_refined": "year"}'],
    ["PREGAO_ALARM_EMAILS", "nobody"],
    ["PREGAO_ROLE", "LabRole"],
    ["PREGAO_ROLE", "arn:aws:iam::123456789012:role/pasta/LabRole"],
    ["PREGAO_AUDIT", "yes"],
    ["PREGAO_REGION", "marte"],
  ])("%s=%s is refused, and it says which variable and where", (name, value) => {
    const refused = () => settledAs({ [name]: value });
    expect(refused).toThrow(`${name}: expected `);
    expect(refused).toThrow(`came ${value}`);
    expect(refused).toThrow(".env.dev");
  });
});

describe("a stage that is there already", () => {
  const chosen: Choices = { role: null, audit: false, catalogEncryption: false, emails: 0 };
  const there = (of: Partial<Stage> = {}, choices: Partial<Choices> = {}): Recorded => ({
    stage: { name: "dev", account: ACCOUNT, region: REGION, pace: "daily", layouts: {}, ...of },
    choices: { ...chosen, ...choices },
  });
  const onAws = (of: Partial<Stage> = {}, choices: Partial<Choices> = {}) => {
    const { stage, choices: made } = there(of, choices);
    return { TEST_PARAMETERS: JSON.stringify({ [stageParameter("dev")]: stage, [choicesParameter("dev")]: made }) };
  };

  test("a deployment whose environment says nothing undoes what the one before chose", () => {
    const was = there(
      { pace: "intraday", layouts: { bovespa_refined: ["year", "ticker"] } },
      { role: LAB, audit: true, catalogEncryption: true },
    );
    expect(settledAs({}, was)).toEqual({
      ...{ pace: "intraday", layouts: { bovespa_refined: ["year", "ticker"] }, emails: [] },
      ...{ role: LAB, audit: true, catalogEncryption: true },
    });
  });

  test("what it chose cannot be changed by saying so", () => {
    const was = there({ pace: "intraday" }, { role: LAB, audit: true, emails: 2 });
    const env = { PREGAO_PACE: "daily", PREGAO_ROLE: "none", PREGAO_AUDIT: "false", PREGAO_ALARM_EMAILS: "none" };
    expect(settledAs(env, was)).toEqual(fresh);
  });

  test("whoever was told of alarms is told no more, as addresses are not recorded", () => {
    const was = there({}, { emails: 2 });
    expect(() => settledAs({}, was)).toThrow(/PREGAO_ALARM_EMAILS: .*2 .*PREGAO_ALARM_EMAILS=none/s);
    expect(() => settledAs({ PREGAO_ALARM_EMAILS: "" }, was)).toThrow("PREGAO_ALARM_EMAILS=none");
    expect(settledAs({ PREGAO_ALARM_EMAILS: "a@exemplo.com.br" }, was).emails).toEqual(["a@exemplo.com.br"]);
  });

  test("a layout changes under data that is there", () => {
    const layout = (text: string) => ({ PREGAO_LAYOUTS: text });
    const was = there({ layouts: { bovespa_refined: ["year", "ticker"] } });
    expect(() => settledAs(layout("{}"), was)).toThrow(
      /PREGAO_LAYOUTS: expected bovespa_refined by year, ticker.*cannot change under data that is there/s,
    );
    expect(() => settledAs(layout('{"bovespa_refined": ["year", "ticker"]}'), there())).toThrow(/cannot change/);
    expect(() => settledAs(layout('{"bovespa_refined": ["ticker", "year"]}'), was)).toThrow(/cannot change/);
    // As it is declared, or as it was: nothing changes.
    expect(settledAs(layout('{"bovespa_refined": ["year"]}'), there()).layouts).toEqual({ bovespa_refined: ["year"] });
    expect(settledAs(layout('{"bovespa_refined": ["year", "ticker"]}'), was).layouts).toEqual(was.stage.layouts);
  });

  test("what AWS holds of it is not asked for: a deployment from a laptop has its own defaults", async () => {
    const { of } = await graphOf({ env: onAws({ pace: "intraday" }, { audit: true }) });
    expect(of("aws:cloudtrail/trail:Trail")).toHaveLength(1);
    const written = of("aws:ssm/parameter:Parameter").map(({ inputs }) => JSON.parse(String(inputs.value)) as object);
    expect(written).toMatchObject([{ pace: "intraday" }, { audit: true }]);
  });

  test("a stage of another region or account is deployed here", async () => {
    await expect(graphOf({ env: onAws({ region: "us-east-1" }) })).rejects.toThrow("PREGAO_REGION=us-east-1");
    await expect(graphOf({ env: onAws({ account: "999999999999" }) })).rejects.toThrow("999999999999");
    await expect(
      graphOf({ env: { TEST_BUCKETS: JSON.stringify({ [`pregao-dev-state-${ACCOUNT}`]: "us-east-1" }) } }),
    ).rejects.toThrow("PREGAO_REGION=us-east-1");
  });

  test("a document that is refused, or none that this code reads, is taken for a new stage", async () => {
    for (const one of ["denied", "throttled", "{", '{"name": "dev"}']) {
      const env = { TEST_PARAMETERS: JSON.stringify({ [stageParameter("dev")]: one }) };
      await expect(graphOf({ env }), one).rejects.toThrow(stageParameter("dev"));
    }
  });

  test("a role of another account is taken", async () => {
    const env = { PREGAO_ROLE: "arn:aws:iam::999999999999:role/LabRole" };
    await expect(graphOf({ env })).rejects.toThrow(/PREGAO_ROLE: expected a role of account 123456789012/);
  });
});
