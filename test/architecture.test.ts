import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");

/** Who may import whom: docs/architecture.md's table, which is the design's. `node` stands for Node's own modules. */
const rules: Record<string, { areas: string[]; libraries: string[]; node: boolean }> = {
  "packages/core": { areas: [], libraries: ["zod"], node: false },
  "packages/trino": { areas: [], libraries: [], node: false },
  "packages/datasets": { areas: ["packages/core"], libraries: ["cheerio", "yauzl", "zod"], node: false },
  "packages/aws": {
    areas: ["packages/core"],
    libraries: ["@aws-sdk/*", "p-queue", "hyparquet", "hyparquet-compressors"],
    node: true,
  },
  "packages/web": { areas: ["packages/core"], libraries: ["p-queue"], node: true },
  "packages/engines": { areas: ["packages/core"], libraries: ["@duckdb/node-api"], node: true },
  "packages/local": {
    areas: ["packages/core", "packages/aws", "packages/engines", "packages/trino"],
    libraries: ["croner", "p-queue", "zod"],
    node: true,
  },
  functions: {
    areas: ["packages/core", "packages/aws", "packages/web", "packages/datasets"],
    libraries: ["aws-lambda"],
    node: true,
  },
  "packages/cli": {
    areas: [
      "packages/core",
      "packages/aws",
      "packages/web",
      "packages/datasets",
      "packages/engines",
      "packages/local",
      "packages/trino",
      "functions",
    ],
    libraries: ["apache-arrow", "cli-progress", "commander", "@inquirer/confirm"],
    node: true,
  },
  stacks: { areas: ["packages/core", "packages/datasets"], libraries: ["zod"], node: true },
};

/** Node's modules that are pure computation, allowed where Node is not: they touch no file, clock or network. */
const pureNode: Record<string, string[]> = {
  "packages/datasets": ["node:zlib", "node:stream", "node:buffer", "node:crypto"],
};

const sources = (area: string): string[] =>
  readdirSync(join(root, area), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(root, area, file));

const importsOf = (file: string): string[] =>
  [
    ...readFileSync(file, "utf8").matchAll(
      /(?:^import\b[^"';]*?|^export\b[^"';]*?\bfrom\s*|\bimport\(\s*)["']([^"']+)["']/gm,
    ),
  ].map((m) => m[1]!);

const areaOf = (path: string): string | undefined =>
  Object.keys(rules).find((area) => relative(root, path).startsWith(`${area}/`));

test("every import follows the table of who may import whom", () => {
  const broken: string[] = [];
  for (const [area, rule] of Object.entries(rules))
    for (const file of sources(area))
      for (const name of importsOf(file)) {
        const where = `${relative(root, file)} imports ${name}`;
        if (name.startsWith(".")) {
          const target = areaOf(resolve(dirname(file), name));
          if (target !== area && !rule.areas.includes(target ?? "")) broken.push(where);
        } else if (name.startsWith("node:")) {
          if (!rule.node && !pureNode[area]?.includes(name)) broken.push(where);
        } else if (
          !rule.libraries.some((library) =>
            library.endsWith("/*")
              ? name.startsWith(library.slice(0, -1))
              : name === library || name.startsWith(`${library}/`),
          )
        ) {
          broken.push(where);
        }
      }
  expect(broken).toEqual([]);
});

test("DuckDB is opened in one place", () => {
  const openers = Object.keys(rules)
    .flatMap(sources)
    .filter((file) => /DuckDBInstance\.(create|fromCache)/.test(readFileSync(file, "utf8")))
    .map((file) => relative(root, file));
  expect(openers).toEqual(["packages/engines/duckdb/session.ts"]);
});

test("core and trino know no clock, no randomness and no environment", () => {
  const impure = ["packages/core", "packages/trino"]
    .flatMap(sources)
    .filter((file) =>
      /\bDate\.now\(|new Date\(\)|Math\.random\(|process\.env|\bfetch\(/.test(readFileSync(file, "utf8")),
    )
    .map((file) => relative(root, file));
  expect(impure).toEqual([]);
});

test("nothing outside packages/datasets names a dataset", () => {
  const names = readdirSync(join(root, "packages/datasets"), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
  const naming = [
    "packages/core",
    "packages/aws",
    "packages/web",
    "packages/engines",
    "packages/trino",
    "packages/local",
    "functions",
    "stacks",
  ]
    .flatMap(sources)
    .filter((file) => {
      const code = readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
      return names.some((name) => new RegExp(`["'\`]${name}\\b`).test(code));
    })
    .map((file) => relative(root, file));
  expect(naming).toEqual([]);
});

test("no file outgrows an afternoon's reading", () => {
  const long = Object.keys(rules)
    .flatMap(sources)
    .map((file) => ({ file: relative(root, file), lines: readFileSync(file, "utf8").split("\n").length }))
    .filter(({ lines }) => lines > 600);
  expect(long).toEqual([]);
});

test("nobody but packages/web asks the internet, and nobody takes an answer without verifying TLS", () => {
  const asking = Object.keys(rules)
    .filter((area) => !["packages/web", "packages/local"].includes(area))
    .flatMap(sources)
    // The local river may be asked how it is.
    .filter((file) => /\bfetch\((?!`\$\{aws\.endpoint\})|\bhttps?\.(get|request)\(/.test(readFileSync(file, "utf8")))
    .map((file) => relative(root, file));
  expect(asking).toEqual([]);
  const blind = Object.keys(rules)
    .flatMap(sources)
    .filter((file) => /rejectUnauthorized: false|NODE_TLS_REJECT_UNAUTHORIZED/.test(readFileSync(file, "utf8")))
    .map((file) => relative(root, file));
  // A look at a certificate, over which nothing is asked or told: test/web/issuers.test.ts.
  expect(blind).toEqual(["packages/web/issuers.ts"]);
});
