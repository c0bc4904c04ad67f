import { afterEach, expect, test, vi } from "vitest";
import { openOutput } from "../../packages/cli/output.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** What a command answers with --json, for a place of its own. */
const answered = (document: unknown, address: { state?: string; stage?: string }): unknown => {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  openOutput(true, () => address).result(document, () => "");
  vi.restoreAllMocks();
  return JSON.parse(text);
};

test("a document's next command is for another place than the one it tells of", () => {
  const document = {
    next: "pregao ingest bovespa --session 2024-11-08",
    stuck: [{ what: "pregao up is down", free: "pregao dlq list bovespa" }],
    looks: { next: "2026-11-23T23:00:00.000Z" },
    record: { next: null, free: "of charge, as pregao up", name: "pregao status" },
  };
  const [stuck] = document.stuck;
  expect(answered(document, { state: "/tmp/a b" })).toEqual({
    ...document,
    next: "pregao --state '/tmp/a b' ingest bovespa --session 2024-11-08",
    stuck: [{ ...stuck, free: "pregao --state '/tmp/a b' dlq list bovespa" }],
  });
  expect(answered(document, { stage: "dev" })).toMatchObject({
    next: "pregao --stage dev ingest bovespa --session 2024-11-08",
    stuck: [{ free: "pregao --stage dev dlq list bovespa" }],
  });
  expect(answered(document, {})).toEqual(document);
  expect(answered([{ next: "pregao --state x status" }], { state: "x" })).toEqual([
    { next: "pregao --state x status" },
  ]);
});
