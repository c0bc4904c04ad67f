import { spawn } from "node:child_process";
import { beforeAll, describe, expect, test } from "vitest";
import { arrivals, type Told } from "./zones/child.ts";

const child = new URL("zones/child.ts", import.meta.url).pathname;

/** What a small river says of itself, in a process of its own under a TZ. */
const told = (zone: string): Promise<Told> =>
  new Promise((resolve, reject) => {
    const run = spawn(process.execPath, [child], {
      env: { ...process.env, TZ: zone },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = { out: "", err: "" };
    run.stdout.setEncoding("utf8").on("data", (text: string) => {
      said.out += text;
    });
    run.stderr.setEncoding("utf8").on("data", (text: string) => {
      said.err += text;
    });
    run.once("error", reject);
    run.once("close", (code) =>
      code === 0 ? resolve(JSON.parse(said.out) as Told) : reject(new Error(`under TZ=${zone}: ${said.err}`)),
    );
  });

/** By TZ, the minutes that it is behind UTC in January and July 2018. */
const zones = { UTC: [0, 0], "America/Sao_Paulo": [120, 180], "Asia/Tokyo": [-540, -540] };
type Zone = keyof typeof zones;
const others: Zone[] = ["America/Sao_Paulo", "Asia/Tokyo"];
const by = {} as Record<Zone, Told>;
beforeAll(async () => {
  for (const zone of Object.keys(zones) as Zone[]) by[zone] = await told(zone);
}, 120_000);

test.each(Object.entries(zones))("the river really ran under TZ=%s", (zone, offsets) => {
  expect(by[zone as Zone].offsets).toEqual(offsets);
});

test.each(others)("tables, results and clocks are the same under TZ=%s as under UTC, to the byte", (zone) => {
  const { offsets: _, ...here } = by[zone];
  const { offsets: __, ...there } = by.UTC;
  expect(here).toEqual(there);
  // Every row came to the tables, of which one that is not there could not differ.
  expect(here.tables.bovespa_refined!.split("\n")).toHaveLength(arrivals.length + 2);
});

describe("a day is of UTC or of São Paulo, never of the machine", () => {
  test("raw is filed under the day of UTC, also its file names", () => {
    for (const [at] of arrivals)
      expect(by["Asia/Tokyo"].days[at]).toBe(`${at.slice(0, 10)} ${at.slice(0, 19).replace(/[T:]/g, "-")}`);
  });

  test("data_processamento is the day of São Paulo, over both changes of its clocks", () => {
    // Each of these has another day in UTC or in Tokyo.
    const days = ["2017-12-31", "2017-12-31", "2018-02-17", "2018-02-17", "2018-02-18", "2018-11-03", "2018-11-04"];
    const sql = "SELECT data_processamento FROM bovespa_refined ORDER BY ticker";
    expect(by["America/Sao_Paulo"].queries[sql]!.split("\n").slice(1, -1)).toEqual(
      [...days, "2024-02-28", "2024-11-08", "2024-11-08"].map((day) => `"${day}"`),
    );
  });

  test("raw's partitions end with the day that it is in UTC", () => {
    const counts = Object.entries(by["Asia/Tokyo"].queries).filter(([sql]) => sql.includes("GROUP BY 1"));
    expect(counts.map(([, csv]) => csv.split("\n").slice(1, -1))).toEqual([
      ['"2024-02-29","1"', '"2024-11-08","1"'],
      ['"2024-02-29","1"', '"2024-11-08","1"', '"2024-11-09","1"'],
    ]);
  });
});

test("a clock of São Paulo ticks by its wall, over the night that has 25 hours and the one that has 23", () => {
  const { ticks } = by["Asia/Tokyo"];
  // Until midnight of 18 February 2018 it was two hours behind UTC, then three; from 4 November two again.
  expect(ticks["30 23 * * * America/Sao_Paulo from 2018-02-17T12:00:00Z"]).toEqual([
    "2018-02-18T01:30:00.000Z",
    "2018-02-19T02:30:00.000Z",
    "2018-02-20T02:30:00.000Z",
  ]);
  expect(ticks["30 23 * * * America/Sao_Paulo from 2018-11-03T12:00:00Z"]).toEqual([
    "2018-11-04T02:30:00.000Z",
    "2018-11-05T01:30:00.000Z",
    "2018-11-06T01:30:00.000Z",
  ]);
  // Half past midnight was not there that night: it ticks all the same, once.
  expect(ticks["30 0 * * * America/Sao_Paulo from 2018-11-03T12:00:00Z"]).toHaveLength(3);
  expect(ticks["30 22 * * MON-FRI America/Sao_Paulo from 2024-12-30T12:00:00Z"]).toEqual([
    "2024-12-31T01:30:00.000Z",
    "2025-01-01T01:30:00.000Z",
    "2025-01-02T01:30:00.000Z",
  ]);
  expect(ticks["0 6 * * SUN UTC from 2018-02-17T12:00:00Z"]![0]).toBe("2018-02-18T06:00:00.000Z");
});
