import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as G from "@aws-sdk/client-glue";
import { GlueClient } from "@aws-sdk/client-glue";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type GlueDeps, glue, type JobCall, type JobEvent } from "../../packages/local/glue/index.ts";
import { openState, type State } from "../../packages/local/state.ts";
import { serve } from "./glue-wire.ts";

let dir: string;
let closing: (() => unknown)[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "glue-"));
});
afterEach(async () => {
  for (const close of closing.reverse()) await close();
  closing = [];
  rmSync(dir, { recursive: true, force: true });
});

/** Glue behind a port, on the test's folder. `kill` leaves the state as a killed process would. */
const open = async (deps: Partial<GlueDeps> = {}) => {
  const state = openState(dir);
  const events: JobEvent[] = [];
  const service = glue(state, { run: async () => {}, onJobEvent: (event) => void events.push(event), ...deps });
  const { url, stop } = await serve([service.service]);
  const client = new GlueClient({
    endpoint: url,
    region: "sa-east-1",
    credentials: { accessKeyId: "x", secretAccessKey: "x" },
    maxAttempts: 1,
  });
  let open = true;
  const kill = async () => {
    if (!open) return;
    open = false;
    client.destroy();
    await stop();
    await service.close();
    state.close();
  };
  closing.push(kill);
  return { state, service, client, events, kill };
};
const until = (state: State, holds: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = () => {
      if (!holds()) return;
      state.changes.off("change", look);
      resolve();
    };
    state.changes.on("change", look);
    look();
  });
const table = { DatabaseName: "db", TableName: "t" };
const withTable = async (client: GlueClient) => {
  await client.send(new G.CreateDatabaseCommand({ DatabaseInput: { Name: "DB" } }));
  await client.send(
    new G.CreateTableCommand({
      DatabaseName: "db",
      TableInput: {
        Name: "T",
        TableType: "EXTERNAL_TABLE",
        PartitionKeys: [
          { Name: "Year", Type: "string" },
          { Name: "ticker", Type: "string" },
        ],
        StorageDescriptor: { Columns: [{ Name: "Preco", Type: "decimal(18,6)" }], Location: "s3://lake/t/" },
      },
    }),
  );
};
const partition = (...Values: string[]): G.PartitionInput => ({
  Values,
  StorageDescriptor: {
    Columns: [{ Name: "preco", Type: "decimal(18,6)" }],
    Location: `s3://lake/t/${Values.join("/")}/`,
  },
});

describe("catalog", () => {
  test("names are lower case, and what Trino would fall over is filled in", async () => {
    const { client } = await open();
    await withTable(client);
    const { Table } = await client.send(new G.GetTableCommand({ DatabaseName: "Db", Name: "T" }));
    expect(Table).toMatchObject({ Name: "t", DatabaseName: "db", VersionId: "0" });
    expect(Table!.StorageDescriptor).toMatchObject({ NumberOfBuckets: 0, Columns: [{ Name: "preco" }] });
    expect(Table!.PartitionKeys!.map((key) => key.Name)).toEqual(["year", "ticker"]);
    expect(Table!.CreateTime).toBeInstanceOf(Date);
    await client.send(new G.CreatePartitionCommand({ ...table, PartitionInput: { Values: ["2024", "A"] } }));
    const { Partition } = await client.send(new G.GetPartitionCommand({ ...table, PartitionValues: ["2024", "A"] }));
    expect(Partition!.StorageDescriptor!.NumberOfBuckets).toBe(0);
    const statistics = await client.send(
      new G.GetColumnStatisticsForTableCommand({ ...table, ColumnNames: ["preco"] }),
    );
    expect(statistics).toMatchObject({ ColumnStatisticsList: [], Errors: [] });
  });

  test("what is missing and what is there already is told by the names that clients know", async () => {
    const { client } = await open();
    await expect(client.send(new G.GetTableCommand({ DatabaseName: "db", Name: "t" }))).rejects.toThrow(
      G.EntityNotFoundException,
    );
    await withTable(client);
    await expect(withTable(client)).rejects.toThrow(G.AlreadyExistsException);
    await expect(client.send(new G.DeleteTableCommand({ DatabaseName: "db", Name: "x" }))).rejects.toThrow(
      G.EntityNotFoundException,
    );
    await expect(client.send(new G.GetPartitionCommand({ ...table, PartitionValues: ["1", "2"] }))).rejects.toThrow(
      G.EntityNotFoundException,
    );
    await expect(
      client.send(new G.CreatePartitionCommand({ ...table, PartitionInput: { Values: ["1"] } })),
    ).rejects.toThrow(G.InvalidInputException);
    await expect(client.send(new G.GetPartitionsCommand({ ...table, Expression: "nope = '1'" }))).rejects.toThrow(
      G.InvalidInputException,
    );
  });

  test("an update keeps the older version, and one based on an older version is refused", async () => {
    const { client } = await open();
    await withTable(client);
    const TableInput = { Name: "t", Parameters: { a: "1" } };
    await client.send(new G.UpdateTableCommand({ DatabaseName: "db", TableInput, VersionId: "0" }));
    await expect(
      client.send(new G.UpdateTableCommand({ DatabaseName: "db", TableInput, VersionId: "0" })),
    ).rejects.toThrow(G.ConcurrentModificationException);
    const { TableVersions } = await client.send(new G.GetTableVersionsCommand(table));
    expect(TableVersions!.map((one) => one.VersionId)).toEqual(["1", "0"]);
  });

  test("declaring a table again changes nothing, and a different one keeps its partitions", async () => {
    const { service } = await open();
    const input = { Name: "t", PartitionKeys: [{ Name: "year", Type: "string" }], StorageDescriptor: { Columns: [] } };
    service.createDatabase({ Name: "db" });
    service.createTable("db", input);
    service.service.operations.CreatePartition!(
      { ...table, PartitionInput: { Values: ["2024"] } } as never,
      {} as never,
    );
    service.createTable("db", input);
    const version = () => service.tables("db")[0]!.body.VersionId;
    expect(version()).toBe("0");
    service.createTable("db", { ...input, Parameters: { a: "1" } });
    expect(version()).toBe("1");
    expect(service.partitions("db", "t")).toHaveLength(1);
  });

  test("tables and databases are paged without a hole, and chosen by pattern", async () => {
    const { client } = await open();
    await client.send(new G.CreateDatabaseCommand({ DatabaseInput: { Name: "db" } }));
    const names = Array.from({ length: 25 }, (_, n) => `t_${String(n).padStart(2, "0")}`);
    for (const Name of names) await client.send(new G.CreateTableCommand({ DatabaseName: "db", TableInput: { Name } }));
    const seen: string[] = [];
    for await (const page of G.paginateGetTables({ client, pageSize: 7 }, { DatabaseName: "db" }))
      seen.push(...page.TableList!.map((one) => one.Name!));
    expect(seen).toEqual(names);
    const { TableList } = await client.send(new G.GetTablesCommand({ DatabaseName: "db", Expression: "t_1*|t_02" }));
    expect(TableList!.map((one) => one.Name)).toEqual(["t_02", ...names.slice(10, 20)]);
    const { Errors } = await client.send(
      new G.BatchDeleteTableCommand({ DatabaseName: "db", TablesToDelete: ["t_01", "x"] }),
    );
    expect(Errors!.map((one) => one.TableName)).toEqual(["x"]);
  });
});

describe("partitions", () => {
  test("each is in exactly one segment, on exactly one page", async () => {
    const { client } = await open();
    await withTable(client);
    const all = Array.from({ length: 230 }, (_, n) => partition(String(2000 + (n % 23)), `T${n}`));
    for (let at = 0; at < all.length; at += 100)
      await client.send(new G.BatchCreatePartitionCommand({ ...table, PartitionInputList: all.slice(at, at + 100) }));
    const seen: string[] = [];
    for (let SegmentNumber = 0; SegmentNumber < 4; SegmentNumber++)
      for await (const page of G.paginateGetPartitions(
        { client, pageSize: 17 },
        { ...table, Segment: { SegmentNumber, TotalSegments: 4 }, ExcludeColumnSchema: true },
      )) {
        for (const one of page.Partitions!) {
          seen.push(one.Values!.join("/"));
          expect(one.StorageDescriptor!.Columns).toBeUndefined();
          expect(one.StorageDescriptor!.Location).toBe(`s3://lake/t/${one.Values!.join("/")}/`);
        }
      }
    expect(seen.sort()).toEqual(all.map((one) => one.Values!.join("/")).sort());
    const chosen = await client.send(
      new G.GetPartitionsCommand({ ...table, Expression: "((year = '2001')) AND ((ticker in ('T1', 'T24')))" }),
    );
    expect(chosen.Partitions!.map((one) => one.Values)).toEqual([
      ["2001", "T1"],
      ["2001", "T24"],
    ]);
  });

  test("a batch answers for each entry, and a bad one takes no neighbour with it", async () => {
    const { client } = await open();
    await withTable(client);
    const first = await client.send(
      new G.BatchCreatePartitionCommand({
        ...table,
        PartitionInputList: [partition("2024", "A"), partition("2024"), partition("2024", "A")],
      }),
    );
    expect(first.Errors!.map((one) => one.ErrorDetail!.ErrorCode)).toEqual([
      "InvalidInputException",
      "AlreadyExistsException",
    ]);
    const update = await client.send(
      new G.BatchUpdatePartitionCommand({
        ...table,
        Entries: [
          {
            PartitionValueList: ["2024", "A"],
            PartitionInput: { ...partition("2024", "A"), StorageDescriptor: { Location: "s3://lake/n/" } },
          },
          { PartitionValueList: ["2024", "B"], PartitionInput: partition("2024", "B") },
        ],
      }),
    );
    expect(update.Errors).toMatchObject([
      { PartitionValueList: ["2024", "B"], ErrorDetail: { ErrorCode: "EntityNotFoundException" } },
    ]);
    const got = await client.send(
      new G.BatchGetPartitionCommand({
        ...table,
        PartitionsToGet: [{ Values: ["2024", "A"] }, { Values: ["2024", "B"] }],
      }),
    );
    expect(got.Partitions!.map((one) => one.StorageDescriptor!.Location)).toEqual(["s3://lake/n/"]);
    expect(got.UnprocessedKeys).toEqual([]);
    const gone = await client.send(
      new G.BatchDeletePartitionCommand({
        ...table,
        PartitionsToDelete: [{ Values: ["2024", "A"] }, { Values: ["2024", "B"] }],
      }),
    );
    expect(gone.Errors!.map((one) => one.PartitionValues)).toEqual([["2024", "B"]]);
    const many = Array.from({ length: 101 }, (_, n) => partition("2024", `${n}`));
    await expect(
      client.send(new G.BatchCreatePartitionCommand({ ...table, PartitionInputList: many })),
    ).rejects.toThrow("less than or equal to 100");
    await expect(
      client.send(
        new G.BatchDeletePartitionCommand({
          ...table,
          PartitionsToDelete: many.slice(0, 26).map(({ Values }) => ({ Values })),
        }),
      ),
    ).rejects.toThrow("less than or equal to 25");
  });

  test("a reader sees a partition's new location at once", async () => {
    const { client, service } = await open();
    await withTable(client);
    await client.send(new G.CreatePartitionCommand({ ...table, PartitionInput: partition("2024", "A") }));
    expect(service.partitions("db", "t")).toEqual([{ values: ["2024", "A"], location: "s3://lake/t/2024/A/" }]);
    await client.send(
      new G.UpdatePartitionCommand({
        ...table,
        PartitionValueList: ["2024", "A"],
        PartitionInput: { Values: ["2024", "A"], StorageDescriptor: { Location: "s3://lake/new/" } },
      }),
    );
    expect(service.partitions("db", "t")).toEqual([{ values: ["2024", "A"], location: "s3://lake/new/" }]);
    await client.send(new G.DeletePartitionCommand({ ...table, PartitionValues: ["2024", "A"] }));
    expect(service.partitions("db", "t")).toEqual([]);
  });
});

describe("job runs", () => {
  const job = async (client: GlueClient, input: Partial<G.CreateJobRequest> = {}) =>
    client.send(
      new G.CreateJobCommand({
        Name: "j",
        Role: "r",
        Command: { Name: "glueetl" },
        DefaultArguments: { "--a": "1", "--b": "2" },
        ...input,
      }),
    );
  const stateOf = async (client: GlueClient, RunId: string) =>
    (await client.send(new G.GetJobRunCommand({ JobName: "j", RunId }))).JobRun!;

  test("one runs with the job's arguments under its own, and its end is told once", async () => {
    const calls: JobCall[] = [];
    const { client, events, state, service } = await open({ run: async (call) => void calls.push(call) });
    await job(client);
    const { JobRunId } = await client.send(new G.StartJobRunCommand({ JobName: "j", Arguments: { "--b": "3" } }));
    expect(JobRunId).toMatch(/^jr_[0-9a-f]{64}$/);
    await until(state, () => !service.busy());
    expect(await stateOf(client, JobRunId!)).toMatchObject({ JobRunState: "SUCCEEDED", Arguments: { "--b": "3" } });
    expect(calls).toMatchObject([{ name: "j", arguments: { "--a": "1", "--b": "3" }, jobRunId: JobRunId }]);
    expect(events).toMatchObject([
      {
        "detail-type": "Glue Job State Change",
        source: "aws.glue",
        detail: { jobName: "j", state: "SUCCEEDED", jobRunId: JobRunId },
      },
    ]);
  });

  test("a second run is refused while one is under way, and a failure says why", async () => {
    const pending: ((error: Error) => void)[] = [];
    const { client, events, state, service } = await open({
      run: ({ signal }) =>
        new Promise((_, reject) => {
          pending.push(reject);
          signal.addEventListener("abort", () => reject(signal.reason));
        }),
    });
    await job(client);
    const { JobRunId } = await client.send(new G.StartJobRunCommand({ JobName: "j" }));
    await expect(client.send(new G.StartJobRunCommand({ JobName: "j" }))).rejects.toThrow(
      G.ConcurrentRunsExceededException,
    );
    await until(state, () => pending.length > 0);
    pending[0]!(new Error("no such object"));
    await until(state, () => !service.busy());
    expect(await stateOf(client, JobRunId!)).toMatchObject({ JobRunState: "FAILED", ErrorMessage: "no such object" });
    expect(events).toHaveLength(1);
    await client.send(new G.StartJobRunCommand({ JobName: "j" }));
  });

  const unending = {
    run: ({ signal }: JobCall) => new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve())),
  };

  test("a run that was under way at kill -9 is FAILED at the next start, with its event, and another takes its place", async () => {
    const { client, kill } = await open(unending);
    await job(client);
    const { JobRunId } = await client.send(new G.StartJobRunCommand({ JobName: "j", Arguments: { "--b": "3" } }));
    await kill();
    const calls: JobCall[] = [];
    const again = await open({ run: async (call) => void calls.push(call) });
    expect(again.service.busy()).toBe(true);
    again.service.resume();
    expect(await stateOf(again.client, JobRunId!)).toMatchObject({ JobRunState: "FAILED" });
    expect(again.events[0]).toMatchObject({ detail: { state: "FAILED", jobRunId: JobRunId } });
    await until(again.state, () => !again.service.busy());
    const second = `${JobRunId}_attempt_1`;
    expect(calls).toMatchObject([{ name: "j", arguments: { "--a": "1", "--b": "3" }, jobRunId: second }]);
    expect(await stateOf(again.client, second)).toMatchObject({
      JobRunState: "SUCCEEDED",
      Attempt: 1,
      PreviousRunId: JobRunId,
      Arguments: { "--b": "3" },
    });
    await again.kill();
    const third = await open();
    third.service.resume();
    expect(third.events).toEqual([]);
  });

  test("a run that ends its process again and again is given up", async () => {
    const { client, kill } = await open(unending);
    await job(client);
    const { JobRunId } = await client.send(new G.StartJobRunCommand({ JobName: "j" }));
    await kill();
    for (const attempt of [1, 2]) {
      const next = await open(unending);
      next.service.resume();
      expect(next.service.busy()).toBe(true);
      expect(await stateOf(next.client, `${JobRunId}_attempt_${attempt}`)).toMatchObject({ Attempt: attempt });
      await next.kill();
    }
    const last = await open(unending);
    last.service.resume();
    expect(last.service.busy()).toBe(false);
    expect(await stateOf(last.client, `${JobRunId}_attempt_2`)).toMatchObject({ JobRunState: "FAILED" });
  });

  test("an end whose event cannot be kept is no end, and is tried again", async () => {
    const told: string[] = [];
    const states: unknown[] = [];
    const { client, service, state } = await open({
      onJobEvent: (event) => {
        states.push(state.db.prepare("SELECT state FROM glue_runs").get()?.state);
        if (states.length < 3) throw new Error("queue is gone");
        told.push(event.detail.state);
      },
    });
    await job(client);
    const { JobRunId } = await client.send(new G.StartJobRunCommand({ JobName: "j" }));
    await until(state, () => !service.busy());
    expect(told).toEqual(["SUCCEEDED"]);
    expect(states).toHaveLength(3);
    expect(await stateOf(client, JobRunId!)).toMatchObject({ JobRunState: "SUCCEEDED" });
  });

  test("a stopped run is STOPPING until it lets go, and one that never does is given up", async () => {
    const { client, events, state, service } = await open({
      graceMs: 20,
      run: ({ signal, arguments: { deaf } }) =>
        new Promise((_, reject) => {
          if (!deaf) signal.addEventListener("abort", () => reject(signal.reason));
        }),
    });
    await job(client, { ExecutionProperty: { MaxConcurrentRuns: 2 } });
    const polite = await client.send(new G.StartJobRunCommand({ JobName: "j" }));
    const deaf = await client.send(new G.StartJobRunCommand({ JobName: "j", Arguments: { deaf: "1" } }));
    await until(state, () => state.db.prepare("SELECT 1 FROM glue_runs WHERE state = 'STARTING'").get() === undefined);
    const stopped = await client.send(
      new G.BatchStopJobRunCommand({ JobName: "j", JobRunIds: [polite.JobRunId!, deaf.JobRunId!, "jr_none"] }),
    );
    expect(stopped.SuccessfulSubmissions).toHaveLength(2);
    expect(stopped.Errors).toMatchObject([{ JobRunId: "jr_none" }]);
    await until(state, () => !service.busy());
    expect(events.map((event) => event.detail.state)).toEqual(["STOPPED", "STOPPED"]);
    const { JobRuns } = await client.send(new G.GetJobRunsCommand({ JobName: "j" }));
    expect(JobRuns!.map((run) => run.Id)).toEqual([deaf.JobRunId, polite.JobRunId]);
  });

  test("a run that is longer than its timeout is told to stop, and TIMEOUT", async () => {
    const reasons: unknown[] = [];
    const { events, service } = await open({
      run: ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason);
            reject(signal.reason);
          });
        }),
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      service.createJob({ Name: "j", Timeout: 2 });
      service.service.operations.StartJobRun!({ JobName: "j" } as never, {} as never);
      await new Promise((resolve) => setImmediate(resolve));
      await vi.advanceTimersByTimeAsync(119_000);
      expect(service.busy()).toBe(true);
      await vi.advanceTimersByTimeAsync(2_000);
      expect(service.busy()).toBe(false);
    } finally {
      vi.useRealTimers();
    }
    expect(reasons).toHaveLength(1);
    expect(events).toMatchObject([{ detail: { state: "TIMEOUT", severity: "WARN" } }]);
  });

  test("runs are listed newest first, page after page", async () => {
    const { client, state, service } = await open();
    await job(client);
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      ids.unshift((await client.send(new G.StartJobRunCommand({ JobName: "j" }))).JobRunId!);
      await until(state, () => !service.busy());
    }
    const seen: string[] = [];
    for await (const page of G.paginateGetJobRuns({ client, pageSize: 2 }, { JobName: "j" }))
      seen.push(...page.JobRuns!.map((run) => run.Id!));
    expect(seen).toEqual(ids);
    expect((await client.send(new G.ListJobsCommand({}))).JobNames).toEqual(["j"]);
  });
});
