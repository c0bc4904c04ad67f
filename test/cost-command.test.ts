import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Cost } from "../packages/cli/cost/index.ts";
import { dollars, ITEMS } from "../packages/core/prices.ts";
import { document, folder, pregao, stackTrace } from "./cli/command.ts";
import { testPlace } from "./place.ts";

const { dir, remove } = folder();
afterAll(remove);
const own = (name: string, text: string) => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

describe("pregao cost where nothing has flowed", () => {
  test("measures the demo's real file, says so, makes no state directory, and shows both paces with price and knob", async () => {
    const cwd = folder();
    const { status, out, err } = await pregao(["cost"], { cwd: cwd.dir });
    expect([status, err]).toEqual([0, ""]);
    expect(readdirSync(cwd.dir)).toEqual([]);
    cwd.remove();
    expect(out).toContain(
      "no state directory here; measured on COTAHIST_D08112024.ZIP, the real session that the demo ships",
    );
    expect(out).toContain("12,226 rows in 12,072 messages a session");
    expect(out).toMatch(
      /^What a month would cost in sa-east-1, the lake empty before the first: daily [\d.]+ US\$ the first month and [\d.]+ on average over 12 .*, intraday [\d.]+ US\$ the first month and [\d.]+ on average over 12/,
    );
    expect(out).toMatch(
      /^Glue: runs +~[\d.]+ +~[\d.]+ +DPU-hour +0\.69( +[\d.]+){4} +batches a month; pause and resume$/m,
    );
    expect(out).toContain("Could not be verified (?)");
    expect(out.trim().split("\n").at(-1)).toBe("Next: pregao cost --months 60");
  });

  test("the first month, whose lake is empty, is not told as if it were every month", async () => {
    const { paces, months } = document<Cost>(await pregao(["cost", "--json"]));
    expect(months).toBe(12);
    for (const { first, bill, average } of paces) {
      expect(average).toBe(Math.round(bill.micros / 12));
      expect(average).toBeGreaterThan(first.micros);
      expect(first.micros).toBe(first.lines.filter((l) => !l.option).reduce((all, l) => all + l.micros, 0));
    }
    const [, intraday] = paces;
    // The unit is a year: what is superseded grows with it, to twelve times the first month's on average.
    const superseded = (of: Cost["paces"][number]["first"]) =>
      of.lines.find((l) => l.of.startsWith("superseded"))!.micros;
    expect(superseded(intraday!.bill) / 12).toBeGreaterThan(11 * superseded(intraday!.first));
  });

  test("one month alone has no average, and what is next is another command than this, with what this was asked", async () => {
    const one = await pregao(["cost", "--months", "1", "--pace", "daily", "--region", "us-east-1", "--queries", "5"]);
    expect(one.out).toMatch(/^What the first month would cost in us-east-1: daily [\d.]+ US\$ \(/);
    expect(one.out).not.toContain("average");
    expect(one.out.trim().split("\n").at(-1)).toBe(
      "Next: pregao cost --pace daily --queries 5 --region us-east-1 --months 12",
    );
    const state = join(dir, "a state");
    const { next } = document<Cost>(
      await pregao(["cost", "--json", "--state", state, "--prices", own("p.json", "{}")]),
    );
    expect(next).toBe(`pregao --state '${state}' cost --prices ${join(dir, "p.json")} --months 60`);
  });

  test("prices that are all the user's own have no date of ours", async () => {
    const file = own("all.json", JSON.stringify(Object.fromEntries(ITEMS.map((item) => [item, "1"]))));
    const args = ["cost", "--region", "mars-north-1", "--prices", file];
    const [shown, told, some] = await Promise.all([
      pregao(args),
      pregao([...args, "--json"]),
      pregao(["cost", "--prices", own("some.json", '{"glue.jobs": "1"}')]),
    ]);
    expect(shown!.out).toContain("Prices are all of --prices.");
    expect(shown!.out).not.toContain("Prices as of");
    expect(document<Cost>(told!).prices).toEqual({ asOf: null, source: null });
    expect(some!.out).toMatch(/^Prices as of \S+, but for 1 of --prices: glue\.jobs\./m);
  });

  test("with --json gives exact figures that add up, and nothing else on standard output", async () => {
    const ended = await pregao(["cost", "--json", "--months", "3", "--queries", "0"]);
    const { paces, measured, prices, months, region } = document<Cost>(ended);
    expect([region, months, paces.map((p) => p.pace)]).toEqual(["sa-east-1", 3, ["daily", "intraday"]]);
    expect(prices.source).toContain("amazonaws.com/offers");
    expect(measured[0]).toMatchObject({
      dataset: "bovespa",
      sessions: 0,
      batch: { rows: 12_226, messages: 12_072, originBytes: 368_105 },
    });
    for (const { bill } of paces) {
      const sum = bill.lines.filter((l) => !l.option).reduce((all, l) => all + l.micros, 0);
      expect(bill.micros).toBe(sum);
      expect(dollars(bill.micros)).toMatch(/^\d+\.\d{6}$/);
      expect(bill.lines.find((l) => l.item === "athena.scanned")!.count).toBe(0);
    }
  });

  test("one pace alone, another region's prices, and a file's over ours", async () => {
    const [one, virginia, mine] = await Promise.all([
      pregao(["cost", "--pace", "daily", "--json"]),
      pregao(["cost", "--pace", "daily", "--region", "us-east-1", "--json"]),
      pregao(["cost", "--pace", "daily", "--json", "--prices", own("mine.json", '{"glue.jobs": "6.90"}')]),
    ]);
    const glue = (ended: Awaited<ReturnType<typeof pregao>>) => {
      const { paces } = document<Cost>(ended);
      expect(paces).toHaveLength(1);
      return paces[0]!.bill.lines.find((l) => l.item === "glue.jobs")!;
    };
    expect(glue(one!).price).toMatchObject({ usd: "0.69", state: "quoted" });
    expect(glue(virginia!).price.usd).toBe("0.44");
    expect(glue(mine!).price.state).toBe("given");
    expect(glue(mine!).micros).toBe(10 * glue(one!).micros);
  });
});

test("what cannot be read is said in one sentence, with what to do", async () => {
  const cases: [string[], number, RegExp][] = [
    [["--pace", "hourly"], 2, /Allowed choices are daily, intraday/],
    [["--months", "0"], 2, /expected --months N with a whole N from 1 to 60, came 0/],
    [["--months", "61"], 2, /came 61/],
    [["--queries", "1.5"], 2, /expected --queries N .*, came 1.5/],
    [
      ["--region", "mars-north-1"],
      2,
      /expected a region whose prices are known here \(sa-east-1, us-east-1\), came mars-north-1/,
    ],
    [["--prices", join(dir, "none.json")], 2, /expected a file of prices at .*none\.json/],
    [["--prices", own("text.json", "glue")], 2, /expected JSON in .*text\.json/],
    [["--prices", own("wrong.json", '{"glue.jobs": 0.69}')], 2, /dollars as decimal texts by item \(.*came glue\.jobs/],
    [["--prices", own("other.json", '{"glue": "0.69"}')], 2, /dollars as decimal texts by item/],
  ];
  const ends = await Promise.all(cases.map(([args]) => pregao(["cost", ...args], { cwd: dir })));
  for (const [i, [args, status, says]] of cases.entries()) {
    expect([args, ends[i]!.status, ends[i]!.out]).toEqual([args, status, ""]);
    expect(ends[i]!.err).toMatch(says);
    expect(ends[i]!.err).not.toMatch(stackTrace);
    if (args[0] !== "--pace") expect(ends[i]!.err).toMatch(/Next: pregao cost/);
  }
});

test("a stage on which nothing is published yet is said to be empty, and is measured by the demo's file", async () => {
  const place = await testPlace();
  try {
    const { measureStage } = await import("../packages/cli/cost/measure.ts");
    const [measured] = await measureStage(place);
    expect(measured!.from).toMatch(/^nothing is published on this laptop yet; measured on COTAHIST_D08112024\.ZIP/);
    expect(measured!.sessions).toBe(0);
  } finally {
    await place.remove();
  }
}, 60_000);
