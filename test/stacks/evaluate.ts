/**
 * Evaluates the real sst.config.ts with SST's real platform, as `sst deploy` does, under Pulumi's mocks: offline, and in
 * a process of its own, since SST keeps what it made in globals. Prints what would be deployed as one JSON document.
 *
 *   node test/stacks/evaluate.ts dev > graph.json      the stage dev, with the settings that are in the environment
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { ACCOUNT, answerOf, REGION, stateOf } from "./aws.ts";
import { platform, root } from "./places.ts";

/**
 * `retained`: it stays on AWS when the stage goes. `after`: the names of what must be there first, though it is no input.
 * `from`: the names of what its inputs are made of, which is there before, too.
 */
export type Resource = {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  id: string;
  retained: boolean;
  after: string[];
  from: string[];
};
/** Resources as Pulumi would register them, inputs resolved; and SST's `app` of this stage. */
export type Evaluated = { app: Record<string, unknown>; resources: Resource[]; outputs: unknown };

type Register = { type: string; name: string; inputs: Record<string, unknown>; custom?: boolean };
type Options = { retainOnDelete?: boolean; dependsOn?: unknown };
type Runtime = {
  registerStackTransformation: (
    of: (made: { type: string; name: string; props: unknown; opts: Options }) => undefined,
  ) => void;
  setMocks: (mocks: object, project: string, stack: string, preview: boolean) => Promise<void>;
  runInPulumiStack: (init: () => Promise<unknown>) => Promise<unknown>;
  disconnect: () => Promise<void>;
};
type Bundle = {
  config: { app: (input: { stage: string }) => Record<string, unknown>; run: () => Promise<unknown> };
  load: () => Promise<(program: () => Promise<unknown>) => Promise<unknown>>;
  runtime: Runtime;
  /** Values of outputs: those of the stack. */
  resolve: (value: unknown) => Promise<unknown>;
  /** Names of the resources of which a value is made. */
  sources: (value: unknown) => Promise<string[]>;
};

/** Pulumi's mark on a value that only its state file hides. */
const SECRET = "4dabf18193072939515e22adb298388d";
const opened = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== "object" || value === null) return value;
  if (SECRET in value) return opened((value as Record<string, unknown>).value);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, opened(one)]));
};
const listOf = (value: unknown): { __name?: string }[] =>
  (Array.isArray(value) ? value : [value]).filter((one) => typeof one === "object" && one !== null);

/** Where SST's own server, which builds functions and keeps its assets, would answer. */
const sstServer = async (workDir: string): Promise<{ url: string; close: () => void }> => {
  const answers: Record<string, unknown> = {
    "Provider.Aws.Bootstrap": { asset: "sst-asset", assetEcrRegistryId: ACCOUNT, assetEcrUrl: "", state: "sst-state" },
    "Runtime.Build": { handler: "bundle.handler", out: workDir, errors: [], sourcemaps: [] },
  };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      const { method } = JSON.parse(body) as { method: string };
      const result = answers[method];
      response.end(JSON.stringify(result ? { result } : { error: `rpc: can't find method ${method}` }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
};

/** A file of the repository as it would be with one text in it changed: see broken.ts. */
export type Break = { file: string; from: string; to: string };

const broken = ({ file, from, to }: Break): Plugin => ({
  name: "broken",
  setup: ({ onLoad }) => {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (path !== join(root, file)) return undefined;
      const parts = readFileSync(path, "utf8").split(from);
      if (parts.length !== 2) throw new Error(`expected ${JSON.stringify(from)} once in ${file}`);
      return { contents: parts.join(to), loader: "ts" };
    });
  },
});

const breaks = (): Plugin[] =>
  process.env.STACKS_BREAK ? [broken(JSON.parse(process.env.STACKS_BREAK) as Break)] : [];

/** Of sst.config.ts with the platform; what comes from packages is found from where the platform is. */
const bundle = async (file: string): Promise<void> => {
  await build({
    stdin: {
      contents: `
        import * as pulumiAws from "@pulumi/aws";
        import * as pulumi from "@pulumi/pulumi";
        import * as runtime from "@pulumi/pulumi/runtime/index.js";
        import config from "${root}/sst.config.ts";
        globalThis.aws = pulumiAws;
        // The components read what the app is when they load.
        const load = async () => {
          globalThis.sst = await import("${platform}/src/components/index");
          return (await import("${platform}/src/auto/run")).run;
        };
        const resolve = (value) => new Promise((done) => pulumi.output(value).apply(done));
        const sources = async (value) => [...(await pulumi.output(value).allResources())].map((one) => one.__name);
        export { config, load, resolve, runtime, sources };`,
      resolveDir: root,
      loader: "ts",
    },
    outfile: file,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    plugins: breaks(),
    inject: [join(platform, "src/shim/run.js")],
    define: { $app: "globalThis.pregaoApp", $cli: "globalThis.pregaoCli", $dev: "false" },
    banner: {
      js: `import { createRequire as requireFrom } from "node:module";
const require = requireFrom(import.meta.url);
const __dirname = import.meta.dirname;
const __filename = import.meta.filename;`,
    },
    logLevel: "error",
  });
};

/** @throws what sst.config.ts throws */
const evaluate = async (stage: string): Promise<Evaluated> => {
  const work = join(root, ".sst", `evaluate-${process.pid}`);
  const file = join(platform, `evaluate-${process.pid}.mjs`);
  mkdirSync(work, { recursive: true });
  writeFileSync(join(work, "bundle.mjs"), "export const handler = () => undefined;\n");
  const server = await sstServer(work);
  try {
    await bundle(file);
    process.env.SST_SERVER = server.url;
    process.env.SST_AWS_REGION = REGION;
    const globals = globalThis as Record<string, unknown>;
    globals.pregaoCli = { command: "deploy", dev: false, paths: { root, work, platform, home: work }, env: {} };
    const { config, load, runtime, resolve, sources } = (await import(pathToFileURL(file).href)) as Bundle;
    const app: Record<string, unknown> = { stage, ...config.app({ stage }) };
    globals.pregaoApp = app;
    const run = await load();
    const resources: Resource[] = [];
    const asked = new Map<string, Options & { from: Promise<string[]> }>();
    await runtime.setMocks(
      {
        newResource: async (made: Register) => {
          const { id, state } = stateOf(made);
          const opts = asked.get(`${made.type} ${made.name}`);
          resources.push({
            ...{ type: made.type, name: made.name, inputs: opened(made.inputs) as Record<string, unknown>, id },
            retained: opts?.retainOnDelete ?? false,
            after: listOf(opts?.dependsOn).flatMap((one) => one.__name ?? []),
            from: (await opts?.from) ?? [],
          });
          return { id, state };
        },
        call: ({ token, inputs }: { token: string; inputs: Record<string, unknown> }) => answerOf(token, inputs),
      },
      "pregao",
      stage,
      false,
    );
    let outputs: unknown;
    await runtime.runInPulumiStack(async () => {
      outputs = await run(() => {
        // After SST's own, so that it sees what they made of the options.
        runtime.registerStackTransformation(({ type, name, props, opts }) => {
          asked.set(`${type} ${name}`, { ...opts, from: sources(props) });
          return undefined;
        });
        return config.run();
      });
      return outputs;
    });
    await runtime.disconnect();
    return { app, resources, outputs: await resolve(outputs) };
  } finally {
    server.close();
    rmSync(file, { force: true });
    rmSync(work, { recursive: true, force: true });
  }
};

const evaluated = await evaluate(process.argv[2] ?? "dev");
process.stdout.write(JSON.stringify(evaluated), () => process.exit(0));
