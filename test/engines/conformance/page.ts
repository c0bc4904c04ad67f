import { readFileSync } from "node:fs";
import { join } from "node:path";

/** docs/fidelity.md. */
export const page = readFileSync(join(import.meta.dirname, "../../../docs/fidelity.md"), "utf8");

/** The operations that packages/local answers, as the page's rows name them: `sqs.SendMessage`. */
export const operations: readonly string[] = page.split(/^## /m).flatMap((section) => {
  const service = section.slice(0, section.indexOf("\n")).toLowerCase().replaceAll(" ", "");
  return [...section.matchAll(/^\| `(\w+)` \|.* \| .* \|$/gm)].map((m) => `${service}.${m[1]}`);
});

const section = (title: string): string => {
  const at = page.indexOf(`\n### ${title}\n`);
  if (at < 0) throw new Error(`docs/fidelity.md: expected a section "${title}"`);
  const rest = page.slice(at + 5);
  const end = rest.search(/\n##/);
  return end < 0 ? rest : rest.slice(0, end);
};
const plain = (cell: string): string => cell.replaceAll("\\|", "|").replaceAll("`", "").trim();
const rows = (text: string): string[][] =>
  [...text.matchAll(/^\| (`.*) \|$/gm)].map(([, row]) => row!.split(/(?<!\\)\|/).map(plain));

/**
 * What the page says under "Where the cases differ": cases of ours that differ, one a row, in the first column; moto's,
 * an operation a row, the names of its cases after their colon in the second, `;` between them; and the operations,
 * in code in a sentence that begins with "moto lacks", that moto does not have.
 */
export const listed = (): { local: Set<string>; moto: Set<string>; lacks: Set<string> } => {
  const theirs = section("moto");
  const lacks = /^moto lacks (?:[^.]|\.(?=\w))*\./m.exec(theirs)?.[0] ?? "";
  return {
    local: new Set(rows(section("packages/local")).map(([name]) => name!)),
    moto: new Set(
      rows(theirs).flatMap(([call, names]) =>
        names!.split(";").map((name) => `${call!.slice(call!.indexOf(".") + 1)}: ${name.trim()}`),
      ),
    ),
    lacks: new Set([...lacks.matchAll(/`([\w.]+)`/g)].map((m) => m[1]!)),
  };
};

/** What was found and is not listed, and what is listed and was not found. */
export const difference = (found: ReadonlyMap<string, unknown>, names: ReadonlySet<string>) => ({
  unlisted: [...found].filter(([name]) => !names.has(name)),
  "listed in vain": [...names].filter((name) => !found.has(name)),
});
