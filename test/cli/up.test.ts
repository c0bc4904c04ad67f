import { expect, test } from "vitest";
import { looking } from "../../packages/cli/up.ts";
import { topology } from "../../packages/core/topology.ts";
import { datasets } from "../../packages/datasets/index.ts";
import { nextTick } from "../../packages/local/clock.ts";

test("a river that fetches does not say when it looks, and seems to do nothing until then", () => {
  const built = topology(datasets, "daily");
  // A Saturday: nobody looks before Monday's evening.
  const now = Date.parse("2026-11-21T12:00:00-03:00");
  const line = looking(built, now);
  const scheduled = datasets.filter((d) => d.raw?.schedule);
  expect(scheduled.length).toBeGreaterThan(0);
  for (const { name } of scheduled) expect(line).toMatch(new RegExp(`of ${name} at 2026-11-2[23] \\d\\d:\\d\\d\\b`));
  expect(line).toMatch(/^It looks next for new files of .* in São Paulo; pregao tail shows it\.$/);
  const ticks = built.clocks.flatMap((clock) => (clock.web ? (nextTick(clock, now) ?? []) : []));
  const first = new Intl.DateTimeFormat("sv-SE", { timeZone: "America/Sao_Paulo", timeStyle: "short" });
  expect(line.split(",")[0]).toContain(first.format(Math.min(...ticks)));
  expect(looking({ ...built, clocks: [] }, now)).toBe("No clock looks for new files.");
});
