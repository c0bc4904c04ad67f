import { expect, test } from "vitest";
import { nothingOf } from "../../packages/cli/explain.ts";
import { datasets } from "../../packages/datasets/index.ts";

test("a row of another dataset is said to be nowhere", () => {
  const [first, ...others] = datasets.filter((d) => d.raw && d.sessions);
  expect(others.length).toBeGreaterThan(0);
  const message = nothingOf("PETR4", "2024-11-08", first!, datasets, "");
  for (const { name } of others) expect(message).toContain(`--dataset ${name}`);
  expect(message).not.toContain(`--dataset ${first!.name}`);
  for (const { name, raw } of datasets) if (!raw) expect(message).not.toContain(name);
  expect(nothingOf("PETR4", "2024-11-08", first!, [first!], "one is hidden")).toBe(
    `nothing of PETR4 on 2024-11-08 has arrived in ${first!.name} (but one is hidden): expected a ticker and a session that a file held. pregao verify ${first!.name} --session 2024-11-08 says whether anything is missing`,
  );
});
