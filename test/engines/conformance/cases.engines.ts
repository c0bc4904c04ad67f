import { afterAll, beforeAll, expect, test } from "vitest";
import { boto, moto } from "./boto.ts";
import { carryOut, type Verdict } from "./carry-out.ts";
import { cases } from "./cases/index.ts";
import type { Client } from "./client.ts";
import { isNamed, statedBy } from "./errors.ts";
import { local } from "./local.ts";
import { difference, listed, operations } from "./page.ts";
import { sdk } from "./sdk.ts";

const REGION = "sa-east-1";
const ACCOUNTS = { local: "000000000000", moto: "123456789012" };

type Server = keyof typeof ACCOUNTS;
type Who = "SDK" | "boto3";
/** By case. */
type Run = Map<string, Verdict>;

const stops: (() => Promise<void>)[] = [];
const runs = {} as Record<Server, Record<Who, Run>>;

const carryAll = async (server: Server, who: Who, client: Client): Promise<Run> => {
  const run: Run = new Map();
  for (const [index, one] of cases.entries()) {
    const own = `${who === "SDK" ? "j" : "p"}${String(index).padStart(5, "0")}`;
    run.set(one.name, await carryOut(one, client, who, { own, account: ACCOUNTS[server], region: REGION }));
  }
  return run;
};

beforeAll(async () => {
  // Of moto each client has its own: it has room for so many streams only.
  const [ours, forSdk, forBoto] = await Promise.all([local(), moto(), moto()]);
  stops.push(ours.stop, forSdk.stop, forBoto.stop);
  const client = (made: Client): Client => {
    stops.unshift(made.stop);
    return made;
  };
  const both = async (server: Server, urlOfSdk: string, urlOfBoto: string) => {
    const [SDK, boto3] = await Promise.all([
      carryAll(server, "SDK", client(sdk(urlOfSdk, REGION))),
      carryAll(server, "boto3", client(boto(urlOfBoto, REGION))),
    ]);
    runs[server] = { SDK, boto3 };
  };
  await Promise.all([both("local", ours.url, ours.url), both("moto", forSdk.url, forBoto.url)]);
  // 20 s of work, on a machine that may have much else to do.
}, 240_000);
afterAll(async () => {
  for (const stop of stops) await stop();
});

/** Cases that a server does not answer as AWS's documentation says, for either client, with what came instead. */
const differing = (server: Server): Map<string, string[]> => {
  const found = new Map<string, string[]>();
  for (const { name } of cases) {
    const of = (who: Who) => runs[server][who].get(name)!.differs.map((text) => `${who}: ${text}`);
    const differs = [...of("SDK"), ...of("boto3")];
    if (differs.length > 0) found.set(name, differs);
  }
  return found;
};

const outcomes = (server: Server, who: Who) =>
  [...runs[server][who]].flatMap(([name, verdict]) => verdict.outcomes.map((one) => ({ name, ...one })));

/** Operations that answer nothing but HTTP 5xx, whatever they are asked. */
const lacking = (server: Server): Set<string> => {
  const all = [...outcomes(server, "SDK"), ...outcomes(server, "boto3")];
  const answered = new Set(all.filter(({ outcome }) => outcome.status < 500).map(({ step }) => step.call));
  return new Set(all.map(({ step }) => step.call).filter((call) => !answered.has(call)));
};

test("a case's name is its own", () => {
  expect(cases.length).toBeGreaterThanOrEqual(380);
  expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
});

test("no operation that packages/local answers is asked nothing (Lambda's Invoke has a path of its own)", () => {
  const asked = new Set(cases.flatMap(({ steps }) => steps.map(({ call }) => call)));
  expect(operations.length).toBeGreaterThan(100);
  expect(operations.filter((call) => !asked.has(call))).toEqual(["lambda.Invoke"]);
});

test("packages/local answers as AWS's documentation says, but for what docs/fidelity.md lists, and nothing is listed in vain", () => {
  expect(difference(differing("local"), listed().local)).toEqual({ unlisted: [], "listed in vain": [] });
});

test("moto's differences are those that docs/fidelity.md lists", () => {
  const missing = lacking("moto");
  const { lacks, moto: known } = listed();
  expect([...missing].sort()).toEqual([...lacks].sort());
  const asksMissing = new Set(
    cases.filter(({ steps }) => steps.some(({ call }) => missing.has(call))).map(({ name }) => name),
  );
  const found = new Map([...differing("moto")].filter(([name]) => !asksMissing.has(name)));
  expect(difference(found, known)).toEqual({ unlisted: [], "listed in vain": [] });
});

test("every answer of packages/local has the members, types and bounds that AWS's model gives it", () => {
  const wrong = outcomes("local", "boto3").flatMap(({ name, outcome }) =>
    (outcome.wrong ?? []).map((text) => `${name}: ${text}`),
  );
  expect(wrong).toEqual([]);
});

test("who looks at members and types sees what is wrong", () => {
  const wrong = outcomes("moto", "boto3").flatMap(({ outcome }) => outcome.wrong ?? []);
  expect(wrong).toContain("ListJobs.JobNames[]: not a string");
  expect(wrong).toContain("GetDatabases.DatabaseList[].Name: 0 is not within 1 and 255");
});

test("every error of packages/local is one that AWS's model or documentation names, with the status that it says", () => {
  const failed = outcomes("local", "SDK").flatMap(({ step, outcome }) =>
    outcome.ok ? [] : [{ call: step.call, outcome }],
  );
  expect(failed.length).toBeGreaterThan(200);
  const wrong = failed.flatMap(({ call, outcome: { name, status } }) => {
    if (isNamed(call, name, status)) return [];
    const stated = statedBy(call, name);
    if (stated === null) return [`${call}: nobody names ${status} ${name}`];
    return stated === status ? [] : [`${call}: ${name} is ${stated}, came ${status}`];
  });
  expect([...new Set(wrong)]).toEqual([]);
});

test("no error is another operation's: AWS's model names it for the one that failed so", () => {
  // S3's model names few of its errors, and of few operations.
  const foreign = outcomes("local", "boto3").flatMap(({ step: { call }, outcome }) =>
    outcome.ok ||
    outcome.of_operation !== false ||
    call.startsWith("s3.") ||
    isNamed(call, outcome.name, outcome.status)
      ? []
      : [`${call}: ${outcome.name}`],
  );
  expect([...new Set(foreign)]).toEqual([]);
});

test("who catches an operation's errors by their class catches those of packages/local, in both languages", () => {
  const sdks = outcomes("local", "SDK");
  const bare = outcomes("local", "boto3").flatMap(({ step: { call }, outcome }, index) => {
    const twin = sdks[index]!.outcome;
    if (outcome.ok || twin.ok || !outcome.of_operation) return [];
    return outcome.modelled && twin.modelled && outcome.name === twin.name ? [] : [`${call}: ${outcome.name}`];
  });
  expect(bare).toEqual([]);
});

test("both clients come to the same with packages/local", () => {
  const other = outcomes("local", "boto3");
  const unlike = outcomes("local", "SDK").filter(({ outcome }, index) => {
    const twin = other[index]!.outcome;
    return outcome.ok !== twin.ok || outcome.status !== twin.status;
  });
  expect(unlike).toEqual([]);
});
