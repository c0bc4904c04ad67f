import { expect, test } from "vitest";
import { ACTIONS } from "../packages/aws/inventory.ts";
import type { Dataset } from "../packages/core/dataset.ts";
import type { Stage } from "../packages/core/stage.ts";
import { topology } from "../packages/core/topology.ts";
import { catalogueOf } from "../packages/datasets/index.ts";
import { grants } from "../stacks/permissions.ts";
import { policyOf } from "../stacks/statements.ts";

/** The longest names that a stage can have. */
const stage: Stage = {
  name: "estagio-de-20-letras",
  account: "123456789012",
  region: "ap-northeast-1",
  pace: "daily",
  layouts: {},
};
const KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/11111111-2222-3333-4444-555555555555";
const [first, ...rest] = catalogueOf(stage);
const others = rest.filter(({ raw }) => !raw);

/** A catalogue that has grown: as many datasets that have a queue, each of the kind that has the most tables. */
const grown = (count: number): Dataset[] => [
  ...Array.from({ length: count }, (_, i) => ({
    ...first!,
    name: `${first!.name}${i}`,
    tables: first!.tables.map((table) => ({ ...table, name: `${table.name}_${i}` })),
    views: {},
  })),
  ...others,
];
const all = (datasets: readonly Dataset[]) =>
  Object.entries(grants(stage, topology(datasets, stage.pace), KEY)).map(([who, statements]) => ({ who, statements }));

test("a policy of six datasets is longer than IAM takes of a role: 10,240 characters", () => {
  for (const { who, statements } of all(grown(6)))
    expect(JSON.stringify(policyOf(statements)).length, who).toBeLessThanOrEqual(10_240);
});

test("two statements of a policy share a name, which IAM refuses", () => {
  for (const { who, statements } of all(catalogueOf(stage))) {
    const sids = statements.map(({ sid }) => sid);
    expect(new Set(sids).size, `${who}: ${sids.join(" ")}`).toBe(sids.length);
    expect(sids.join("")).toMatch(/^[A-Za-z0-9]+$/);
  }
});

test("a statement is about nothing", () => {
  for (const { who, statements } of all(catalogueOf(stage)))
    for (const { sid, actions, resources } of statements) {
      expect(actions.length * resources.length, `${who} ${sid}`).toBeGreaterThan(0);
      expect(new Set(actions).size, `${who} ${sid}`).toBe(actions.length);
      expect(new Set(resources).size, `${who} ${sid}`).toBe(resources.length);
    }
});

test("doctor is denied what Cloud Control's reader of a type asks for", () => {
  const may = new Set(grants(stage, topology(catalogueOf(stage), stage.pace), KEY).doctor!.flatMap((s) => s.actions));
  const asks = Object.values(ACTIONS).flatMap((text) => text.match(/[\w-]+:\w+/g) ?? []);
  expect(asks.length).toBeGreaterThan(30);
  expect(asks.filter((action) => !may.has(action))).toEqual([]);
});

test("who looks at a stage may change it, or see what is in it", () => {
  const reads = /:(Get|List|Describe)\w+$/;
  const content =
    /^(s3:GetObject\w*|sqs:ReceiveMessage|logs:(GetLog|GetQuery|Filter|Start)\w*|athena:\w*Query\w*|kms:Decrypt)$/;
  const actions = grants(stage, topology(catalogueOf(stage), stage.pace), KEY).doctor!.flatMap((s) => s.actions);
  expect(actions.filter((action) => !reads.test(action) || content.test(action))).toEqual([]);
});
