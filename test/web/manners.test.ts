import { expect, test } from "vitest";
import { mannersOf } from "../../packages/web/manners.ts";

test("manners that cannot be kept to are refused, by what they may be", () => {
  for (const [bad, said] of [
    [{ perSecond: 0 }, "perSecond to be a number above zero, came 0"],
    [{ perSecond: Number.NaN }, "perSecond to be a number above zero, came NaN"],
    [{ concurrency: 0 }, "concurrency to be a whole number above zero, came 0"],
    [{ concurrency: 1.5 }, "concurrency to be a whole number above zero, came 1.5"],
    [{ attempts: Number.POSITIVE_INFINITY }, "attempts to be a whole number above zero, came Infinity"],
    [{ idleMs: -1 }, "idleMs to be a number above zero, came -1"],
    [{ redirects: -1 }, "redirects to be a whole number, zero or more, came -1"],
    [{ redirects: 0.5 }, "redirects to be a whole number, zero or more, came 0.5"],
    [{ backoffMs: -1 }, "backoffMs to be a number, zero or more, came -1"],
  ] as const)
    expect(() => mannersOf(bad)).toThrow(expect.objectContaining({ code: "manners", message: `expected ${said}` }));
  expect(mannersOf({ perSecond: 0.1, backoffMs: 0, redirects: 0 })).toMatchObject({ perSecond: 0.1, attempts: 5 });
});
