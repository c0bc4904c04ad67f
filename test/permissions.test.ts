import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { logTo } from "../functions/log.ts";
import { bucket, functionLog, resource, stageParameter, workgroup } from "../packages/core/stage.ts";
import { RESULTS } from "../stacks/permissions.ts";
import type { Statement } from "../stacks/statements.ts";
import { allowed, like, type Need } from "./permissions/iam.ts";
import { at, glueNeeds, queryNeeds, s3Needs, sqsNeeds } from "./permissions/needs.ts";
import { flows, looks } from "./permissions/scenario.ts";
import { queriesOf, unseen, viewsOf } from "./permissions/unseen.ts";
import {
  type Asked,
  declared,
  denied,
  granted,
  openWorld,
  stage,
  unused,
  type World,
  wire,
} from "./permissions/world.ts";

const [lake, state, origin, results] = ["lake", "state", "origin", "results"].map((name) => bucket(stage, name));
const again = "read only when the answer to a create was lost, to tell ours from another's (aws/store.ts: create)";

/** What is granted though neither the scenario below nor a service uses it, and why. */
const RESERVED: Record<string, Record<string, string>> = {
  advance: { [`ReadState arn:aws:s3:::${state}/assets/*`]: again },
  archive: { "ReadLake s3:GetObject": again, [`ReadLake arn:aws:s3:::${lake}/rejected/*`]: again },
};

let world: World;
let asked: Asked[] = [];
beforeAll(async () => {
  logTo(() => {});
  world = await openWorld();
  await flows(world);
  await looks(world);
  asked = [...world.asked(), ...unseen];
}, 240_000);
afterAll(async () => {
  logTo((line) => process.stdout.write(`${line}\n`));
  await world.close();
});

describe("a river that flows, and in which things go wrong", () => {
  const services = [...declared.functions.map(({ name }) => name), "stream", "job", "clock"];

  test("somebody calls whose name no request says", () => {
    const callers = new Set(world.asked().map(({ who }) => who));
    expect([...callers].sort()).toEqual([...declared.functions.map(({ name }) => name), "job", "others"].sort());
  });

  test.each(services)("%s is denied what it asks for", (who) => {
    expect(denied(asked.filter((one) => one.who === who))).toEqual([]);
  });

  test.each(services)("%s has a permission that nothing uses", (who) => {
    expect(unused(who, asked)).toEqual(Object.keys(RESERVED[who] ?? {}));
  });

  test("a permission is taken away, and nobody misses it", () => {
    const kept = Object.keys(Object.assign({}, ...Object.values(RESERVED)) as object);
    for (const who of services) {
      const needs = asked.filter((one) => one.who === who).flatMap((one) => one.needs);
      for (const { sid, actions } of granted[who]!)
        for (const action of actions.filter((one) => !kept.includes(`${sid} ${one}`))) {
          const less = granted[who]!.map((s) =>
            s.sid === sid ? { ...s, actions: s.actions.filter((one) => one !== action) } : s,
          );
          const missed = needs.some((need) => need.action === action && !allowed(less, need));
          expect(missed, `${who} without ${action} of ${sid}`).toBe(true);
        }
    }
  });

  test("a function does what another's role allows", () => {
    const own = granted;
    for (const who of declared.functions.map(({ name }) => name)) {
      const others = declared.functions.filter(({ name }) => name !== who);
      const calls = asked.filter((one) => one.who === who);
      // Each asks for something that no other may: roles are not one for all.
      for (const { name } of others)
        expect(
          calls.some(({ needs }) => needs.some((need) => !allowed(own[name]!, need))),
          `${who} as ${name}`,
        ).toBe(true);
    }
  });
});

describe("the analyst", () => {
  const may = (need: Need): boolean => allowed(granted.analyst!, need);
  const whole = (database: string, name: string, whose: "analyst" | "people" = "analyst"): Need[] =>
    queryNeeds(wire, { database, names: [name], workgroup: workgroup(stage, whose), results: RESULTS[whose] });

  test("cannot read a refined table, or a view", () => {
    const all = queriesOf("analyst", false);
    expect(all.length).toBeGreaterThan(5);
    expect(denied(all)).toEqual([]);
  });

  test("reads raw, what was rejected, origins, documents, or results of others", () => {
    for (const { name: database, tables } of declared.databases)
      for (const { name, location, projection } of tables.filter((table) => table.projection)) {
        expect(whole(database, name).every(may), projection).toBe(false);
        expect(s3Needs.get(wire, `${lake}/${location}x`).slice(0, 1).some(may)).toBe(false);
        expect(s3Needs.list(wire, lake!, location).some(may)).toBe(false);
        expect(glueNeeds(wire, "GetTable", database, name).every(may)).toBe(false);
      }
    for (const object of [`${lake}/errors/x`, `${lake}/rejected/x`, `${origin}/x`, `${state}/x`, `${results}/athena/x`])
      expect(allowed(granted.analyst!, { action: "s3:GetObject", resource: `arn:aws:s3:::${object}` }), object).toBe(
        false,
      );
  });

  test("changes a table, its files or its place, or sends a message", () => {
    const [{ name: database, tables } = { name: "", tables: [] }] = declared.databases;
    const table = tables.find(({ projection }) => !projection)!;
    const writes: Need[] = [
      ...["UpdateTable", "DeleteTable", "BatchUpdatePartition", "CreateTable"].map(
        (action) => glueNeeds(wire, action, database, table.name).at(-1)!,
      ),
      s3Needs.put(wire, `${lake}/${table.location}x`)[0]!,
      s3Needs.remove(wire, `${lake}/${table.location}x`)[0]!,
      sqsNeeds(wire, "SendMessage", resource(stage, "landed"))[0]!,
      whole(database, table.name, "people")[0]!,
    ];
    expect(writes.filter(may)).toEqual([]);
  });
});

describe("who is who", () => {
  test("an analyst, or anybody who runs a command with --stage, cannot read what the stage is", () => {
    const resource = at(wire, "ssm", `parameter${stageParameter(stage.name)}`);
    for (const who of ["analyst", "watcher", "operator", "doctor"])
      expect(allowed(granted[who]!, { action: "ssm:GetParameter", resource }), who).toBe(true);
  });

  test("an operator cannot make a view, or somebody else can", () => {
    expect(denied(viewsOf("operator"))).toEqual([]);
    for (const who of ["analyst", "watcher"] as const)
      for (const { needs } of viewsOf(who))
        expect(
          needs.filter((need) => /Create|Update|Delete/.test(need.action) && allowed(granted[who]!, need)),
        ).toEqual([]);
  });

  test("an operator makes or drops a table of another stage, or of another program of the account", () => {
    for (const database of ["bovespa", "default"])
      for (const action of ["CreateTable", "DeleteTable"])
        expect(glueNeeds(wire, action, database, "any").at(-1)).not.toSatisfy((need: Need) =>
          allowed(granted.operator!, need),
        );
  });

  test("doctor reads a log group's tags by an ARN that CloudWatch Logs does not know: with :* behind its name", () => {
    const tagged = granted.doctor!.filter(({ sid }) => sid === "LogTags");
    expect(tagged.flatMap(({ actions }) => actions)).toEqual(["logs:ListTagsForResource"]);
    for (const { name } of declared.functions) {
      const need = {
        action: "logs:ListTagsForResource",
        resource: at(wire, "logs", `log-group:${functionLog(stage, name)}`),
      };
      expect(allowed(granted.doctor!, need), name).toBe(true);
    }
  });
});

describe("the evaluator", () => {
  const one: Statement = {
    sid: "A",
    actions: ["s3:ListBucket"],
    resources: ["arn:aws:s3:::lake"],
    conditions: { StringLike: { "s3:prefix": ["raw/*"] } },
  };
  const listing = (prefix?: string): Need => ({
    action: "s3:ListBucket",
    resource: "arn:aws:s3:::lake",
    ...(prefix === undefined ? {} : { context: { "s3:prefix": prefix } }),
  });

  test.each([
    ["another action", { ...listing("raw/x"), action: "s3:GetObject" }],
    ["an action in another case", { ...listing("raw/x"), action: "s3:listbucket" }],
    ["another resource", { ...listing("raw/x"), resource: "arn:aws:s3:::lake2" }],
    ["a value that the condition does not have", listing("refined/")],
    ["a request without the condition's key", listing()],
  ])("%s is allowed", (_, need) => {
    expect(allowed([one], listing("raw/x"))).toBe(true);
    expect(allowed([one], need)).toBe(false);
  });

  test("a pattern is read as a regular expression", () => {
    expect(like("a.b+c*", "a.b+c/d")).toBe(true);
    expect(like("a.b", "axb")).toBe(false);
    expect(like("a?c", "abc")).toBe(true);
    expect(like("a?c", "ac")).toBe(false);
    expect(like("raw/*", "raw")).toBe(false);
  });

  test("a condition that it does not know is passed over", () => {
    expect(() => allowed([{ ...one, conditions: { Bool: { x: "true" } } }], listing("raw/x"))).toThrow("Bool");
  });
});
