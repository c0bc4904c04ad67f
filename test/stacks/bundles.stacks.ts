import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { builtinModules } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { digest } from "../../functions/river.ts";
import { type Aws, connect } from "../../packages/aws/index.ts";
import { all } from "../../packages/aws/queries.ts";
import { send } from "../../packages/aws/queues.ts";
import { getJson, head, list, put } from "../../packages/aws/store.ts";
import { recipeOf } from "../../packages/core/recipe.ts";
import { assetKey, recipeKey } from "../../packages/core/run.ts";
import type { Topology } from "../../packages/core/topology.ts";
import { catalogueOf } from "../../packages/datasets/index.ts";
import { refineJob } from "../../packages/engines/duckdb/job.ts";
import { type Stack, start } from "../../packages/local/index.ts";
import { translate } from "../../packages/trino/index.ts";
import { csv, newest } from "../origin/portfolios.ts";
import { peek } from "../peek.ts";
import { cotahist } from "../synthetic.ts";
import { type Bundled, bundle, layOut, ownInputs } from "./bundle.ts";
import { type Declared, declared } from "./declared.ts";
import { root } from "./places.ts";

/** Lambda takes 250 MB unpacked; but every cold start reads it all, and twice today's size is an accident. */
const MOST = { bytes: 5_000_000, zipped: 1_100_000 };

/** Nothing of the repository, above all no node_modules, lies on the way up from here. */
const bare = mkdtempSync(join(tmpdir(), "pregao-bundles-"));
const state = mkdtempSync(join(tmpdir(), "pregao-bundles-state-"));
let river: Declared;
let bundles: Map<string, Bundled>;
let lines: Record<string, unknown>[];
let stack: Stack;
let aws: Aws;

beforeAll(async () => {
  river = await declared("intraday");
  const { topology, stage } = river;
  const made = topology.functions.map(async (spec) => [spec.name, await bundle(spec, bare)] as const);
  bundles = new Map(await Promise.all(made));
  for (const spec of topology.functions) layOut(bare, spec);
  lines = [];
  // What a batch or a tick is waited for proves nothing here.
  const quick: Topology = {
    ...topology,
    clocks: [],
    mappings: topology.mappings.map((m) => ({ ...m, window: 0, batch: 10 })),
  };
  stack = await start(
    { topology: quick, root: new URL(`file://${bare}/`), engine: refineJob, translate },
    { dir: state, stage, onLog: (line) => void lines.push(line), retryDelays: [0, 0], graceMs: 0 },
  );
  aws = connect(stage, stack.env);
});
afterAll(async () => {
  aws?.close();
  await stack?.stop();
  for (const dir of [bare, state]) rmSync(dir, { recursive: true, force: true });
});

describe("a function's bundle", () => {
  test("imports what Lambda does not have: all but Node's own is inside", () => {
    const own = new Set(builtinModules);
    for (const [name, { imports }] of bundles)
      expect(
        imports.filter((path) => !own.has(path.replace(/^node:/, ""))),
        name,
      ).toEqual([]);
  });

  test("holds what only tests and laptops need: a devDependency, an engine, the local stack, the command", () => {
    const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
      packages: Record<string, { dev?: boolean }>;
    };
    for (const [name, { inputs }] of bundles) {
      const installed = inputs.filter((file) => file.startsWith("node_modules/"));
      const foreign = new Set(installed.map((file) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)![0]));
      expect(
        [...foreign].filter((at) => packages[at]?.dev !== undefined || !packages[at]),
        name,
      ).toEqual([]);
      expect(
        [...foreign].filter((at) => /duckdb|arrow|commander/.test(at)),
        name,
      ).toEqual([]);
      const outside = ownInputs({ inputs }).filter(
        (file) => !/^(functions|packages\/(core|aws|web|datasets))\//.test(file),
      );
      expect(outside, name).toEqual([]);
    }
  });

  test("grew beyond its bound", () => {
    const sizes = [...bundles].map(([name, { bytes, zipped }]) => ({ function: name, bytes, zipped }));
    console.table(sizes);
    for (const { bytes, zipped } of sizes) {
      expect(bytes).toBeLessThan(MOST.bytes);
      expect(zipped).toBeLessThan(MOST.zipped);
    }
  });

  test("does not load under the Lambdas' Node, alone, with nothing in its environment", async () => {
    for (let at = bare; dirname(at) !== at; at = dirname(at))
      expect(existsSync(join(at, "node_modules")), at).toBe(false);
    expect(process.version).toMatch(/^v24\./);
    for (const [name, { file }] of bundles) {
      const code = `const { handler } = await import(${JSON.stringify(file)}); console.log(typeof handler, handler.length)`;
      const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", code], {
        cwd: bare,
        env: {},
      });
      expect([stdout.trim(), stderr], name).toEqual(["function 2", ""]);
    }
  });
});

const invoke = async (name: string, event: object): Promise<unknown> => {
  const outcome = await stack.invoke(name, event);
  if (!outcome.ok) throw new Error(`${name}: ${outcome.error.errorType} ${outcome.error.errorMessage}`);
  await stack.idle();
  return JSON.parse(outcome.result) as unknown;
};
const ask = (sql: string) => all(aws, sql, catalogueOf(river.stage).find((d) => d.raw)!.database);

describe("the bundles in the river, by the stage's names and with the graph's environment", () => {
  const rows = 40;
  const file = cotahist({ sessions: ["2024-01-02", "2024-01-03"], perSession: rows / 2 });

  test("scrape, consume and advance do not bring a file's rows from a URL into tables that answer", async () => {
    const { variables } = river.graph.of("aws:lambda/function:Function")[0]!.inputs.environment as {
      variables: Record<string, string>;
    };
    // What the handlers ran with but for what stands for AWS itself.
    for (const [name, value] of Object.entries(variables)) expect(stack.env[name], name).toBe(value);
    const portfolio = Buffer.from(csv(newest), "latin1");
    const server = createServer((request, response) => response.end(request.url === "/IBOV.csv" ? portfolio : file));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const url = `${at}/COTAHIST_A2024.TXT`;
      expect(await invoke("scrape", { dataset: "bovespa", url })).toMatchObject({ rows, accepted: { rows } });
      const papers = newest.rows.length;
      expect(await invoke("scrape", { dataset: "carteira", url: `${at}/IBOV.csv` })).toMatchObject({ rows: papers });
      expect(await ask("SELECT count(*) AS n FROM carteira_refined")).toEqual([{ n: String(papers) }]);
    } finally {
      server.close();
    }
    const counted = await ask(
      "SELECT (SELECT count(*) FROM bovespa_raw) AS raw, (SELECT count(*) FROM bovespa_refined) + (SELECT count(*) FROM bovespa_derivativos) AS refined",
    );
    expect(counted).toEqual([{ raw: String(rows), refined: String(rows) }]);
    expect(lines.filter(({ level }) => level === "ERROR")).toEqual([]);
  });

  test("SQL and calendar are not those of this commit, or are not in the bundle at all", async () => {
    await invoke("advance", { datasets: catalogueOf(river.stage).map(({ name }) => name) });
    for (const dataset of catalogueOf(river.stage)) {
      const { recipe, assets } = recipeOf(dataset, digest);
      const stored = await getJson(aws, "state", recipeKey(dataset.name, digest(JSON.stringify(recipe))));
      expect(stored, dataset.name).toEqual(JSON.parse(JSON.stringify(recipe)));
      for (const [sha256, body] of assets)
        expect((await head(aws, "state", assetKey(sha256)))?.size, dataset.name).toBe(Buffer.byteLength(body));
    }
  });

  test("salvage does not turn what Firehose could not convert into dead letters", async () => {
    const rawData = Buffer.from('{"no":"row"}\n').toString("base64");
    const failure = {
      attemptsMade: 1,
      arrivalTimestamp: Date.now(),
      lastErrorCode: "DataFormatConversion.ParseError",
      lastErrorMessage: "Encountered malformed JSON.",
      attemptEndingTimestamp: Date.now(),
      rawData,
      sequenceNumber: "1",
    };
    await put(aws, "lake", "errors/bovespa/format-conversion-failed/x", `${JSON.stringify(failure)}\n`);
    await stack.idle();
    expect(await peek(aws, "bovespa-dlq", (messages) => messages.length)).toBe(1);
    await invoke("salvage", { datasets: ["bovespa"] });
    expect(await peek(aws, "bovespa-dlq", (messages) => messages.length)).toBe(1);
  });

  test("archive and clean do not go through what there is", async () => {
    await send(aws, "landed-dlq", [{ body: "a letter of today stays" }] as never);
    await invoke("archive", { boxes: ["bovespa", "landed"] });
    await invoke("clean", { datasets: catalogueOf(river.stage).map(({ name }) => name) });
    const files: string[] = [];
    for await (const { key } of list(aws, "lake", "refined/")) files.push(key);
    expect(files.length).toBeGreaterThan(0);
    expect(lines.filter(({ level }) => level === "ERROR")).toEqual([]);
  });

  test("a look for a session's file does not know the schedule", async () => {
    // Not called: on an evening it would ask the exchange itself.
    const { publication } = catalogueOf(river.stage).find((d) => d.raw)!.raw!;
    const [download] = publication!.downloads(["2024-11-08"], []);
    const { host } = new URL(publication!.next(download!, [])!.url);
    expect(readFileSync(bundles.get("scrape")!.file, "utf8").includes(host)).toBe(true);
  });
});
