import { describe } from "vitest";
import { cases, onBoth } from "./stage.cases.ts";

describe("every command line", () => {
  onBoth(cases);
});
