import { asking, type Case } from "../case.ts";

const { ok, no } = asking("cloudcontrol");
const TypeName = "AWS::S3::Bucket";

/** The two reads of Cloud Control that `pregao doctor` uses. */
export const cloudControl: readonly Case[] = [
  {
    name: "GetResource: a bucket by its name, its properties as JSON",
    steps: [
      ok(
        "GetResource",
        { TypeName, Identifier: "results" },
        {
          TypeName,
          ResourceDescription: { Identifier: "results", Properties: { $like: '^\\{.*"BucketName":"results".*\\}$' } },
        },
      ),
    ],
  },
  {
    name: "GetResource: one that there is not",
    steps: [no("GetResource", { TypeName, Identifier: "<own>" }, "ResourceNotFoundException", 404)],
  },
  {
    name: "GetResource: a type that there is not",
    steps: [no("GetResource", { TypeName: "AWS::Own::Nothing", Identifier: "<own>" }, "TypeNotFoundException", 404)],
  },
  {
    name: "ListResources: of a type, each with its identifier",
    steps: [
      ok("ListResources", { TypeName }, { TypeName, ResourceDescriptions: { $has: [{ Identifier: "results" }] } }),
    ],
  },
  {
    name: "ListResources: a type that there is not",
    steps: [no("ListResources", { TypeName: "AWS::Own::Nothing" }, "TypeNotFoundException", 404)],
  },
];
