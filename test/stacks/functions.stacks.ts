import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { environment } from "../../packages/core/stage.ts";
import { bundle, ownInputs } from "./bundle.ts";
import { type Declared, declared, keeps } from "./declared.ts";
import { graphOf } from "./graph.ts";
import { root } from "./places.ts";

let river: Declared;
const dir = mkdtempSync(join(tmpdir(), "pregao-stacks-"));
beforeAll(async () => {
  river = await declared();
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

type Lambda = {
  name: string;
  role: string;
  handler: string;
  runtime: string;
  architectures: string[];
  timeout: number;
  memorySize: number;
  publish?: boolean;
  vpcConfig?: object;
  layers?: string[];
  environment: { variables: Record<string, string> };
  loggingConfig: { logFormat: string; logGroup: string };
};
const functions = () => river.graph.of("aws:lambda/function:Function").map(({ inputs }) => inputs as unknown as Lambda);

/** Set for a function by Lambda itself, which refuses whoever names it (Lambda: defined runtime environment variables). */
const LAMBDAS = ["AWS_REGION", "AWS_ACCESS_KEY_ID"];
/** Read if somebody set them, for one place and time; a stage sets none. */
const UNSET = {
  AWS_ENDPOINT_URL: "where a stand-in for AWS answers",
  PREGAO_SILENT_MS: "tests' patience with a connection that says nothing",
  PREGAO_DEBUG: "lines for whoever looks for an error",
  PREGAO_MIRROR: "a copy of the origins, on a laptop or behind a company's proxy",
};

describe("functions", () => {
  test("a function of the topology is not there, or has less time or memory than it was given", () => {
    expect(
      functions().map(({ name, timeout, memorySize, runtime, architectures }) => ({
        ...{ name, timeout, memory: memorySize, runtime, architectures },
      })),
    ).toEqual(
      expect.arrayContaining(
        river.topology.functions.map(({ name, timeout, memory }) => ({
          ...{ name: river.name(name), timeout, memory, runtime: "nodejs24.x", architectures: ["arm64"] },
        })),
      ),
    );
    expect(functions()).toHaveLength(river.topology.functions.length);
  });

  test("a function takes another's role, or one that SST made with actions of its own", () => {
    for (const { name, role } of functions()) expect(role).toBe(`arn:aws:iam::${river.stage.account}:role/${name}`);
  });

  test("lines are wrapped in JSON once more, or kept for ever, or in a group that Lambda makes by itself", () => {
    for (const { name, loggingConfig } of functions()) {
      expect(loggingConfig).toEqual({ logFormat: "Text", logGroup: `/aws/lambda/${name}` });
      expect(keeps(river.graph, loggingConfig.logGroup)).toBeGreaterThan(0);
    }
  });

  test("a log group of the stage, whoever writes to it, keeps for ever, or is not encrypted by the stage's key", () => {
    const groups = river.graph.of("aws:cloudwatch/logGroup:LogGroup");
    const keyArn = `arn:aws:kms:${river.stage.region}:${river.stage.account}:key/${river.graph.one("aws:kms/key:Key").id}`;
    expect(groups.length).toBeGreaterThan(river.topology.functions.length);
    for (const { inputs } of groups) {
      expect(inputs.kmsKeyId, String(inputs.name)).toBe(keyArn);
      expect(inputs.retentionInDays, String(inputs.name)).toBeGreaterThanOrEqual(30);
    }
  });

  test("what production did is forgotten with its stage: a group or stream of its logs goes", async () => {
    const kept = await graphOf({ stage: "production" });
    for (const type of ["aws:cloudwatch/logGroup:LogGroup", "aws:cloudwatch/logStream:LogStream"]) {
      expect(kept.of(type).length, type).toBeGreaterThan(0);
      expect(kept.of(type).filter(({ retained }) => !retained)).toEqual([]);
      expect(river.graph.of(type).filter(({ retained }) => retained)).toEqual([]);
    }
  });

  test("anybody on the internet may call a function", () => {
    expect(river.graph.of("aws:lambda/functionUrl:FunctionUrl")).toEqual([]);
    for (const { inputs } of river.graph.of("aws:lambda/permission:Permission"))
      expect(inputs.principal).toMatch(/\.amazonaws\.com$/);
  });
});

describe("a function's environment", () => {
  test("lacks what its code reads, or holds what it does not, such as a key", async () => {
    for (const spec of river.topology.functions) {
      const { name } = spec;
      const { variables } = functions().find((one) => one.name === river.name(name))!.environment;
      const read = new Set<string>();
      for (const file of ownInputs(await bundle(spec, dir)))
        for (const [, variable] of readFileSync(join(root, file), "utf8").matchAll(/\benv\.([A-Z][A-Z0-9_]*)/g))
          read.add(variable!);
      const wanted = [...read].filter((variable) => !LAMBDAS.includes(variable) && !(variable in UNSET));
      expect(Object.keys(variables).toSorted(), name).toEqual(wanted.toSorted());
    }
  });

  test("names what Lambda reserves: the function cannot be deployed", () => {
    for (const {
      environment: { variables },
    } of functions())
      expect(Object.keys(variables).filter((name) => /^(AWS|LAMBDA|_)/.test(name))).toEqual([]);
  });

  test("is another stage's, or none that its code can read back", () => {
    for (const {
      environment: { variables },
    } of functions())
      expect({ ...variables, AWS_REGION: river.stage.region }).toEqual(environment(river.stage));
  });
});
