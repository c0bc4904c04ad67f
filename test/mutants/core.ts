import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Stryker's mutants of the pure core, file by file, each against the tests that judge it and no others: a mutant of what
 * is evaluated as a test file loads runs all of them. Prints one JSON document: [{file, mutants, killed, score,
 * survivors: [{line, was, became}]}]; a mutant that cannot even be loaded counts neither way. Exit status 1 if a file is
 * below 90 %. `node test/mutants/core.ts [file …]`; minutes. The survivors are explained in docs/mutants.md.
 */
const judges: Readonly<Record<string, readonly string[]>> = {
  judge: ["judge-cost", "judge-reasons", "judge", "verdict", "salvage"],
  pack: ["pack", "verdict"],
  advance: ["advance", "advance-rebuild", "decide", "advance-call"],
  plan: ["plan", "advance", "advance-rebuild"],
  rebuild: ["rebuild", "advance-rebuild"],
  commit: ["commit", "commit-document", "commit-waiting", "advance", "advance-rebuild"],
  report: ["report", "commit", "advance"],
  clean: ["clean"],
  gaps: ["gaps"],
};
const LEAST = 90;

type Place = { line: number; column: number };
type Mutant = { status: string; replacement?: string; location: { start: Place; end: Place } };
type Result = { files: Record<string, { source: string; mutants: Mutant[] }> };

const root = fileURLToPath(new URL("../..", import.meta.url));
/** As in stryker.config.json. */
const result = `${root}/.cache/mutants.json`;

const wasOf = (source: string, { start, end }: Mutant["location"]): string => {
  const lines = source.split("\n").slice(start.line - 1, end.line);
  lines[lines.length - 1] = lines.at(-1)!.slice(0, end.column - 1);
  return lines.join("\n").slice(start.column - 1);
};

const short = (text: string): string => text.replace(/\s+/g, " ").slice(0, 120);

const run = (name: string) => {
  const file = `packages/core/${name}.ts`;
  const { status, error } = spawnSync(`${root}/node_modules/.bin/stryker`, ["run", "--mutate", file], {
    cwd: root,
    env: { ...process.env, MUTANTS_TESTS: judges[name]!.join(",") },
    stdio: ["ignore", 2, 2],
  });
  if (status !== 0) throw error ?? new Error(`stryker ended with ${status} for ${file}: see above`);
  const [{ source, mutants }] = Object.values((JSON.parse(readFileSync(result, "utf8")) as Result).files) as [
    Result["files"][string],
  ];
  const killed = mutants.filter((m) => m.status === "Killed" || m.status === "Timeout");
  const left = mutants.filter((m) => m.status === "Survived" || m.status === "NoCoverage");
  const all = killed.length + left.length;
  return {
    file,
    mutants: all,
    killed: killed.length,
    score: Math.round((1000 * killed.length) / all) / 10,
    survivors: left.map((m) => ({
      line: m.location.start.line,
      was: short(wasOf(source, m.location)),
      became: short(m.replacement ?? ""),
    })),
  };
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !judges[name]);
if (unknown.length > 0)
  throw new Error(`expected some of ${Object.keys(judges).join(", ")}, came ${unknown.join(", ")}`);
const results = (wanted.length > 0 ? wanted : Object.keys(judges)).map(run);
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
if (results.some(({ score }) => score < LEAST)) process.exitCode = 1;
