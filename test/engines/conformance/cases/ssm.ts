import { asking, type Case } from "../case.ts";

const { no } = asking("ssm");

/** The one operation of Parameter Store that we use. */
export const ssm: readonly Case[] = [
  {
    name: "GetParameter: one that there is not",
    steps: [no("GetParameter", { Name: "/pregao/<own>/stage" }, "ParameterNotFound")],
  },
  {
    name: "GetParameter: a name that is empty",
    steps: [no("GetParameter", { Name: "" }, "ValidationException")],
  },
];
