import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { file as cotahist, line } from "../datasets/cotahist.ts";
import { document, folder, pregao, stackTrace, up } from "./command.ts";

const { dir, remove } = folder();
afterAll(remove);

const count = (state: string) => pregao(["query", "SELECT count(*) AS n FROM bovespa_raw", "--json", "--state", state]);

test("two commands at one moment on a new directory share one river, and neither's rows are lost", async () => {
  const state = join(dir, "two");
  const publish = (ticker: string) =>
    pregao(["publish", "bovespa", "--ticker", ticker, "--count", "2", "--json", "--state", state]);
  for (const ended of await Promise.all([publish("TESTE91"), publish("TESTE92")])) {
    expect(ended).toMatchObject({ status: 0 });
    expect(document(ended)).toMatchObject({ accepted: 1 });
  }
  expect(document(await count(state))).toEqual([{ n: "4" }]);
});

test("a command that is ended in the middle says so, harms nothing, and the next one goes on", async () => {
  const state = join(dir, "ended");
  let told = false;
  const ended = await pregao(["demo", "--json", "--state", state], {
    // Its first step: the river runs by then, and the file is about to be sent.
    watch: (child, { err }) => {
      if (told || !err.includes("origin ")) return;
      told = true;
      child.kill("SIGINT");
    },
  });
  expect(ended).toMatchObject({ status: 130, signal: null });
  expect(document(ended)).toMatchObject({ error: "interrupted" });
  expect(ended.err).toContain(`preparing a new state directory in ${state}: the trading calendar\n`);
  expect(ended.err).toContain(`Next: pregao --state ${state} status`);
  expect(ended.err).not.toMatch(stackTrace);
  const status = await pregao(["status", "--json", "--state", state]);
  expect(status.status).toBe(0);
  expect(document(status)).toMatchObject({ running: false, stuck: [] });
});

test("a directory that a river runs on is found by commands, and is not reset or taken by another", async () => {
  const state = join(dir, "running");
  const river = await up(state);
  const { port } = new URL(river.url);
  expect(document(await pregao(["status", "--json", "--state", state]))).toMatchObject({
    running: true,
    endpoint: river.url,
  });
  const refused = [
    await pregao(["reset", "--yes", "--json", "--state", state]),
    await pregao(["up", "--json", "--state", state]),
    await pregao(["up", "--json", "--port", port, "--state", join(dir, "other")]),
  ];
  for (const ended of refused) {
    expect(ended.status).toBe(1);
    expect(document(ended).message).toMatch(/running on|already|free, another program/);
    expect(ended.err).not.toMatch(stackTrace);
  }
  const stopped = await river.stop();
  expect([stopped.status, stopped.signal]).toEqual([0, null]);
  expect(existsSync(join(state, "stage.json"))).toBe(true);
});

test("reset deletes a river's own directory and nothing else", async () => {
  const state = join(dir, "running");
  const unasked = await pregao(["reset", "--state", state]);
  expect(unasked.status).toBe(2);
  expect(unasked.err).toContain("expected --yes");
  writeFileSync(join(state, "thesis.doc"), "three years of work");
  const mixed = await pregao(["reset", "--yes", "--state", state]);
  expect(mixed.status).toBe(1);
  expect(mixed.err).toMatch(/it also holds thesis\.doc; nothing was deleted/);
  expect(readdirSync(state)).toContain("pregao.sqlite");

  const home = join(dir, "home");
  mkdirSync(home);
  writeFileSync(join(home, "thesis.doc"), "three years of work");
  for (const not of [home, join(home, "thesis.doc")]) {
    const ended = await pregao(["reset", "--yes", "--state", not]);
    expect(ended.status).toBe(1);
    expect(ended.err).toMatch(/expected a state directory of pregao.*nothing was deleted/);
  }
  expect(readFileSync(join(home, "thesis.doc"), "utf8")).toBe("three years of work");

  const ours = join(dir, "two");
  expect(document(await pregao(["reset", "--yes", "--json", "--state", ours]))).toEqual({ dir: ours, deleted: true });
  expect(existsSync(ours)).toBe(false);
  expect(document(await pregao(["reset", "--json", "--state", ours]))).toEqual({ dir: ours, deleted: false });
});

test("a broken origin is refused as a whole, by its line, as one document", async () => {
  const broken = new URL("../fixtures/cotahist/COTAHIST_D04012016_TRUNCATED.TXT", import.meta.url).pathname;
  const state = join(dir, "broken");
  const ended = await pregao(["ingest", "bovespa", "--file", broken, "--wait", "--json", "--state", state]);
  expect(ended.status).toBe(1);
  expect(document(ended)).toMatchObject({ error: "origin_total", message: expect.stringContaining("line 506") });
  expect(document(await count(state))).toEqual([{ n: "0" }]);
});

test("what a function logs in a command's own process is in the river's log, and --json stays one document", async () => {
  const state = join(dir, "torn");
  const file = join(dir, "session.TXT");
  writeFileSync(file, cotahist([line()]));
  const ingest = () => pregao(["ingest", "bovespa", "--file", file, "--json", "--state", state]);
  const { origin } = document<{ origin: { sha256: string } }>(await ingest());
  const archived = join(state, "s3/origin/bovespa", origin.sha256);
  writeFileSync(archived, "not what it was");
  const again = await ingest();
  expect(again).toMatchObject({ status: 0 });
  expect(document(again)).toMatchObject({ fresh: false, origin: { sha256: origin.sha256 } });
  expect(again.err).not.toContain("the archived bytes");
  expect(readFileSync(join(state, "log.ndjson"), "utf8")).toContain("the archived bytes could not be read whole");
  expect(readFileSync(archived)).toEqual(readFileSync(file));
});
