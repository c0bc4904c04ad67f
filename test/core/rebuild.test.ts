import { describe, expect, test } from "vitest";
import { planRebuild, type Recalled, unitsOf } from "../../packages/core/rebuild.ts";
import { type RawObject, RUN_NAMES } from "../../packages/core/run.ts";
import { facts, object, published, shape } from "./documents.ts";

const recalled = (refined: RawObject[], there: readonly RawObject[], units = ["2024"]): Recalled => ({
  past: [{ units, refined, rejected: [] }],
  there: new Map(there.map((o) => [o.key, o.etag])),
});
const commit = published(null, [object("a")], { units: ["2024", "2023"] });

test("the units of a table are those of its partitions, each once and in order; a dataset without units is one if it is there", () => {
  expect(unitsOf(commit, "year")).toEqual(["2023", "2024"]);
  expect(unitsOf(null, "year")).toEqual([]);
  expect(unitsOf(commit, null)).toEqual([""]);
  expect(unitsOf({ ...commit, tables: { c: {} } }, null)).toEqual([]);
  expect(unitsOf(null, null)).toEqual([]);
});

describe("a rebuild that cannot be", () => {
  const refused = (made: Recalled, unit = "2024") => {
    try {
      planRebuild(facts({ commit }), made, shape, unit);
    } catch (error) {
      return error as { code: string; message: string; details: Record<string, unknown> };
    }
  };

  test("names the units that can", () => {
    expect(refused(recalled([], []), "1999")).toMatchObject({
      code: "rebuild",
      message: expect.stringMatching(/came none\. Units of d: 2023, 2024$/),
    });
  });

  test("of a dataset without units has no unit to name", () => {
    expect(refused(recalled([], []), "")?.message).toMatch(/^the rebuild of d: expected/);
  });

  test("names one lost object, and of others how many", () => {
    const [a, b, c] = [object("a"), object("b"), object("c")];
    const lost = (refined: RawObject[], there: RawObject[]) => refused(recalled(refined, there));
    expect(lost([a, b], [b])).toMatchObject({ code: "rebuild", message: expect.stringMatching(/--without-gone\)$/) });
    expect(lost([a, b, c], [c])?.message).toMatch(/; and 1 more objects$/);
  });

  test("tells the lost ones to who asks, up to a thousand, and not those that come by themselves", () => {
    const many = Array.from({ length: 1500 }, (_, n) => object(String(n).padStart(5, "0")));
    const [comes, ...others] = many;
    const told = refused(recalled(many, [{ ...comes!, etag: "newer" }]))?.details.objects;
    expect(told).toEqual(others.slice(0, 1000));
  });

  test("names more objects than a run can, or exactly as many, which is allowed", () => {
    const many = Array.from({ length: RUN_NAMES + 1 }, (_, n) => object(String(n)));
    expect(refused(recalled(many, many))).toMatchObject({ code: "rebuild" });
    const most = many.slice(1);
    expect(planRebuild(facts({ commit }), recalled(most, most), shape, "2024")).toMatchObject({ is: "run" });
  });
});
