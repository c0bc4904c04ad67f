import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { document, folder, pregao, stackTrace } from "./command.ts";

const { dir, remove } = folder();
afterAll(remove);
const own = (name: string, text: string) => {
  writeFileSync(join(dir, name), text);
  return join(dir, name);
};

/** A few at once: each is a process, and none needs a river. */
const all = async <T, R>(cases: readonly T[], run: (one: T) => Promise<R>): Promise<R[]> => {
  const results: R[] = [];
  for (let at = 0; at < cases.length; at += 4) results.push(...(await Promise.all(cases.slice(at, at + 4).map(run))));
  return results;
};

describe("help", () => {
  test("every screen of it says what is expected and ends with a next command", async () => {
    const verbs = [
      "",
      "demo",
      "up",
      "reset",
      "ingest",
      "publish",
      "dlq",
      "dlq list",
      "dlq show",
      "dlq replay",
      "query",
      "gaps",
      "refine",
      "pause",
      "resume",
      "accept",
      "status",
      "datasets",
      "schema",
    ];
    const screens = await all(verbs, (verb) => pregao([...verb.split(" ").filter(Boolean), "--help"]));
    for (const { status, out } of screens) {
      expect(status).toBe(0);
      expect(out).toContain("--state <dir>");
      expect(out.trim().split("\n").at(-1)).toMatch(/^Next: pregao /);
    }
    expect((await pregao(["--version"])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("a command that needs no river loads neither the SDK nor DuckDB", async () => {
    const hook = `import { registerHooks } from "node:module"; registerHooks({ load(url, context, next) { process.stderr.write(url + "\\n"); return next(url, context); } });`;
    const loaded = await pregao(["schema", "bovespa"], {
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` },
    });
    expect(loaded.status).toBe(0);
    expect(loaded.err).toContain("packages/cli/schema.ts");
    expect(
      loaded.err.split("\n").filter((url) => /@aws-sdk|@smithy|@duckdb|apache-arrow|packages\/local/.test(url)),
    ).toEqual([]);
  });
});

describe("wrong usage", () => {
  const binary = own("binary", "\u0000\u0001PK");
  const listed = own("list.ndjson", '{"codneg":"X"}\n\n[1]\n');
  /** What came, and what its message must name. */
  const cases: [string[], RegExp][] = [
    [[], /Usage: pregao/],
    [["frobnicate"], /unknown command 'frobnicate'/],
    [["datasets", "extra"], /too many arguments/],
    [["verify", "--yes"], /expected --yes with --repair/],
    [["dlq", "list", "bovespa", "--since", "2024-02-30"], /expected --since as an age .*, came 2024-02-30/],
    [["gaps", "calendario"], /expected a dataset with sessions, came calendario/],
    [["gaps", "--from", "2024-02-30"], /expected --from YYYY-MM-DD, came "2024-02-30"/],
    [["status", "--nonsense"], /unknown option '--nonsense'/],
    [["status", "--state", ""], /Expected a folder/],
    [["schema", "nope"], /expected a dataset \(bovespa, calendario, carteira\), came nope/],
    [["dlq"], /Usage: pregao dlq/],
    [["dlq", "list", "nope"], /expected a dataset \(bovespa, calendario, carteira, landed\), came nope/],
    [["dlq", "list", "calendario"], /expected a dataset with a queue \(bovespa, carteira, landed\), came calendario/],
    [["dlq", "show", "bovespa", "--limit", "0"], /--limit N with a whole N above 0, came 0/],
    [["dlq", "replay", "bovespa", "--patch", "nope=1"], /--patch FIELD=VALUE with a FIELD of datpre, .*came nope=1/],
    [["dlq", "replay", "bovespa", "--patch", "toString=1"], /came toString=1/],
    [
      ["dlq", "replay", "bovespa", "--patch", "preult=1,2"],
      /preult: expected up to 11 digits and exactly 2 decimals; came 1,2/,
    ],
    [["publish", "calendario"], /expected a dataset with a queue \(bovespa, carteira\), came calendario/],
    [["publish", "bovespa", "--count", "x"], /whole N from 1 to 5000, came x/],
    [["publish", "bovespa", "--count", "5000", "--session", "1991-01-02"], /sessions from 1990-01-01 to 1991-01-02/],
    [
      ["publish", "bovespa", "--session", "2024-02-30"],
      /YYYY-MM-DD, a day from 1990-01-01 to today, .*came 2024-02-30/,
    ],
    [["publish", "bovespa", "--session", "2999-01-01"], /came 2999-01-01/],
    [["publish", "bovespa", "--ticker", "LONGER THAN TWELVE"], /--ticker "LONGER THAN TWELVE": codneg/],
    [["publish", "bovespa", "--file", "x", "--invalid"], /expected --file alone, came --invalid too/],
    [["ingest", "bovespa", "--session", "17/11/2023"], /expected --session with YYYY-MM-DD, .*; came 17\/11\/2023/],
    [
      ["ingest", "bovespa", "--session", "2023-11-15"],
      /2023-11-15 is no day of trading\. .* 2023-11-14 and 2023-11-16/,
    ],
    [["ingest", "--file", "x"], /expected one dataset with --file, came none/],
    [["ingest", "bovespa", "--mirror", "nonsense"], /starts with http/],
    [["ingest", "bovespa", "--url", "nonsense"], /starts with http/],
    [["ingest", "calendario", "--file", "x"], /came calendario: it is computed/],
    [["refine", "nope"], /expected a dataset \(bovespa, calendario, carteira\), came nope/],
    [["refine", "bovespa", "--unit", "2024"], /expected --unit with --rebuild/],
    [["refine", "bovespa", "--rebuild", "--retry-held"], /came both/],
    [["pause", "bovespa", "--why", "x".repeat(1001)], /at most 1000 characters, came 1001/],
    [["accept", "bovespa"], /expected --law LAW/],
    [["up", "--port", "70000"], /a port from 0 to 65535/],
    [["query"], /expected a statement, came none/],
    [["query", "-"], /standard input is empty/],
    [["query", "SELECT 1", "-f", "x"], /came both/],
    [["query", "SELECT 1", "--format", "xml"], /Allowed choices are table, csv, json, arrow, parquet/],
    [["query", "SELECT 1", "--format", "parquet"], /expected -o FILE/],
    [["query", "SELECT 1", "--reuse", "8d"], /--reuse with an age of 1m to 7d .*, came 8d/],
    [["query", "SELECT 1", "--reuse", "10"], /came 10/],
    [["reset", "--stage", "prod", "--yes"], /expected reset without --stage prod/],
    [["status", "--stage", "Prod"], /expected --stage with lower-case letters/],
    [["query", "SELECT 1", "-o", dir], /is a folder/],
    [["query", "SELECT 1", "-o", join(dir, "none", "x")], /folder that exists/],
  ];
  const failing: [string[], RegExp][] = [
    [["publish", "bovespa", "--file", join(dir, "none")], /expected a file of records at .*, there is none/],
    [["publish", "bovespa", "--file", dir], /there is a folder/],
    [["publish", "bovespa", "--file", binary], /line 1: expected one JSON object a line/],
    [["publish", "bovespa", "--file", listed], /line 3: expected a JSON object, came \[1\]; nothing was sent/],
    [["ingest", "bovespa", "--file", join(dir, "none")], /expected a file at/],
    [["ingest", "bovespa", "--file", dir], /expected a file at/],
    [["query", "-f", join(dir, "none")], /there is none/],
    [["query", "-f", dir], /there is a folder/],
  ];

  test("says what was expected and what came, exits with 2, and starts and makes nothing", async () => {
    const cwd = folder();
    const ends = await all(cases, ([args]) => pregao(args, { cwd: cwd.dir }));
    for (const [i, [args, says]] of cases.entries()) {
      const { status, out, err } = ends[i]!;
      expect([args, status, out]).toEqual([args, 2, ""]);
      expect(err).toMatch(says);
      expect(err).not.toMatch(stackTrace);
    }
    expect(readdirSync(cwd.dir)).toEqual([]);
    cwd.remove();
  });

  test("what cannot be found or read exits with 1, and starts and makes nothing", async () => {
    const cwd = folder();
    const ends = await all(failing, ([args]) => pregao(args, { cwd: cwd.dir }));
    for (const [i, [args, says]] of failing.entries()) {
      const { status, out, err } = ends[i]!;
      expect([args, status, out]).toEqual([args, 1, ""]);
      expect(err).toMatch(says);
      expect(err).not.toMatch(stackTrace);
    }
    expect(existsSync(join(cwd.dir, ".pregao"))).toBe(false);
    cwd.remove();
  });

  test("with --json, before the verb or after it, it is one document on standard output", async () => {
    const some = [...cases, ...failing].filter((_, i) => i % 4 === 0);
    const ends = await all(some, ([args]) => pregao(["--json", ...args]));
    ends.push(
      await pregao(["schema", "nope", "--json"]),
      await pregao(["query", "SELECT 1", "--format", "csv", "--json"]),
    );
    for (const ended of ends) {
      const { error, message } = document(ended);
      expect(error).toMatch(/^[a-z_]+$/);
      expect(message).toMatch(/expected|unknown|invalid|too many/i);
      expect(ended.status).toBeGreaterThan(0);
    }
  });

  test("file names and values of others do not steer the terminal", async () => {
    const { err } = await pregao(["query", "-f", "none\u001b[31m\u202e"]);
    expect(err).toContain("none·[31m·");
  });
});
