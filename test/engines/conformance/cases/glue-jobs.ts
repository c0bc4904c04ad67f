import { asking, type Case, type Step } from "../case.ts";

const { ok, no } = asking("glue");
const definition = {
  Role: "arn:aws:iam::<account>:role/glue",
  Command: { Name: "glueetl", ScriptLocation: "s3://results/refine.py", PythonVersion: "3" },
};
const job = ok("CreateJob", { Name: "<own>", ...definition }, { Name: "<own>" });
const start = (more: Step["with"] = {}) =>
  ok("StartJobRun", { JobName: "<own>", ...more }, { JobRunId: { $like: "jr_[0-9a-f]{64}" } }, { run: "JobRunId" });
const waiting = start({ Arguments: { "--outcome": "wait" } });
const entity = "EntityNotFoundException";

/** Jobs and their runs. moto runs nothing: a run of its is over when it is started, or never. */
export const glueJobs: readonly Case[] = [
  {
    name: "CreateJob: as it was made, with AWS's defaults",
    steps: [
      ok("CreateJob", {
        Name: "<own>",
        ...definition,
        GlueVersion: "5.1",
        DefaultArguments: { "--a": "1" },
        Timeout: 60,
      }),
      ok(
        "GetJob",
        { JobName: "<own>" },
        {
          Job: {
            Name: "<own>",
            Role: definition.Role,
            Command: definition.Command,
            GlueVersion: "5.1",
            DefaultArguments: { "--a": "1" },
            Timeout: 60,
            MaxRetries: 0,
            ExecutionProperty: { MaxConcurrentRuns: 1 },
            CreatedOn: { $date: [-60, 60] },
            LastModifiedOn: { $date: [-60, 60] },
          },
        },
      ),
    ],
  },
  {
    name: "CreateJob: a name that there is",
    steps: [job, no("CreateJob", { Name: "<own>", ...definition }, "AlreadyExistsException")],
  },
  {
    name: "CreateJob: no name",
    steps: [no("CreateJob", definition, "ValidationException")],
  },
  {
    name: "CreateJob: no role",
    steps: [no("CreateJob", { Name: "<own>", Command: definition.Command }, "ValidationException")],
  },
  {
    name: "CreateJob: a timeout of 0 minutes",
    steps: [no("CreateJob", { Name: "<own>", ...definition, Timeout: 0 }, "ValidationException")],
  },
  { name: "GetJob: one that there is not", steps: [no("GetJob", { JobName: "<own>" }, entity)] },
  {
    name: "UpdateJob: what is not named goes back to its default",
    steps: [
      ok("CreateJob", { Name: "<own>", ...definition, Timeout: 60, Description: "old" }),
      ok("UpdateJob", { JobName: "<own>", JobUpdate: { ...definition, Description: "new" } }, { JobName: "<own>" }),
      ok("GetJob", { JobName: "<own>" }, { Job: { Description: "new", Timeout: 480 } }),
    ],
  },
  {
    name: "UpdateJob: one that there is not",
    steps: [no("UpdateJob", { JobName: "<own>", JobUpdate: definition }, entity)],
  },
  {
    name: "ListJobs: all of them are in the pages",
    steps: [job, ok("ListJobs", { MaxResults: 1000 }, { JobNames: { $has: ["<own>"] } })],
  },
  {
    name: "ListJobs: MaxResults 1001",
    steps: [no("ListJobs", { MaxResults: 1001 }, "ValidationException")],
  },
  {
    name: "StartJobRun: a run that is under way",
    steps: [
      ok("CreateJob", { Name: "<own>", ...definition, DefaultArguments: { "--a": "1" } }),
      waiting,
      ok(
        "GetJobRun",
        { JobName: "<own>", RunId: "<run>" },
        {
          JobRun: {
            Id: "<run>",
            JobName: "<own>",
            JobRunState: { $like: "STARTING|RUNNING" },
            Attempt: 0,
            StartedOn: { $date: [-60, 60] },
            LastModifiedOn: { $date: [-60, 60] },
            CompletedOn: { $none: true },
            Timeout: 480,
            Arguments: { "--outcome": "wait" },
          },
        },
      ),
      ok(
        "BatchStopJobRun",
        { JobName: "<own>", JobRunIds: ["<run>"] },
        {
          SuccessfulSubmissions: [{ JobName: "<own>", JobRunId: "<run>" }],
        },
      ),
    ],
  },
  {
    name: "StartJobRun: one more than MaxConcurrentRuns",
    steps: [
      job,
      waiting,
      no("StartJobRun", { JobName: "<own>", Arguments: { "--outcome": "wait" } }, "ConcurrentRunsExceededException"),
      ok("BatchStopJobRun", { JobName: "<own>", JobRunIds: ["<run>"] }),
    ],
  },
  {
    name: "StartJobRun: two, where MaxConcurrentRuns is 2",
    steps: [
      ok("CreateJob", { Name: "<own>", ...definition, ExecutionProperty: { MaxConcurrentRuns: 2 } }),
      ok("StartJobRun", { JobName: "<own>", Arguments: { "--outcome": "wait" } }, {}, { first: "JobRunId" }),
      waiting,
      ok("GetJobRuns", { JobName: "<own>" }, { JobRuns: [{ Id: "<run>" }, { Id: "<first>" }] }),
      ok("GetJobRuns", { JobName: "<own>", MaxResults: 1 }, { JobRuns: [{ Id: "<run>" }] }, { next: "NextToken" }),
      ok("GetJobRuns", { JobName: "<own>", MaxResults: 1, NextToken: "<next>" }, { JobRuns: [{ Id: "<first>" }] }),
      ok(
        "BatchStopJobRun",
        { JobName: "<own>", JobRunIds: ["<run>", "<first>"] },
        { SuccessfulSubmissions: { $size: 2 } },
      ),
    ],
  },
  {
    name: "StartJobRun: a job that there is not",
    steps: [no("StartJobRun", { JobName: "<own>" }, entity)],
  },
  {
    name: "GetJobRun: one that there is not",
    steps: [job, no("GetJobRun", { JobName: "<own>", RunId: "jr_none" }, entity)],
  },
  {
    name: "GetJobRuns: none yet",
    steps: [job, ok("GetJobRuns", { JobName: "<own>" }, { JobRuns: [] })],
  },
  {
    name: "GetJobRuns: a job that there is not",
    steps: [no("GetJobRuns", { JobName: "<own>" }, entity)],
  },
  {
    name: "GetJobRuns: MaxResults 201",
    steps: [job, no("GetJobRuns", { JobName: "<own>", MaxResults: 201 }, "ValidationException")],
  },
  {
    name: "BatchStopJobRun: one that there is not fails alone, with HTTP 200",
    steps: [
      job,
      waiting,
      ok(
        "BatchStopJobRun",
        { JobName: "<own>", JobRunIds: ["<run>", "jr_none"] },
        {
          SuccessfulSubmissions: [{ JobRunId: "<run>" }],
          Errors: [{ JobName: "<own>", JobRunId: "jr_none", ErrorDetail: { ErrorCode: entity } }],
        },
      ),
    ],
  },
  {
    name: "BatchStopJobRun: 26 ids",
    steps: [
      job,
      no("BatchStopJobRun", { JobName: "<own>", JobRunIds: { $times: [26, "jr_<i>"] } }, "ValidationException"),
    ],
  },
];
