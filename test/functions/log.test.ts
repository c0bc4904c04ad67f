import { afterEach, expect, test, vi } from "vitest";
import { log, logTo } from "../../functions/log.ts";

afterEach(() => {
  vi.restoreAllMocks();
  logTo((line) => process.stdout.write(`${line}\n`));
});

test("a line goes through the console, where Lambda puts a time, a request and a level before it", () => {
  const written: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
  for (const method of ["log", "info", "warn", "error", "debug"] as const)
    vi.spyOn(console, method).mockImplementation(() => {
      throw new Error(`console.${method}`);
    });
  const levels = ["INFO", "WARN", "ERROR"] as const;
  for (const level of levels) log(level, "advance", "run published", { dataset: "d", rows: { new: 2 } });
  expect(written).toHaveLength(levels.length);
  for (const [at, text] of written.entries()) {
    expect(text).toMatch(/^[^\n]+\n$/);
    expect(JSON.parse(text)).toEqual({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      level: levels[at],
      component: "advance",
      message: "run published",
      metadata: { dataset: "d", rows: { new: 2 } },
    });
  }
});
