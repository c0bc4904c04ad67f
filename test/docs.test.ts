import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { type Cost, VERSION_DAYS } from "../packages/cli/cost/index.ts";
import { commands } from "../packages/cli/index.ts";
import { openOutput } from "../packages/cli/output.ts";
import { ASSUMED } from "../packages/core/cost.ts";
import { AS_OF } from "../packages/core/prices.ts";
import type { Stage } from "../packages/core/stage.ts";
import { SCANNED_BYTES, topology } from "../packages/core/topology.ts";
import { catalogueOf } from "../packages/datasets/index.ts";
import { grants } from "../stacks/permissions.ts";
import { document, pregao } from "./cli/command.ts";

const root = resolve(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const pages = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter((p) =>
  p.endsWith(".md"),
);
const deploy = read("docs/deploy.md");
const security = read("docs/security.md");

/** What a page writes as code: blocks and spans. A span may go over a line's end. */
const codeOf = (page: string): string[] => {
  const blocks = [...page.matchAll(/^```[^\n]*\n(.*?)^```/gms)].map((m) => m[1]!);
  const rest = page.replace(/^```[^\n]*\n.*?^```/gms, "");
  return [
    ...blocks.flatMap((block) => block.split("\n")),
    ...[...rest.matchAll(/`([^`]+)`/g)].map((m) => m[1]!.replace(/\s+/g, " ")),
  ];
};

/** The first column of a page's tables, where it is code. */
const namesIn = (page: string): string[] => [...page.matchAll(/^\| `([\w-]+)` \|/gm)].map((m) => m[1]!);

/** Each verb by its whole name, with the options that it has. */
const verbs = new Map<string, ReadonlySet<string>>();
const learn = (command: Command, before: string[] = []): void => {
  for (const one of command.commands) {
    const name = [...before, one.name()];
    verbs.set(name.join(" "), new Set(one.options.map(({ long }) => long ?? "")));
    learn(one, name);
  }
};
learn(commands(openOutput(false)));

describe("commands", () => {
  /** Verb and options of each `pregao …` in a page's code. Placeholders and shells' own words are no verbs of ours. */
  const commandsIn = (path: string): { path: string; text: string; words: string[]; options: string[] }[] =>
    codeOf(read(path)).flatMap((code) =>
      code.split(/&&|\bthen\b|;|#/).flatMap((part) => {
        const text = /\bpregao ((?:[a-z-]|--[a-z]).*)$/.exec(part)?.[1];
        if (text === undefined) return [];
        const plain = text.replace(/"[^"]*"|'[^']*'/g, "");
        const words = plain.split(/\s+/).filter(Boolean);
        return [
          {
            path,
            text,
            words: words.filter((word) => !word.startsWith("-")),
            options: plain.match(/--[a-z][a-z-]*/g) ?? [],
          },
        ];
      }),
    );

  test("every command that a page shows is one, with options that it has", () => {
    const all = pages.flatMap(commandsIn);
    expect(all.length).toBeGreaterThan(50);
    const wrong = all.filter(({ words: [first = "", second = ""], options }) => {
      const parent = [...verbs.keys()].some((words) => words.startsWith(`${first} `));
      const verb = verbs.get(parent && second !== "" ? `${first} ${second}` : first);
      return !verb || !options.every((option) => verb.has(option) || option === "--help");
    });
    expect(wrong.map(({ path, text }) => `${path}: pregao ${text}`)).toEqual([]);
  });

  test("the way from an empty account to the first query is told in order", () => {
    const way = [
      "npx sst deploy --stage dev",
      "pregao doctor --stage dev",
      "pregao ingest bovespa --stage dev",
      "pregao query --stage dev",
    ];
    const at = way.map((command) => deploy.indexOf(command));
    expect(at.every((n) => n > 0)).toBe(true);
    expect(at).toEqual([...at].sort((a, b) => a - b));
    const file = /--file (packages\S+)/.exec(deploy)?.[1];
    expect(existsSync(join(root, file!))).toBe(true);
  });

  test("npm's scripts that a page names are there", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const named = pages.flatMap((path) =>
      codeOf(read(path)).flatMap((code) => [...code.matchAll(/\bnpm run ([\w:]+)/g)].map((m) => m[1]!)),
    );
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe("deploy.md and security.md", () => {
  test("both say that nothing was ever run on AWS, before anything else", () => {
    for (const page of [deploy, security])
      expect(page.split("\n\n")[1]).toMatch(/^\*\*Nothing here was ever run against a real AWS account\.\*\*/);
  });

  test("every setting of a stage is documented, and none that is no setting", () => {
    const settings = [
      ...new Set(`${read("stacks/settings.ts")}${read("sst.config.ts")}`.match(/\bPREGAO_[A-Z_]+\b/g)),
    ].sort();
    expect(settings).toContain("PREGAO_PACE");
    expect(
      namesIn(deploy)
        .filter((name) => name.startsWith("PREGAO_"))
        .sort(),
    ).toEqual(settings);
  });

  test("every role is in the table of roles, and none that nobody has", () => {
    const stage: Stage = { name: "dev", account: "111122223333", region: "sa-east-1", pace: "daily", layouts: {} };
    const roles = Object.keys(
      grants(stage, topology(catalogueOf(stage), stage.pace), "arn:aws:kms:sa-east-1:111122223333:key/0"),
    );
    const table = security.slice(security.indexOf("## Roles"), security.indexOf("## Encryption"));
    expect(namesIn(table).sort()).toEqual(roles.sort());
  });

  test("the deploy role's policy and its trust are JSON, of one environment, and no service of the stacks is forgotten", () => {
    const block = (name: string) =>
      JSON.parse(new RegExp(`^\`\`\`json ${name}\\n(.*?)^\`\`\``, "ms").exec(deploy)![1]!) as {
        Statement: {
          Action: string | string[];
          Resource?: string | string[];
          Condition?: Record<string, Record<string, string>>;
        }[];
      };
    const [trust] = block("trust").Statement;
    expect(Object.keys(trust!.Condition!)).toEqual(["StringEquals"]);
    const sub = trust!.Condition!.StringEquals!["token.actions.githubusercontent.com:sub"];
    expect(sub).toMatch(/^repo:[^*]+:environment:production$/);

    const policy = block("deploy").Statement;
    const allowed = new Set(policy.flatMap(({ Action }) => [Action].flat()).map((action) => action.split(":")[0]));
    /** Pulumi's modules as IAM's prefixes. */
    const services: Record<string, string[]> = { kinesis: ["firehose"], cloudwatch: ["cloudwatch", "logs", "events"] };
    const used = new Set(
      readdirSync(join(root, "stacks")).flatMap((file) =>
        [...read(`stacks/${file}`).matchAll(/new aws\.(\w+)\./g)].map((m) => m[1]!),
      ),
    );
    expect(used.size).toBeGreaterThan(8);
    expect([...used].flatMap((name) => services[name] ?? [name]).filter((name) => !allowed.has(name))).toEqual([]);
    // Everything of a service only where the stage's name says whose it is.
    for (const { Action, Resource, Condition } of policy)
      if ([Action].flat().some((action) => action.endsWith(":*")))
        expect([Resource].flat().every((arn) => arn !== "*") || Condition !== undefined, String(Action)).toBe(true);
  });

  test("what pregao cost says and what the page says of it do not drift apart", async () => {
    const { paces } = document<Cost>(await pregao(["cost", "--json"]));
    for (const { pace, bill } of paces) {
      const said = Number(new RegExp(`^\\| \`${pace}\`, .*about (\\d+) US\\$`, "m").exec(deploy)?.[1]);
      expect([pace, Math.abs(bill.micros / 1e6 / said - 1) < 0.15], String(bill.micros / 1e6)).toEqual([pace, true]);
    }
    const readme = /some (\d+)\s+and some (\d+) US\$/.exec(read("README.md"))!.slice(1).map(Number);
    for (const [at, { bill }] of paces.entries())
      expect(Math.abs(bill.micros / 1e6 / readme[at]! - 1)).toBeLessThan(0.15);
    for (const name of Object.keys(ASSUMED)) expect(deploy).toContain(`\`${name}\``);
    expect(deploy).toContain(AS_OF);
  });
});

test("days that pages and the cost repeat are those of the stacks", () => {
  const days = (file: string, name: string): number =>
    Number(new RegExp(`\\b${name}\\b[^\\n]*?(?:=|production:) (\\d+)`).exec(read(`stacks/${file}`))?.[1]);
  expect(days("lake.ts", "SUPERSEDED_DAYS")).toBe(VERSION_DAYS);
  expect(deploy).toContain(`(${days("bucket.ts", "MISTAKE_DAYS")} days; ${VERSION_DAYS} for files of tables`);
  expect(security).toContain(`older versions of all else after ${days("bucket.ts", "MISTAKE_DAYS")} days`);
  expect(security).toContain(`results ${days("lake.ts", "RESULT_DAYS")} days`);
  expect(deploy).toContain(`${days("key.ts", "DELETION_DAYS")} days after the removal`);
  expect(/RETENTION_DAYS = \{ production: 365, other: 30 \}/.test(read("stacks/logs.ts"))).toBe(true);
  expect(deploy).toContain(`${SCANNED_BYTES / 1024 ** 3} GiB at most`);
});

test("links between pages, and to headings in them, lead somewhere", () => {
  const anchor = (heading: string) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-");
  const anchors = (path: string) => new Set([...read(path).matchAll(/^#+ (.*)$/gm)].map((m) => anchor(m[1]!)));
  const broken = pages.flatMap((path) =>
    [...read(path).matchAll(/\]\(([^)\s]+)\)/g)]
      .map((m) => m[1]!)
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [file, name] = link.split("#");
        const target = file ? join(dirname(path), file) : path;
        if (!existsSync(join(root, target))) return true;
        return name !== undefined && target.endsWith(".md") && !anchors(target).has(name);
      })
      .map((link) => `${path}: ${link}`),
  );
  expect(broken).toEqual([]);
});
