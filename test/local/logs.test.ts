import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { logs } from "../../packages/local/logs/index.ts";

const dir = mkdtempSync(join(tmpdir(), "pregao-logs-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const at = (second: number): number => Date.UTC(2025, 7, 29, 21, 0, second);
const line = (second: number, component: string, message: string): string =>
  JSON.stringify({ timestamp: new Date(at(second)).toISOString(), level: "INFO", component, message });
const write = (...lines: string[]) => appendFileSync(join(dir, "log.ndjson"), `${lines.join("\n")}\n`);

type Answer = { events: { eventId: string; timestamp: number; message: string }[]; nextToken?: string };
const groups = new Map([
  ["/aws/lambda/pregao-prova-consume", "consume"],
  ["/aws/lambda/pregao-prova-advance", "advance"],
]);
const { service } = logs({ dir, groups });
const ask = service.operations.FilterLogEvents as unknown as (input: unknown) => Answer;
const group = { logGroupName: "/aws/lambda/pregao-prova-consume" };
const texts = (answer: Answer) =>
  answer.events.map(({ message }) => (JSON.parse(message) as { message: string }).message);

test("FilterLogEvents gives a function's own lines in order of time, from startTime until before endTime", () => {
  write(line(1, "consume", "a"), line(3, "consume", "c"), line(2, "consume", "b"), line(2, "advance", "other"));
  write('{"timestamp":"2025', line(4, "sqs", "the stack's own"), "no JSON");
  expect(texts(ask(group))).toEqual(["a", "b", "c"]);
  expect(texts(ask({ ...group, startTime: at(2), endTime: at(3) }))).toEqual(["b"]);
  expect(
    texts(ask({ logGroupIdentifier: "arn:aws:logs:sa-east-1:1:log-group:/aws/lambda/pregao-prova-advance:*" })),
  ).toEqual(["other"]);
});

test("equal lines are events apart, each with an id that it keeps while others are written", () => {
  write(line(5, "consume", "twice"), line(5, "consume", "twice"));
  const ids = () => ask({ ...group, startTime: at(5) }).events.map(({ eventId }) => eventId);
  const before = ids();
  expect(new Set(before).size).toBe(2);
  write(line(6, "consume", "later"));
  expect(ids().slice(0, 2)).toEqual(before);
});

test("pages end at the limit and go on behind the last, none lost and none twice", () => {
  const all = texts(ask(group));
  const found: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = ask({ ...group, limit: 2, ...(nextToken ? { nextToken } : {}) });
    expect(page.events.length).toBeLessThanOrEqual(2);
    found.push(...texts(page));
    nextToken = page.nextToken;
  } while (nextToken);
  expect(found).toEqual(all);
});

test.each([
  [{}, "InvalidParameterException", /logGroupName or logGroupIdentifier/],
  [{ logGroupName: "/aws/lambda/none" }, "ResourceNotFoundException", /does not exist/],
  [{ ...group, filterPattern: "ERROR" }, "InvalidParameterException", /filterPattern is not part/],
  [{ ...group, logStreamNames: ["x"] }, "InvalidParameterException", /logStreamNames is not part/],
  [{ ...group, limit: 10_001 }, "InvalidParameterException", /limit/],
  [{ ...group, nextToken: "!" }, "InvalidParameterException", /nextToken/],
])("%j is refused as %s", (input, code, message) => {
  expect(() => ask(input)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
});

test("a stack that keeps no log has groups without events", () => {
  const none = logs({ dir: null, groups }).service.operations.FilterLogEvents as unknown as typeof ask;
  expect(none(group).events).toEqual([]);
});
