import { appendFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { backwards, endOf } from "../../packages/cli/log.ts";
import { tail, wanted } from "../../packages/cli/tail.ts";
import { silent } from "../place.ts";
import { type Ended, folder, pregao, stackTrace, up } from "./command.ts";

const { dir, remove } = folder();
afterAll(remove);
let made = 0;
const place = (): string => {
  const path = join(dir, String(made++));
  mkdirSync(path);
  return path;
};

const at = (minute: number) => new Date(Date.UTC(2025, 7, 29, 21, minute)).toISOString();
const line = (minute: number, message: string, more: Record<string, unknown> = {}) =>
  JSON.stringify({ timestamp: at(minute), level: "INFO", component: "advance", message, metadata: {}, ...more });
const log = (where: string, ...lines: string[]) => appendFileSync(join(where, "log.ndjson"), `${lines.join("\n")}\n`);

/** A tail that is being read. */
const follow = (where: string, options: Parameters<typeof wanted>[0] = {}, json = false) => {
  const over = new AbortController();
  const texts: string[] = [];
  const says: string[] = [];
  const output = { ...silent(), json, say: (text: string) => void says.push(text) };
  const done = tail(where, output, wanted(options, Date.now()), over.signal, async (text) => {
    texts.push(text.trimEnd());
    return true;
  });
  return {
    texts,
    says,
    sees: (text: string) => expect.poll(() => texts.join("\n"), { timeout: 10_000 }).toContain(text),
    end: async () => {
      over.abort();
      await done;
    },
    done,
  };
};
const once = async (where: string, options: Parameters<typeof wanted>[0] = {}, json = false) => {
  const { texts, says, done } = follow(where, { ...options, once: true }, json);
  await done;
  return { texts, says };
};

describe("what is there", () => {
  let where: string;
  beforeAll(() => {
    where = place();
    writeFileSync(join(where, "log.1.ndjson"), `${line(0, "of the file before")}\n`);
    log(
      where,
      line(1, "first", { metadata: { dataset: "bovespa", rows: { read: 2 }, none: null, empty: {}, units: [] } }),
      line(2, "refused", { level: "WARN", component: "salvage", metadata: { key: "errors/bovespa/x", rows: 3 } }),
      line(3, "made", { metadata: { dataset: "calendario" } }),
      line(4, "expired", { level: "ERROR", component: "sqs", metadata: { queue: "bovespa-dlq" } }),
      line(5, "steers \u001b[31m the terminal", { component: "x".repeat(3) }),
    );
  });

  test("is read as lines of time, level, component, message and counts, without what steers a terminal", async () => {
    const { texts } = await once(where, { lines: "5" });
    expect(texts).toEqual([
      '2025-08-29T21:01:00.000Z  INFO   advance   first  dataset=bovespa  rows={"read":2}',
      "2025-08-29T21:02:00.000Z  WARN   salvage   refused  key=errors/bovespa/x  rows=3",
      "2025-08-29T21:03:00.000Z  INFO   advance   made  dataset=calendario",
      "2025-08-29T21:04:00.000Z  ERROR  sqs       expired  queue=bovespa-dlq",
      "2025-08-29T21:05:00.000Z  INFO   xxx       steers ·[31m the terminal",
    ]);
  });

  test("is the last lines, of the file before as well", async () => {
    expect((await once(where)).texts).toHaveLength(6);
    expect((await once(where)).texts[0]).toContain("of the file before");
    expect((await once(where, { lines: "1" })).texts).toEqual([expect.stringContaining("steers")]);
    expect((await once(where, { lines: "0" })).texts).toEqual([]);
  });

  test("is asked for by level, dataset and time, and the last lines are counted among those", async () => {
    const messages = async (options: Parameters<typeof wanted>[0]) =>
      (await once(where, options)).texts.map((text) => /(first|refused|made|expired|steers|before)/.exec(text)?.[1]);
    expect(await messages({ level: "warn" })).toEqual(["refused", "expired"]);
    expect(await messages({ level: "WARN", lines: "1" })).toEqual(["expired"]);
    expect(await messages({ dataset: "bovespa" })).toEqual(["before", "first", "refused", "expired", "steers"]);
    expect(await messages({ dataset: "calendario" })).toEqual(["before", "made", "steers"]);
    expect(await messages({ since: "2025-08-29T21:03" })).toEqual(["made", "expired", "steers"]);
    expect(await messages({ since: "2025-08-29T21:03", lines: "1" })).toEqual(["steers"]);
    expect((await once(where, { since: "10m" })).says).toEqual([expect.stringContaining("Next: pregao status")]);
  });

  test("is given with --json as it stands in the file, but for lines that a kill tore", async () => {
    const torn = place();
    log(torn, line(1, "whole"), '{"timestamp":"2025', line(2, "after"));
    const { texts, says } = await once(torn, {}, true);
    expect(texts).toEqual([line(1, "whole"), line(2, "after")]);
    expect(says).toEqual([expect.stringContaining("left out: 1 lines")]);
    expect((await once(torn)).texts).toEqual([
      expect.stringContaining("whole"),
      '{"timestamp":"2025',
      expect.stringContaining("after"),
    ]);
  });

  test("is found from its end, over blocks, long lines and letters that a block cuts", () => {
    const long = place();
    const messages = Array.from({ length: 300 }, (_, i) => `${i} ${"ção€😀".repeat(i === 150 ? 30_000 : i)}`);
    log(long, ...messages.map((text) => line(1, text)));
    appendFileSync(join(long, "log.ndjson"), '{"not":"whole');
    const read = [...backwards(long, endOf(long))].map(({ entry }) => entry?.message);
    expect(read.reverse()).toEqual(messages);
  });
});

describe("what comes", () => {
  test("is shown as soon as its line is whole, and what was there is not shown twice", async () => {
    const where = place();
    log(where, line(1, "there"));
    const river = follow(where);
    await river.sees("there");
    const text = line(2, "in two halves");
    appendFileSync(join(where, "log.ndjson"), text.slice(0, 40));
    log(where, `${text.slice(40)}\n${line(3, "the next")}`);
    await river.sees("the next");
    await river.end();
    expect(river.texts.map((t) => t.slice(43))).toEqual(["there", "in two halves", "the next"]);
  });

  test("is followed over the renaming of a log that grew large, without a line lost or doubled", async () => {
    const where = place();
    log(where, line(1, "there"));
    const river = follow(where, {}, true);
    await river.sees("there");
    log(where, line(2, "the last of the old"));
    renameSync(join(where, "log.ndjson"), join(where, "log.1.ndjson"));
    log(where, line(3, "the first of the new"));
    await river.sees("the first of the new");
    log(where, line(4, "more"));
    await river.sees("more");
    await river.end();
    expect(river.texts.map((t) => (JSON.parse(t) as { message: string }).message)).toEqual([
      "there",
      "the last of the old",
      "the first of the new",
      "more",
    ]);
  });

  test("is waited for where there is no log or no directory yet, and after a reset, and it says so", async () => {
    const where = join(place(), "deep", "down");
    const river = follow(where);
    expect(river.says).toEqual([expect.stringMatching(/there is no log in .*down yet; waiting.*pregao up/)]);
    mkdirSync(where, { recursive: true });
    log(where, line(1, "a river that started later"));
    await river.sees("started later");
    rmSync(where, { recursive: true });
    expect(existsSync(where)).toBe(false);
    mkdirSync(where, { recursive: true });
    log(where, line(2, "made anew"));
    await river.sees("made anew");
    await river.end();
    expect(river.texts).toHaveLength(2);
  });

  test("is asked for by level and dataset, too, and ends after its time", async () => {
    const where = place();
    log(where, line(1, "there"));
    const river = follow(where, { level: "WARN", dataset: "bovespa", for: "2", lines: "0" });
    log(
      where,
      line(2, "too low"),
      line(3, "of another", { level: "WARN", metadata: { dataset: "calendario" } }),
      line(4, "wanted", { level: "ERROR", metadata: { dataset: "bovespa" } }),
    );
    await river.sees("wanted");
    await river.done;
    expect(river.texts).toHaveLength(1);
  });

  test("ends when nobody reads any more", async () => {
    const where = place();
    log(where, line(1, "one"), line(2, "two"));
    const given: string[] = [];
    const output = { ...silent(), json: false };
    await tail(where, output, wanted({}, Date.now()), new AbortController().signal, async (text) => {
      given.push(text);
      return false;
    });
    expect(given).toHaveLength(1);
  });
});

describe("the command", () => {
  test("follows a river that starts later, through Ctrl-C, with exit status 0", async () => {
    const state = join(dir, "late");
    let stop = () => {};
    let seen: (text: string) => void = () => {};
    const line = new Promise<string>((resolve) => {
      seen = resolve;
    });
    let waiting: () => void = () => {};
    const waits = new Promise<void>((resolve) => {
      waiting = resolve;
    });
    const ended: Promise<Ended> = pregao(["tail", "--json", "--state", state], {
      watch: (child, { out, err }) => {
        stop = () => child.kill("SIGINT");
        if (err.includes("waiting for a river")) waiting();
        if (out.includes("\n")) seen(out);
      },
    });
    await waits;
    const river = await up(state);
    const first = (await line).split("\n")[0] ?? "";
    expect(JSON.parse(first)).toMatchObject({ level: expect.any(String), component: expect.any(String) });
    await river.stop();
    stop();
    const { status, out } = await ended;
    expect(status).toBe(0);
    for (const text of out.trim().split("\n")) expect(JSON.parse(text)).toHaveProperty("timestamp");
    const again = await pregao(["tail", "--once", "-n", "3", "--state", state]);
    expect(again.status).toBe(0);
    expect(again.out.trim().split("\n")).toHaveLength(3);
    expect(existsSync(join(state, "log.ndjson"))).toBe(true);
  });

  test("refuses what it cannot do, by name, and starts nothing", async () => {
    const state = join(dir, "none");
    const wrong = async (...args: string[]) => {
      const { status, err } = await pregao(["tail", "--state", state, "--once", ...args]);
      expect(err).not.toMatch(stackTrace);
      return [status, err] as const;
    };
    expect(await wrong("--level", "LOUD")).toEqual([2, expect.stringMatching(/expected --level DEBUG, INFO, WARN/)]);
    expect(await wrong("--since", "yesterday")).toEqual([2, expect.stringMatching(/expected --since as an age/)]);
    expect(await wrong("--for", "1")).toEqual([2, expect.stringMatching(/came both/)]);
    expect(await wrong("--lines", "-1")).toEqual([2, expect.stringMatching(/expected --lines with a whole number/)]);
    expect(await wrong("--dataset", "nobody")).toEqual([2, expect.stringMatching(/expected a dataset/)]);
    expect(await wrong("--stage", "prod")).toEqual([2, expect.stringMatching(/expected --stage prod without --state/)]);
    expect(await wrong()).toEqual([0, expect.stringMatching(/there is no log in/)]);
    expect(existsSync(state)).toBe(false);
  });
});
