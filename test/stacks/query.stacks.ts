import { beforeAll, describe, expect, test } from "vitest";
import { bucket, workgroup } from "../../packages/core/stage.ts";
import { SCANNED_BYTES } from "../../packages/core/topology.ts";
import { catalogueOf } from "../../packages/datasets/index.ts";
import type { Resource } from "./evaluate.ts";
import { ACCOUNT, type Graph, graphOf, REGION } from "./graph.ts";
import { declaredBy, stageNamed } from "./wire.ts";

const stage = stageNamed("dev");
const datasets = catalogueOf(stage);
const WORKGROUP = "aws:athena/workgroup:Workgroup";
const NAMED = "aws:athena/namedQuery:NamedQuery";

type Configuration = Record<string, unknown> & {
  resultConfiguration: {
    outputLocation: string;
    expectedBucketOwner: string;
    encryptionConfiguration: { encryptionOption: string; kmsKeyArn: string };
  };
};
const configurationOf = ({ inputs }: Resource) => inputs.configuration as Configuration;

let graph: Graph;
beforeAll(async () => {
  graph = await graphOf();
});

describe("workgroups", () => {
  test("people of the river or analysts have none of their own, or there is a third", () => {
    expect(graph.of(WORKGROUP).map(({ inputs }) => inputs.name)).toEqual([
      workgroup(stage, "people"),
      workgroup(stage, "analyst"),
    ]);
  });

  test("a result lies unencrypted, or under another key than the stage's", () => {
    const key = `arn:aws:kms:${REGION}:${ACCOUNT}:key/${graph.one("aws:kms/key:Key").id}`;
    for (const one of graph.of(WORKGROUP))
      expect(configurationOf(one).resultConfiguration.encryptionConfiguration).toEqual({
        ...{ encryptionOption: "SSE_KMS", kmsKeyArn: key },
      });
  });

  test("a client says where results go, by which key, or in which engine", () => {
    for (const one of graph.of(WORKGROUP))
      expect(configurationOf(one)).toMatchObject({
        enforceWorkgroupConfiguration: true,
        engineVersion: { selectedEngineVersion: "Athena engine version 3" },
        requesterPaysEnabled: false,
      });
  });

  test("a statement reads without end", () => {
    for (const one of graph.of(WORKGROUP)) {
      expect(configurationOf(one).bytesScannedCutoffPerQuery).toBe(SCANNED_BYTES);
      // Athena's least (API reference: WorkGroupConfiguration).
      expect(configurationOf(one).bytesScannedCutoffPerQuery).toBeGreaterThanOrEqual(10_000_000);
    }
  });

  test("an analyst's results lie where others' do, or in a bucket of somebody else", () => {
    const places = graph.of(WORKGROUP).map((one) => configurationOf(one).resultConfiguration);
    for (const { outputLocation, expectedBucketOwner } of places) {
      expect(outputLocation).toMatch(new RegExp(`^s3://${bucket(stage, "results")}/[a-z]+/$`));
      expect(expectedBucketOwner).toBe(ACCOUNT);
    }
    expect(new Set(places.map((p) => p.outputLocation)).size).toBe(places.length);
  });

  test("what is scanned is nowhere measured", () => {
    for (const one of graph.of(WORKGROUP)) expect(configurationOf(one).publishCloudwatchMetricsEnabled).toBe(true);
  });

  test("removing a stage, or production when it is meant, stops at the history of a workgroup", async () => {
    for (const of of [graph, await graphOf({ stage: "production" })])
      expect(of.of(WORKGROUP).map(({ inputs }) => inputs.forceDestroy)).toEqual([true, true]);
  });
});

describe("saved queries", () => {
  test("one of a dataset is missing, or not as it is written; the README's are among them", () => {
    const wanted = datasets.flatMap((dataset) =>
      Object.entries(dataset.queries).map(([name, { means, sql }]) => ({
        ...{ name, description: means, query: sql, database: dataset.database },
      })),
    );
    expect(wanted.length).toBeGreaterThan(5);
    for (const whose of ["people", "analyst"] as const) {
      const saved = graph.of(NAMED).filter(({ inputs }) => inputs.workgroup === workgroup(stage, whose));
      expect(saved.map(({ inputs }) => inputs)).toEqual(
        wanted.map((one) => ({ ...one, workgroup: workgroup(stage, whose) })),
      );
    }
    const demos = datasets.flatMap((d) => (d.demo ? [d.demo.query] : []));
    for (const name of demos) expect(wanted.map((w) => w.name)).toContain(name);
  });

  test("Athena refuses one: a name, a text or a description that is too long", () => {
    for (const { inputs } of graph.of(NAMED)) {
      expect(String(inputs.name).length).toBeLessThanOrEqual(128);
      expect(String(inputs.description).length).toBeLessThanOrEqual(1024);
      expect(Buffer.byteLength(String(inputs.query))).toBeLessThanOrEqual(262_144);
    }
  });

  test("one reads a table that an analyst must not see", () => {
    const raw = declaredBy(stage).databases.flatMap(({ tables }) =>
      tables.filter((t) => t.projection).map((t) => t.name),
    );
    expect(raw.length).toBeGreaterThan(0);
    for (const { inputs } of graph.of(NAMED))
      for (const table of raw) expect(String(inputs.query)).not.toMatch(new RegExp(`\\b${table}\\b`));
  });
});

describe("people's roles", () => {
  test("an analyst has no role, or anybody outside the account may take it", () => {
    for (const who of ["analyst", "watcher", "operator"]) {
      const role = graph.one("aws:iam/role:Role", ({ name }) => name === `pregao-dev-${who}`);
      const { Statement } = JSON.parse(String(role.inputs.assumeRolePolicy)) as { Statement: unknown[] };
      expect(Statement).toEqual([
        {
          Effect: "Allow",
          Action: "sts:AssumeRole",
          Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
        },
      ]);
    }
  });

  test("an analyst reads raw, the origin, the state, or others' results", () => {
    const { inputs } = graph.one("aws:iam/rolePolicy:RolePolicy", ({ role }) => role === "pregao-dev-analyst");
    const { Statement } = JSON.parse(String(inputs.policy)) as {
      Statement: { Action: string[]; Resource: string[] }[];
    };
    const at = (name: string) => `arn:aws:s3:::${bucket(stage, name)}`;
    const read = Statement.filter(({ Action }) => Action.includes("s3:GetObject")).flatMap((s) => s.Resource);
    expect(read.length).toBeGreaterThan(1);
    for (const one of read)
      expect(one.startsWith(`${at("lake")}/refined/`) || one === `${at("results")}/analyst/*`, one).toBe(true);
    const written = Statement.filter(({ Action }) => Action.some((a) => /:(Put|Delete|Create|Update|Send)/.test(a)));
    expect(written.flatMap((s) => s.Resource)).toEqual([`${at("results")}/analyst/*`]);
    const tables = Statement.flatMap((s) => s.Resource).filter((one) => one.includes(":table/"));
    for (const { tables: all } of declaredBy(stage).databases)
      for (const { name, projection } of all)
        expect([name, tables.some((one) => one.endsWith(`/${name}`))]).toEqual([name, !projection]);
  });

  test("a stage with a role of its own makes none for people", async () => {
    const bare = await graphOf({ env: { PREGAO_ROLE: `arn:aws:iam::${ACCOUNT}:role/LabRole` } });
    expect(bare.of("aws:iam/rolePolicy:RolePolicy")).toEqual([]);
    expect(bare.of(WORKGROUP)).toHaveLength(2);
  });
});
