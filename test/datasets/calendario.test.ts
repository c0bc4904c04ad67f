import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { calendarDays } from "../../packages/core/calendar.ts";
import { calendario } from "../../packages/datasets/calendario/index.ts";
import { closeLake, newLake, publish, published, runOf } from "../engines-duckdb/lake.ts";

test("the calendar is refined without a queue: its one file holds every day, and again the same", async () => {
  const lake = await newLake(mkdtempSync(join(tmpdir(), "calendario-")), calendario);
  try {
    for (const rebuild of [false, true]) {
      const report = await publish(lake, runOf(lake, [], [""], { rebuild }));
      expect(report.rows).toEqual({ read: 0, new: 0, superseded: 0, duplicate: 0 });
      expect(report.audit).toEqual([]);
      expect(Object.keys(report.tables.calendario!)).toEqual([""]);
      expect(report.tables.calendario![""]!.folder).toBe(`refined/calendario/run=${lake.run}-jr_1/`);
      expect(await published(lake, "calendario")).toEqual(calendarDays());
    }
  } finally {
    closeLake(lake);
  }
});
