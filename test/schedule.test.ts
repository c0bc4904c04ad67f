import { afterAll, beforeAll, expect, test } from "vitest";
import { receive } from "../packages/aws/queues.ts";
import { sessionsUpTo } from "../packages/core/backfill.ts";
import { bovespa } from "../packages/datasets/bovespa/index.ts";
import { type Recorded, recorded } from "./origin/server.ts";
import { openEvenings } from "./schedule/river.ts";

/** Tuesday 2023-05-30: when the river is first started, the origin has all of the last twenty but the day's own. */
const [TODAY, TOMORROW] = ["2023-05-30", "2023-05-31"];
const before = sessionsUpTo(TODAY, 20).slice(0, -1);
const fileOf = (session: string) => bovespa.raw!.publication!.downloads([session], [])[0]!.name;
const ROWS = 3;

let origin: Recorded;
let river: Awaited<ReturnType<typeof openEvenings>>;
beforeAll(async () => {
  origin = await recorded({ sessions: before, rows: ROWS, portfolios: [] });
  river = await openEvenings(origin, `${TODAY} 20:40`);
});
afterAll(async () => {
  await river?.close();
  await origin?.close();
});

/** `2023-05-29 3`: sessions in the table, with their rows. */
const sessions = async () =>
  (await river.ask("SELECT data_pregao, count(*) AS n FROM bovespa_refined GROUP BY 1 ORDER BY 1")).map(
    ({ data_pregao, n }) => `${data_pregao} ${n}`,
  );
const trades = async (session: string) => {
  const sql = `SELECT sum(total_negocios) AS n FROM bovespa_refined WHERE data_pregao = DATE '${session}'`;
  return Number((await river.ask(sql))[0]!.n);
};
const troubles = () => river.lines.filter(({ level }) => level === "ERROR" || level === "WARN").map((l) => l.message);

test("the first evening catches up with what was published lately, asks for each file once, and misses nothing that cannot be there yet", async () => {
  expect(river.asked()).toEqual([`${fileOf(TODAY)} 404`, ...before.toReversed().map((one) => `${fileOf(one)} 200`)]);
  expect(await sessions()).toEqual(before.map((session) => `${session} ${ROWS}`));
  expect([river.stack().dropped(), troubles()]).toEqual([[], []]);
});

test("a late file is looked for at every hour, and is in the tables once it is there", async () => {
  const again = `${fileOf(before.at(-1)!)} 304`;
  expect(await river.until(`${TODAY} 20:46`)).toEqual([`${fileOf(TODAY)} 404`, again]);
  origin.publish(TODAY);
  expect(await river.until(`${TODAY} 21:46`)).toEqual([`${fileOf(TODAY)} 200`, again]);
  expect(await sessions()).toContain(`${TODAY} ${ROWS}`);
});

test("a file that is rewritten the same night replaces its session's rows, and the day's last look changes nothing", async () => {
  const first = await trades(TODAY);
  origin.publish(TODAY);
  expect(await river.until(`${TODAY} 22:46`)).toContain(`${fileOf(TODAY)} 200`);
  expect(await trades(TODAY)).toBe(first + 1);
  const asked = await river.until(`${TODAY} 23:46`);
  expect(asked).toEqual([TODAY, ...before.toReversed()].map((session) => `${fileOf(session)} 304`));
  expect([await trades(TODAY), troubles()]).toEqual([first + 1, []]);
});

test("a session whose file is not there at the day's last look is an ERROR, and lies in scrape-dlq; the others are asked for all the same", async () => {
  await river.until(`${TOMORROW} 20:46`);
  expect(troubles()).toEqual([]);
  const asked = await river.until(`${TOMORROW} 23:46`);
  // Two looks were due at hours that had passed as well; an event that failed is tried twice more.
  expect(asked.filter((one) => one === `${fileOf(TOMORROW)} 404`).length).toBeGreaterThanOrEqual(4);
  expect(asked).toContain(`${fileOf(TODAY)} 304`);
  const failed = river.lines.filter(({ level, component }) => level === "ERROR" && component === "scrape");
  expect(failed.map((line) => line.message)).toContain("the day's last look for a file failed");
  expect(river.stack().dropped()).toMatchObject([{ function: "scrape", attempts: 3 }]);
  const [letter] = await receive(river.aws(), "scrape-dlq", 1);
  expect(JSON.parse(letter!.body)).toMatchObject({
    requestPayload: { dataset: "bovespa", last: true },
    responsePayload: { errorMessage: expect.stringContaining(`pregao ingest bovespa --session ${TOMORROW}`) },
  });
});

test("status tells the next look, what is missing by then, and the look that was given up", async () => {
  await river.until("2023-06-01 09:00");
  const { document, screen } = await river.status();
  const { looks } = document.datasets.find(({ dataset }) => dataset === "bovespa")!;
  expect(looks).toEqual({
    ...{ next: "2023-06-01T23:45:00.000Z", missing: [TOMORROW] },
    fill: `pregao ingest bovespa --session ${TOMORROW} --wait`,
  });
  expect(screen).toMatch(/next for a file at 2023-06-01 20:45 in São Paulo .*; missing: 2023-05-31\n/);
  expect(document.givenUp).toEqual({ queue: "scrape-dlq", letters: 1 });
});

test("what was published while the river was off, or late by days, comes with the next look", async () => {
  const days = [TOMORROW, "2023-06-01", "2023-06-02"];
  for (const session of days) origin.publish(session);
  // Monday morning: neither Sunday nor Saturday had a session, and Monday's has not ended.
  const asked = await river.off("2023-06-05 09:00");
  for (const session of days) expect(asked.filter((one) => one === `${fileOf(session)} 200`)).toHaveLength(1);
  expect(asked.filter((one) => one.endsWith(" 200"))).toHaveLength(days.length);
  expect((await sessions()).slice(-3)).toEqual(days.map((session) => `${session} ${ROWS}`));
  expect(troubles()).toEqual([]);
});
