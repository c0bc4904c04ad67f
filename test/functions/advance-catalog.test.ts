import { expect, test } from "vitest";
import { applyCatalog, readCatalog } from "../../packages/aws/catalog.ts";
import { connect } from "../../packages/aws/index.ts";
import { text } from "../../packages/core/columns.ts";
import { laptop } from "../../packages/core/stage.ts";
import { serve } from "../local/glue-wire.ts";

const table = { name: "t", partitions: { ticker: text(12)("t") } };
const entry = (folder: string) => ({ folder, files: [{ name: "f", bytes: 1, rows: 1 }], recipe: "r" });

type Input = { Values: string[]; StorageDescriptor: { Location: string } };

/** A Glue of one table that refuses the first entries of every kind it is given, as a busy one does. */
const grudging = () => {
  const partitions = new Map<string, string>();
  const calls: { name: string; entries: number }[] = [];
  const refusals = { create: 3, update: 2, delete: 1 };
  const ErrorDetail = { ErrorCode: "InternalServiceException", ErrorMessage: "try again" };
  const describe = (name: string, Location: string) => ({ Values: [name], StorageDescriptor: { Location } });
  const operations = {
    GetTable: () => ({ Table: { Name: "t", StorageDescriptor: { Location: "s3://lake/refined/t/", Columns: [] } } }),
    GetPartitions: ({ NextToken }: { NextToken?: string }) => {
      const from = Number(NextToken ?? 0);
      const page = [...partitions].slice(from, from + 50);
      return {
        Partitions: page.map(([n, l]) => describe(n, l)),
        ...(from + 50 < partitions.size ? { NextToken: String(from + 50) } : {}),
      };
    },
    BatchCreatePartition: ({ PartitionInputList: list }: { PartitionInputList: Input[] }) => {
      calls.push({ name: "create", entries: list.length });
      const Errors = list.filter(({ Values: [name], StorageDescriptor: s }) => {
        if (refusals.create-- > 0) return true;
        partitions.set(name!, s.Location);
        return false;
      });
      return { Errors: Errors.map((e) => ({ PartitionValues: e.Values, ErrorDetail })) };
    },
    BatchUpdatePartition: ({ Entries }: { Entries: { PartitionValueList: string[]; PartitionInput: Input }[] }) => {
      calls.push({ name: "update", entries: Entries.length });
      const Errors = Entries.filter(({ PartitionValueList: [name], PartitionInput: i }) => {
        if (refusals.update-- > 0) return true;
        partitions.set(name!, i.StorageDescriptor.Location);
        return false;
      });
      return { Errors: Errors.map((e) => ({ PartitionValueList: e.PartitionValueList, ErrorDetail })) };
    },
    BatchDeletePartition: ({ PartitionsToDelete: list }: { PartitionsToDelete: { Values: string[] }[] }) => {
      calls.push({ name: "delete", entries: list.length });
      const Errors = list.filter(({ Values: [name] }) => {
        if (refusals.delete-- > 0) return true;
        partitions.delete(name!);
        return false;
      });
      return { Errors: Errors.map((e) => ({ PartitionValues: e.Values, ErrorDetail })) };
    },
  };
  return {
    partitions,
    calls,
    refusals,
    service: { target: "AWSGlue", version: "1.1" as const, operations: operations as never },
  };
};

test("a table becomes equal to its map, by calls within AWS's limits, refused entries tried again", async () => {
  const glue = grudging();
  for (let n = 0; n < 60; n++) glue.partitions.set(`OLD${n}`, "s3://lake/refined/t/run=1-a/");
  for (let n = 0; n < 120; n++) glue.partitions.set(`T${n}`, "s3://lake/refined/t/run=1-a/");
  const wire = await serve([glue.service]);
  const aws = connect(laptop(), { AWS_ENDPOINT_URL: wire.url });
  try {
    const map = {
      t: Object.fromEntries(
        Array.from({ length: 250 }, (_, n) => [`ticker=T${n}`, entry(`refined/t/run=2-b/ticker=T${n}/`)]),
      ),
    };
    await applyCatalog(aws, "d", [table], map, Date.now() + 30_000);
    const catalog = await readCatalog(aws, "d", [table]);
    expect(catalog.t).toEqual(Object.fromEntries(Object.entries(map.t).map(([n, e]) => [n, e.folder])));
    const most = (name: string) => Math.max(...glue.calls.filter((c) => c.name === name).map((c) => c.entries));
    expect([most("create"), most("update"), most("delete")]).toEqual([100, 100, 25]);
  } finally {
    aws.close();
    await wire.stop();
  }
});

test("entries that stay refused are an error with Glue's reason, never a silent difference", async () => {
  const glue = grudging();
  glue.refusals.create = Number.POSITIVE_INFINITY;
  const wire = await serve([glue.service]);
  const aws = connect(laptop(), { AWS_ENDPOINT_URL: wire.url });
  try {
    const map = { t: { "ticker=A": entry("refined/t/run=2-b/ticker=A/") } };
    await expect(applyCatalog(aws, "d", [table], map, Date.now() + 100)).rejects.toThrow(
      "1 partitions of d.t refused by Glue: InternalServiceException",
    );
  } finally {
    aws.close();
    await wire.stop();
  }
});

test("a partition whose value must be escaped comes back as it was", async () => {
  const glue = grudging();
  glue.refusals.create = 0;
  const wire = await serve([glue.service]);
  const aws = connect(laptop(), { AWS_ENDPOINT_URL: wire.url });
  try {
    const map = { t: { "ticker=A%2FB%20C": entry("refined/t/run=2-b/ticker=A%2FB%20C/") } };
    await applyCatalog(aws, "d", [table], map, Date.now() + 5_000);
    expect([...glue.partitions.keys()]).toEqual(["A/B C"]);
    expect((await readCatalog(aws, "d", [table])).t).toEqual({
      "ticker=A%2FB%20C": "refined/t/run=2-b/ticker=A%2FB%20C/",
    });
  } finally {
    aws.close();
    await wire.stop();
  }
});
