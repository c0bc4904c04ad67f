import { readdirSync, readFileSync } from "node:fs";

/** A statement of the corpus: `-- name` on a line of its own, then the statement, which ends with a semicolon. */
export type Case = { file: string; name: string; sql: string };

const folder = new URL("./corpus/", import.meta.url);

/** Every statement of test/engines/corpus. Throws on a name that is there twice. */
export const corpus = (): Case[] => {
  const cases = readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .sort()
    .flatMap((file) =>
      readFileSync(new URL(file, folder), "utf8")
        .split(/^-- (?=[a-z0-9_]+$)/m)
        .slice(1)
        .map((block) => {
          const [name, ...lines] = block.split("\n");
          return { file, name: name!, sql: lines.join("\n").trim().replace(/;$/, "") };
        }),
    );
  const names = cases.map(({ name }) => name);
  const twice = names.filter((name, at) => names.indexOf(name) !== at);
  if (twice.length > 0) throw new Error(`the corpus has two statements named ${twice.join(", ")}`);
  return cases;
};
