import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { type Cost, LOG_DAYS, VERSION_DAYS } from "../packages/cli/cost/index.ts";
import { commands } from "../packages/cli/index.ts";
import { openOutput } from "../packages/cli/output.ts";
import { ASSUMED, type Bill } from "../packages/core/cost.ts";
import { AS_OF } from "../packages/core/prices.ts";
import type { Stage } from "../packages/core/stage.ts";
import { SCANNED_BYTES, topology } from "../packages/core/topology.ts";
import { catalogueOf } from "../packages/datasets/index.ts";
import { grants, PEOPLE } from "../stacks/permissions.ts";
import { VARIABLES } from "../stacks/settings.ts";
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
    const settings = Object.keys(VARIABLES).sort();
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
    const table = security.slice(security.indexOf("## Roles"), security.indexOf("## Which role"));
    expect(namesIn(table).sort()).toEqual(roles.sort());
  });

  test("every verb for a stage has a role that may run it, and each is one that people take", () => {
    const table = security.slice(security.indexOf("## Which role"), security.indexOf("## Encryption"));
    const rows = [...table.matchAll(/^\| (`.*?) \| (`.*?) \|/gm)].map((m) =>
      [m[1]!, m[2]!].map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map((name) => name[1]!)),
    );
    const laptops = new Set(
      readdirSync(join(root, "packages/cli")).flatMap((file) =>
        file.startsWith("verbs-")
          ? [...read(`packages/cli/${file}`).matchAll(/localOnly\([^"]*"(\w+)"/g)].map((m) => m[1]!)
          : [],
      ),
    );
    expect(laptops.size).toBeGreaterThan(1);
    const leaves = [...verbs.keys()].filter(
      (name) =>
        name !== "help" && !laptops.has(name) && ![...verbs.keys()].some((other) => other.startsWith(`${name} `)),
    );
    expect(rows.flatMap(([names]) => names!).sort()).toEqual(leaves.sort());
    for (const [, [role]] of rows as [string[], string[]][]) expect(PEOPLE).toContain(role);
  });

  test("the workflow hands over every setting, for one that it forgot would be silently off", () => {
    const workflow = /^```yaml\n(.*?)^```/ms.exec(deploy)![1]!;
    for (const setting of namesIn(deploy).filter((name) => name.startsWith("PREGAO_")))
      expect(workflow).toContain(`${setting}: \${{ vars.${setting} }}`);
  });

  test("code that a page gives to a shell is run by the Node that reads TypeScript", async () => {
    const [, script] = /npx node --input-type=module -e '\n(.*?)'\n```/s.exec(deploy)!;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script!], {
      cwd: root,
    });
    expect(
      stdout
        .split("\n")
        .filter(Boolean)
        .map((line) => line.split(" ")[0]),
    ).toContain("consume");
    for (const page of [deploy, security, read("README.md")]) expect(page).not.toMatch(/^node .*(-e|\.ts)/m);
  });

  test("the deploy role may all of a service only where a name, or a condition, says that it is the stage's", () => {
    const text = /^```json deploy\n(.*?)^```/ms.exec(deploy)![1]!;
    const { Statement } = JSON.parse(text) as {
      Statement: { Action: string | string[]; Resource: string | string[]; Condition?: unknown }[];
    };
    const wide = Statement.filter(({ Action }) => [Action].flat().some((action) => action.endsWith(":*")));
    const arns = wide.filter(({ Condition }) => !Condition).flatMap(({ Resource }) => [Resource].flat());
    const stage: Stage = { name: "production", account: "1", region: "sa-east-1", pace: "daily", layouts: {} };
    const databases = topology(catalogueOf(stage), "daily").databases.map(({ name }) => name);
    // Glue has one catalog.
    const own = [
      /pregao-production-/,
      /pregao[/-]production(\/\*)?$/,
      /:catalog$/,
      ...databases.map((n) => new RegExp(`/${n}(/\\*)?$`)),
    ];
    expect(arns.filter((arn) => !own.some((name) => name.test(arn)))).toEqual([]);
    for (const name of databases) expect(arns.filter((arn) => arn.includes(`/${name}`))).toHaveLength(3);
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
    const near = (micros: number, said: number | string | undefined, what: string) =>
      expect(Math.abs(micros / 1e6 - Number(said)), `${what}: ${said}, not ${micros / 1e6}`).toBeLessThan(1);
    const readme = /some (\d+)\s+and some (\d+) US\$ the first month, some (\d+) and some (\d+) on average/.exec(
      read("README.md"),
    )!;
    for (const [at, { pace, first, bill, average }] of paces.entries()) {
      const row = new RegExp(
        `^\\| \`${pace}\`,.*\\| about (\\d+) US\\$ \\| about (\\d+) US\\$ \\| (.*) \\|$`,
        "m",
      ).exec(deploy)!;
      near(first.micros, row[1], `${pace}, first`);
      near(average, row[2], `${pace}, average`);
      near(first.micros, readme[1 + at], `README, ${pace}, first`);
      near(average, readme[3 + at], `README, ${pace}, average`);
      const parts = [...row[3]!.matchAll(/(\w+) \((\d+)\)/g)];
      expect(parts.length).toBeGreaterThan(2);
      for (const [, service, said] of parts) {
        const lines = bill.lines.filter((l) => !l.option && l.item.startsWith(`${service!.toLowerCase()}.`));
        near(lines.reduce((sum, { micros }) => sum + micros, 0) / 12, said, `${pace}, ${service}`);
      }
    }
    const superseded = (of: Bill) => of.lines.find((l) => l.of.startsWith("superseded"))!.micros;
    const { first, bill } = paces.find(({ pace }) => pace === "intraday")!;
    const said = /superseded files nearly all: (\d+) US\$ the first month, (\d+) on average, (\d+) in December/.exec(
      deploy,
    )!;
    near(superseded(first), said[1], "superseded");
    near(superseded(bill) / 12, said[2], "superseded on average");
    const eleven = document<Cost>(await pregao(["cost", "--json", "--pace", "intraday", "--months", "11"])).paces[0]!;
    near(superseded(bill) - superseded(eleven.bill), said[3], "superseded in the twelfth month");
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
  expect(read("stacks/logs.ts")).toContain(
    `RETENTION_DAYS = { production: ${LOG_DAYS.production}, other: ${LOG_DAYS.other} }`,
  );
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
