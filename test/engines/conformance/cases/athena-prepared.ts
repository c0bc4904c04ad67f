import { asking, type Case, type Step } from "../case.ts";

const { ok, no } = asking("athena");
const own = (more: Step["with"] = {}): Step["with"] => ({ StatementName: "<own>", WorkGroup: "primary", ...more });
const made = ok("CreatePreparedStatement", own({ QueryStatement: "SELECT 1", Description: "one" }));
const missing = "ResourceNotFoundException";

/** Prepared statements as Athena keeps them. */
export const athenaPrepared: readonly Case[] = [
  {
    name: "CreatePreparedStatement: as it was made",
    steps: [
      made,
      ok("GetPreparedStatement", own(), {
        PreparedStatement: {
          StatementName: "<own>",
          QueryStatement: "SELECT 1",
          WorkGroupName: "primary",
          Description: "one",
          LastModifiedTime: { $date: [-60, 60] },
        },
      }),
      ok(
        "ListPreparedStatements",
        { WorkGroup: "primary" },
        { PreparedStatements: { $has: [{ StatementName: "<own>" }] } },
      ),
    ],
  },
  {
    name: "CreatePreparedStatement: a name that there is",
    steps: [made, no("CreatePreparedStatement", own({ QueryStatement: "SELECT 2" }), "InvalidRequestException")],
  },
  {
    name: "CreatePreparedStatement: a name with a space",
    steps: [
      no(
        "CreatePreparedStatement",
        own({ StatementName: "<own> x", QueryStatement: "SELECT 1" }),
        "InvalidRequestException",
      ),
    ],
  },
  {
    name: "UpdatePreparedStatement: another statement",
    steps: [
      made,
      ok("UpdatePreparedStatement", own({ QueryStatement: "SELECT 2" })),
      ok("GetPreparedStatement", own(), { PreparedStatement: { QueryStatement: "SELECT 2" } }),
    ],
  },
  {
    name: "UpdatePreparedStatement: one that there is not",
    steps: [no("UpdatePreparedStatement", own({ QueryStatement: "SELECT 2" }), missing)],
  },
  { name: "GetPreparedStatement: one that there is not", steps: [no("GetPreparedStatement", own(), missing)] },
  {
    name: "BatchGetPreparedStatement: what is missing is named",
    steps: [
      made,
      ok(
        "BatchGetPreparedStatement",
        { WorkGroup: "primary", PreparedStatementNames: ["<own>", "<own>none"] },
        {
          PreparedStatements: [{ StatementName: "<own>", QueryStatement: "SELECT 1" }],
          UnprocessedPreparedStatementNames: [{ StatementName: "<own>none" }],
        },
      ),
    ],
  },
  {
    name: "DeletePreparedStatement: twice",
    steps: [made, ok("DeletePreparedStatement", own()), no("DeletePreparedStatement", own(), missing)],
  },
  {
    name: "ListPreparedStatements: MaxResults 51",
    steps: [no("ListPreparedStatements", { WorkGroup: "primary", MaxResults: 51 }, "InvalidRequestException")],
  },
];
