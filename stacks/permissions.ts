import type { Stage } from "../packages/core/stage.ts";
import { TICKS, type Topology } from "../packages/core/topology.ts";
import { catalogueOf } from "../packages/datasets/index.ts";
import { inspection } from "./inspection.ts";
import {
  type Arns,
  arnsOf,
  glue,
  keyed,
  letters,
  log,
  logGroups,
  polled,
  type Statement,
  send,
  touch,
} from "./statements.ts";

/** What each role of a stage may do: a function's by its name, those of services and of people by what they are. */
export type Grants = Record<string, Statement[]>;

/** Where Athena puts results in the bucket of that name: analysts see their own, and no row of raw that others asked for. */
export const RESULTS = { people: "athena/", analyst: "analyst/" } as const;

/** Least privilege by hand: exactly what each one's code, and the service that runs it, does. Names are the stage's. */
export const grants = (stage: Stage, topology: Topology, keyArn: string): Grants => {
  const a = arnsOf(stage);
  const roles: Grants = {
    ...functions(stage, a, topology),
    ...services(stage, a, topology),
    ...people(stage, a, topology),
  };
  return {
    ...Object.fromEntries(Object.entries(roles).map(([who, statements]) => [who, keyed(stage, keyArn, statements)])),
    /** Reads what the stage is made of, and nothing of what is in it. */
    doctor: inspection(stage, topology, keyArn),
  };
};

/** Roles that people of the account assume. */
export const PEOPLE = ["analyst", "watcher", "operator", "doctor"] as const;

const nameOf = ({ name }: { name: string }): string => name;
const titleOf = ({ Name }: { Name: string }): string => Name;
const folderOf = (name: string): string => `${name}/`;

/** Datasets with a queue; those and the bells' are the boxes that dead letters come from. */
const queued = (topology: Topology): string[] => topology.streams.map(nameOf);
const boxes = (topology: Topology): string[] => topology.queues.filter((queue) => queue.deadLetter).map(nameOf);
const dlq = (box: string): string => `${box}-dlq`;

/** Tables whose partitions a commit says, with their database. Raw ones are computed. */
const refined = (topology: Topology) =>
  topology.databases.map(({ name, tables }) => ({
    database: name,
    tables: tables.filter((table) => !table.projection).map(nameOf),
  }));

/** On tables of every database. Glue has one catalog, which is named once. */
const onTables = (a: Arns, all: readonly { database: string; tables: readonly string[] }[]): string[] => [
  ...new Set(all.flatMap(({ database, tables }) => a.tables(database, tables))),
];

const functions = (stage: Stage, a: Arns, topology: Topology): Grants => {
  const facts = catalogueOf(stage).flatMap(({ sessions }) => sessions?.facts?.tables ?? []);
  const own: Grants = {
    scrape: [
      ...touch(a, "origin", {
        read: queued(topology).map(folderOf),
        write: queued(topology).map(folderOf),
        names: true,
      }),
      // What was sent of the origin's files.
      ...touch(a, "state", { read: ["scraped/"], write: ["scraped/"], names: true }),
      send(a, queued(topology)),
    ],
    consume: [
      { sid: "Deliver", actions: ["firehose:PutRecordBatch"], resources: queued(topology).map(a.stream) },
      send(a, queued(topology).map(dlq)),
    ],
    salvage: [
      ...touch(a, "lake", { read: ["errors/"], names: ["errors/"] }),
      ...touch(a, "state", { read: ["salvaged/"], write: ["salvaged/"], names: true }),
      send(a, queued(topology).map(dlq)),
    ],
    advance: [
      // Of tables only what it says of sessions, for alarms.
      ...touch(a, "lake", { read: ["raw/", ...facts.map((table) => `refined/${table}/`)], names: true }),
      ...touch(a, "state", {
        read: ["runs/", "commits/", "reports/", "recipes/", "assets/", "accepted/", "paused/"],
        write: RUN_DOCUMENTS,
        names: true,
      }),
      ...advances(a, topology, onTables(a, refined(topology))),
      send(a, [dlq("landed")]),
    ],
    archive: [
      // One that another call put there is read, when an answer did not come.
      ...touch(a, "lake", { read: ["rejected/"], write: ["rejected/"] }),
      letters(a, boxes(topology), ["sqs:DeleteMessage"]),
    ],
    clean: [
      ...touch(a, "lake", { remove: ["refined/"], names: ["refined/"] }),
      ...touch(a, "state", { read: ["runs/", "commits/"], names: ["runs/", "commits/"] }),
      glue("Look", ["GetTable", "GetPartitions"], onTables(a, refined(topology))),
    ],
  };
  return Object.fromEntries(
    topology.functions.map(({ name, failed }) => {
      const feeds = topology.mappings.filter((mapping) => mapping.function === name).map(({ queue }) => queue);
      return [
        name,
        [
          ...(own[name] ?? []),
          ...(feeds.length > 0 ? [polled(a, feeds)] : []),
          // Lambda sends what it gave up in the function's name (Destinations: permissions).
          ...(failed ? [send(a, [failed], "GiveUp")] : []),
          log(a, logGroups.function(stage, name)),
        ],
      ];
    }),
  );
};

const RUN_DOCUMENTS = ["runs/", "commits/", "recipes/", "assets/"];

/** What `advance` does to tables and jobs, whoever calls it: its function, or a person's command. */
const advances = (a: Arns, topology: Topology, tables: readonly string[]): Statement[] => [
  glue(
    "Publish",
    [
      "GetTable",
      "UpdateTable",
      "GetPartitions",
      "BatchCreatePartition",
      "BatchUpdatePartition",
      "BatchDeletePartition",
    ],
    tables,
  ),
  glue("Refine", ["StartJobRun", "GetJobRuns"], topology.jobs.map(nameOf).map(a.job)),
];

const services = (stage: Stage, a: Arns, topology: Topology): Grants => ({
  /** Firehose: "Grant Firehose access to an Amazon S3 destination", less what is for other sources and accounts. */
  stream: [
    {
      sid: "Write",
      actions: ["s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload"],
      resources: a.objects(
        "lake",
        queued(topology).flatMap((name) => [`raw/${name}/`, `errors/${name}/`]),
      ),
    },
    {
      sid: "FindLake",
      actions: ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
      resources: [a.store("lake")],
    },
    glue(
      "ReadColumns",
      ["GetTable", "GetTableVersion", "GetTableVersions"],
      onTables(
        a,
        topology.streams.map(({ database, table }) => ({ database, tables: [table] })),
      ),
    ),
    {
      sid: "Log",
      // Its streams are declared with their group.
      actions: ["logs:PutLogEvents"],
      resources: topology.streams.map(({ name }) => a.log(logGroups.stream(stage, name))),
    },
  ],
  job: [
    ...touch(a, "state", {
      read: ["runs/", "commits/", "recipes/", "assets/", "scripts/"],
      write: ["reports/"],
      names: true,
    }),
    // Spark renames by copying and deleting, and leaves marks of folders beside those of tables.
    ...touch(a, "lake", { read: ["raw/", "refined/"], write: ["refined/"], remove: ["refined/"], names: true }),
    {
      sid: "WriteParts",
      actions: ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
      resources: a.objects("lake", ["refined/"]),
    },
    {
      sid: "FindBuckets",
      // Spark's S3 clients ask for the region of what they are to open.
      actions: ["s3:GetBucketLocation"],
      resources: [a.store("state"), a.store("lake")],
    },
    {
      sid: "Log",
      // Glue makes sure of its groups when a run starts.
      actions: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
      resources: [a.log(logGroups.jobs(stage))],
    },
    {
      sid: "Measure",
      // A metric is no resource: AWS takes no other than * (Actions, resources, and condition keys for CloudWatch).
      actions: ["cloudwatch:PutMetricData"],
      resources: ["*"],
      conditions: { StringEquals: { "cloudwatch:namespace": "Glue" } },
    },
  ],
  clock: [
    {
      sid: "Tick",
      actions: ["lambda:InvokeFunction"],
      resources: [...new Set(topology.clocks.map((clock) => a.function(clock.function)))],
    },
    // A tick that could not be handed over goes there in the schedule's own name (Scheduler: dead-letter queues).
    send(a, [TICKS.failed], "GiveUp"),
  ],
});

const athena = (sid: string, resources: string[], actions: readonly string[]): Statement => ({
  sid,
  actions: actions.map((action) => `athena:${action}`),
  resources,
});

/** A query in a workgroup: its results lie under a prefix that is the workgroup's own. */
const queries = (a: Arns, whose: keyof typeof RESULTS): Statement[] => [
  athena(
    "Query",
    [a.workgroup(whose)],
    ["StartQueryExecution", "StopQueryExecution", "GetQueryExecution", "GetQueryResults"],
  ),
  // What consoles and drivers show beside it: what ran, saved queries, tables.
  athena(
    "Recall",
    [a.workgroup(whose)],
    [
      "GetWorkGroup",
      "ListQueryExecutions",
      "BatchGetQueryExecution",
      "ListNamedQueries",
      "GetNamedQuery",
      "BatchGetNamedQuery",
    ],
  ),
  athena(
    "Browse",
    [a.athena],
    ["GetDataCatalog", "ListDatabases", "GetDatabase", "ListTableMetadata", "GetTableMetadata"],
  ),
  // Athena reads and writes S3 in the caller's name.
  ...touch(a, "results", { read: [RESULTS[whose]], write: [RESULTS[whose]], names: [RESULTS[whose]] }),
  {
    sid: "WriteParts",
    actions: ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
    resources: a.objects("results", [RESULTS[whose]]),
  },
  {
    sid: "FindBuckets",
    actions: ["s3:GetBucketLocation"],
    resources: [a.store("lake"), a.store("results")],
  },
];

/** Athena's, in the caller's name, for SELECT, SHOW and DESCRIBE. */
const READ_CATALOG = ["GetDatabase", "GetTable", "GetTables", "GetPartition", "GetPartitions", "BatchGetPartition"];

const people = (stage: Stage, a: Arns, topology: Topology): Grants => {
  /** All of the stage's own databases: by name the tables of a few datasets are longer than IAM takes. */
  const whole = topology.databases.map(({ name }) => ({ database: name, tables: ["*"] }));
  const shown = topology.databases.map(({ name, tables, views }) => ({
    database: name,
    tables: [...tables.filter((table) => !table.projection).map(nameOf), ...views.map(titleOf)],
  }));
  /** By which `--stage NAME` finds it. */
  const readStage: Statement = { sid: "ReadStage", actions: ["ssm:GetParameter"], resources: [a.parameter] };
  const watching: Statement[] = [
    ...queries(a, "people"),
    glue("ReadCatalog", READ_CATALOG, onTables(a, whole)),
    glue("ReadRuns", ["GetJobRuns"], topology.jobs.map(nameOf).map(a.job)),
    ...touch(a, "origin", { read: [""], names: true }),
    ...touch(a, "lake", { read: [""], names: true }),
    ...touch(a, "state", { read: [""], names: true }),
    {
      sid: "Measure",
      // Metrics are no resources: AWS takes no other than * (Actions, resources, and condition keys for CloudWatch).
      actions: ["cloudwatch:GetMetricData"],
      resources: ["*"],
    },
    {
      sid: "Tail",
      actions: ["logs:FilterLogEvents"],
      resources: topology.functions.map(({ name }) => a.log(logGroups.function(stage, name))),
    },
    readStage,
  ];
  /** Those of looks that were given up are no records, but lie there for people all the same. */
  const withLetters = [...boxes(topology), TICKS.failed.replace(/-dlq$/, "")];
  const onBoxes = (actions: readonly string[]): Statement => ({
    sid: "Boxes",
    actions: ["GetQueueAttributes", ...actions].map((action) => `sqs:${action}`),
    resources: boxes(topology).map(a.queue),
  });
  return {
    /** Refined tables and views, and nothing of what they are made of. */
    analyst: [
      ...queries(a, "analyst"),
      glue("ReadCatalog", READ_CATALOG, onTables(a, shown)),
      ...touch(a, "lake", { read: ["refined/"], names: ["refined/"] }),
      readStage,
    ],
    /** Every verb that only looks. */
    watcher: [...watching, onBoxes([]), letters(a, withLetters, [])],
    /** Every verb. */
    operator: [
      ...watching,
      ...advances(a, topology, onTables(a, whole)),
      // CREATE VIEW and DROP VIEW; to replace one is UpdateTable, which is above. Glue knows views from tables by no name:
      // these are those of the stage's databases, and what they declare the next deployment makes again.
      glue("Views", ["CreateTable", "DeleteTable"], onTables(a, whole)),
      ...touch(a, "origin", { write: queued(topology).map(folderOf) }),
      // A replay writes down what it does, and withdraws; an archived letter that was sent is deleted; ingest remembers.
      ...touch(a, "state", {
        write: [...RUN_DOCUMENTS, "accepted/", "paused/", "lost/", "withdrawn/", "replays/", "archives/", "scraped/"],
        remove: ["paused/", "withdrawn/"],
      }),
      // An object that was refused is copied to where it is looked at again.
      ...touch(a, "lake", { write: ["rejected/", "raw/"], remove: ["rejected/"] }),
      onBoxes(["SendMessage"]),
      letters(a, withLetters, ["sqs:DeleteMessage", "sqs:SendMessage"]),
    ],
  };
};
