/// <reference path="../.sst/platform/config.d.ts" />
import { type Choices, choicesParameter } from "../packages/core/stage.ts";
import type { River } from "./river.ts";

/** What this stage chose, for `pregao doctor`: what is off because of it is no fault. Addresses are counted, not named. */
export const choices = ({ stage, settings }: River): void => {
  const chosen: Choices = {
    role: settings.role ?? null,
    audit: settings.audit,
    catalogEncryption: settings.catalogEncryption,
    emails: settings.emails.length,
  };
  new aws.ssm.Parameter("choices", {
    name: choicesParameter(stage.name),
    description: "What the stage chose: what pregao doctor reads",
    type: "String",
    value: JSON.stringify(chosen),
  });
};
