import { GetTableCommand, UpdateTableCommand } from "@aws-sdk/client-glue";
import { expect, test } from "vitest";
import { connect } from "../../packages/aws/index.ts";
import { laptop } from "../../packages/core/stage.ts";
import type { Topology } from "../../packages/core/topology.ts";
import { type River, start } from "../../packages/local/index.ts";
import { folder } from "./sqs.fixture.ts";

const shape = (columns: string[]): Topology => ({
  ...{
    pace: "intraday",
    buckets: ["lake"],
    functions: [],
    queues: [],
    mappings: [],
    streams: [],
    notices: [],
    jobs: [],
  },
  clocks: [],
  databases: [
    {
      name: "d",
      comment: "",
      views: [],
      tables: [
        {
          name: "dias",
          comment: "",
          columns: columns.map((Name) => ({ Name, Type: "int", Comment: "" })),
          partitions: [],
          location: "refined/dias/",
        },
      ],
    },
  ],
});
const river = (topology: Topology): River => ({
  topology,
  root: new URL("./", import.meta.url),
  engine: async () => {},
  translate: () => {
    throw new Error("no query in this test");
  },
});

test("a start takes an unpartitioned table from where a commit put it: queries would read the files of every run", async () => {
  const { path: dir, remove } = folder();
  try {
    const at = { DatabaseName: "d", Name: "dias" };
    const tableNow = async (columns: string[], moveTo?: string) => {
      const stack = await start(river(shape(columns)), { dir, stage: laptop(), onLog: () => {} });
      const { glue, close } = connect(laptop(), { AWS_ENDPOINT_URL: stack.url });
      try {
        const { Table } = await glue.send(new GetTableCommand(at));
        const { Name, StorageDescriptor } = Table!;
        const TableInput = { Name, StorageDescriptor: { ...StorageDescriptor, Location: moveTo } };
        if (moveTo) await glue.send(new UpdateTableCommand({ DatabaseName: "d", TableInput }));
        return { location: StorageDescriptor?.Location, columns: StorageDescriptor?.Columns?.map((one) => one.Name) };
      } finally {
        close();
        await stack.stop();
      }
    };
    const run = "s3://lake/refined/dias/run=9999999990-jr_1/";
    expect(await tableNow(["a"], run)).toEqual({ location: "s3://lake/refined/dias/", columns: ["a"] });
    expect(await tableNow(["a"])).toEqual({ location: run, columns: ["a"] });
    // What the topology declares of it changes all the same.
    expect(await tableNow(["a", "b"])).toEqual({ location: run, columns: ["a", "b"] });
  } finally {
    remove();
  }
});
