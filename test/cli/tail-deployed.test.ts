import { expect, test } from "vitest";
import type { Logs, Printed } from "../../packages/aws/logs.ts";
import type { Place } from "../../packages/cli/place.ts";
import { wanted } from "../../packages/cli/tail.ts";
import { tailDeployed } from "../../packages/cli/tail-deployed.ts";
import { catalogueOf } from "../../packages/datasets/index.ts";
import { silent } from "../place.ts";
import { prova } from "./stage.fixture.ts";

const MINUTE = 60_000;
let ids = 0;
/** A line that a function printed so long ago, in ms. */
const printed = (name: string, ago: number, message: string, more: Record<string, unknown> = {}): Printed => {
  const at = Date.now() - ago;
  const entry = {
    timestamp: new Date(at).toISOString(),
    level: "INFO",
    component: name,
    message,
    metadata: {},
    ...more,
  };
  return { id: String(ids++), at, function: name, text: JSON.stringify(entry) };
};
/** What Lambda itself says. */
const own = (name: string, ago: number, text: string): Printed => ({
  ...{ id: String(ids++), at: Date.now() - ago, function: name, text },
});

/** A stage whose functions have printed this. `absent`: no function has a log. */
const tailing = (
  events: Printed[],
  options: Parameters<typeof wanted>[0] = {},
  { absent = false, json = false } = {},
) => {
  const over = new AbortController();
  const texts: string[] = [];
  const says: string[] = [];
  const froms: number[] = [];
  const logs: Logs = {
    printed: async (name, from) => {
      froms.push(from);
      return absent ? null : events.filter((e) => e.function === name && e.at >= from).sort((a, b) => a.at - b.at);
    },
    close: () => undefined,
  };
  const output = { ...silent(), json, say: (text: string) => void says.push(text) };
  const place = { stage: prova, datasets: catalogueOf(prova), output } as unknown as Place;
  const done = tailDeployed(place, wanted(options, Date.now()), over.signal, {
    logs,
    pollMs: 1,
    write: async (text) => {
      texts.push(text.trimEnd());
      return true;
    },
  });
  return {
    ...{ texts, says, froms, done },
    sees: (text: string) => expect.poll(() => texts.join("\n"), { timeout: 10_000 }).toContain(text),
    end: async () => {
      over.abort();
      await done;
    },
  };
};
const once = async (...[events, options, more]: Parameters<typeof tailing>) => {
  const tail = tailing(events, { ...options, once: true }, more);
  await tail.done;
  return tail;
};
const messages = (texts: readonly string[]) => texts.map((text) => text.split(/ {2,}/)[3]);

test("the last lines are of all functions, in order of time, however far back they lie", async () => {
  const events = [
    printed("advance", 3 * MINUTE, "second"),
    printed("consume", 2 * MINUTE, "third"),
    printed("salvage", 40 * MINUTE, "first"),
    printed("clean", 100 * 60 * MINUTE, "days ago"),
  ];
  expect(messages((await once(events, { lines: "2" })).texts)).toEqual(["second", "third"]);
  const far = await once(events, { lines: "4" });
  expect(messages(far.texts)).toEqual(["days ago", "first", "second", "third"]);
  // What is near is found without reading a week of logs.
  const near = await once(events, { lines: "1" });
  expect(Math.min(...near.froms)).toBeGreaterThan(Date.now() - 11 * MINUTE);
  expect((await once(events, { lines: "0" })).texts).toEqual([]);
  expect(messages((await once(events, { since: "45m" })).texts)).toEqual(["first", "second", "third"]);
});

test("Lambda's own lines tell of an end that no handler lived to tell, and its routine is for DEBUG", async () => {
  const events = [
    own("consume", 5000, "START RequestId: 8f5 Version: $LATEST"),
    own("consume", 4000, "2025-08-29T21:30:00.000Z 8f5 Task timed out after 60.00 seconds"),
    own("consume", 3000, "REPORT RequestId: 8f5\tDuration: 60000.00 ms"),
    own("advance", 2000, '2025-08-29T21:30:00.000Z\t8f5\tERROR\tInvoke Error \t{"errorType":"Error"}'),
    own("advance", 1000, "what a library printed"),
  ];
  const shown = (texts: readonly string[]) => texts.map((text) => text.split(/ {2,}/).slice(1, 4).join(" "));
  expect(shown((await once(events)).texts)).toEqual([
    "ERROR consume 2025-08-29T21:30:00.000Z 8f5 Task timed out after 60.00 seconds",
    "ERROR advance Invoke Error",
    "INFO advance what a library printed",
  ]);
  expect((await once(events, { level: "DEBUG" })).texts).toHaveLength(5);
  const json = (await once(events, { level: "ERROR" }, { json: true })).texts.map((text) => JSON.parse(text));
  expect(json).toMatchObject([
    { level: "ERROR", component: "consume" },
    { level: "ERROR", component: "advance" },
  ]);
});

test("what comes late stands among what was there, and is shown once it comes, and once", async () => {
  const events = [printed("consume", 1000, "there")];
  const tail = tailing(events);
  await tail.sees("there");
  events.push(printed("advance", 90_000, "late by a minute and a half"), printed("consume", 0, "new"));
  await tail.sees("new");
  events.push(printed("consume", 0, "and on"));
  await tail.sees("and on");
  await tail.end();
  expect(messages(tail.texts)).toEqual(["there", "late by a minute and a half", "new", "and on"]);
});

test("what was asked for is asked of the lines that come, too", async () => {
  const events: Printed[] = [];
  const tail = tailing(events, { level: "WARN", dataset: "bovespa" });
  events.push(
    printed("consume", 0, "an INFO", { metadata: { dataset: "bovespa" } }),
    printed("consume", 0, "another's", { level: "WARN", metadata: { dataset: "calendario" } }),
    printed("consume", 0, "wanted", { level: "WARN", metadata: { dataset: "bovespa" } }),
  );
  await tail.sees("wanted");
  await tail.end();
  expect(messages(tail.texts)).toEqual(["wanted"]);
});

test("it ends after --for, and says when there is nothing to show", async () => {
  await tailing([], { for: "0" }).done;
  expect((await once([])).says).toEqual([
    expect.stringMatching(/nothing in the logs is like that.*Next: pregao status/),
  ]);
  expect((await once([], {}, { absent: true })).says).toEqual([
    expect.stringMatching(/no function of stage prova has a log.*Next: pregao status/),
  ]);
});
