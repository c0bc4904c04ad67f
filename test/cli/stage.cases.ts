import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, beforeAll, expect, test } from "vitest";
import { commands } from "../../packages/cli/index.ts";
import { openOutput } from "../../packages/cli/output.ts";
import { lastSession, saoPauloDay } from "../../packages/core/calendar.ts";
import { newest } from "../origin/portfolios.ts";
import { type Recorded, recorded } from "../origin/server.ts";
import { cotahist } from "../synthetic.ts";
import { document, type Ended, folder, pregao, stackTrace, type Up, up } from "./command.ts";
import { banner, type Deployed, deployed, prova } from "./stage.fixture.ts";
import { isLook, type Recorder, recorder } from "./stage.recorder.ts";

const SESSION = "2024-11-08";
/** Of these days, that which the recorded origin has. */
const PUBLISHED = "2024-11-07";
const { dir, remove } = folder();

export { dir };

const put = (name: string, bytes: string | Buffer): string => {
  writeFileSync(join(dir, name), bytes);
  return join(dir, name);
};
const whole = put("COTAHIST_D08112024.TXT", cotahist({ sessions: [SESSION], perSession: 30 }));
const cut = put("COTAHIST_D08112024_2.TXT", cotahist({ sessions: [SESSION], perSession: 3, seed: 2 }));

/** The row that is explained. */
const ticker = readFileSync(whole, "latin1").split("\r\n")[1]!.slice(12, 24).trim();

/**
 * A command line as a person gives it. `writes`: it is told of the stage first. `status`: how it ends. `sees`: what it
 * says on a stage, where a laptop says something else. `soon`: one of those that stand for all where time is short.
 */
export type Case = {
  args: string[];
  writes?: true;
  status?: number;
  sees?: RegExp;
  input?: string;
  out?: string;
  soon?: true;
};

/** Every verb, in an order in which each finds what it works on. */
export const cases: Case[] = [
  { args: ["datasets"], soon: true },
  { args: ["schema", "bovespa"] },
  { args: ["schema", "calendario", "--json"] },
  {
    soon: true,
    args: ["status"],
    sees: /This is stage prova in account 123456789012, region sa-east-1\.\nNothing is stuck\.\n\nNext: pregao --stage prova ingest bovespa --file FILE --wait\n/,
  },
  { args: ["ingest", "bovespa", "--file", whole, "--wait"], writes: true, soon: true },
  { args: ["ingest", "bovespa", "--file", whole, "--json"], writes: true },
  { args: ["status", "--json"] },
  { args: ["query", `SELECT ticker, preco_ultimo FROM bovespa_refined ORDER BY ticker`], soon: true },
  { args: ["query", "SELECT data_pregao, count(*) AS n FROM bovespa_derivativos GROUP BY 1", "--json"] },
  { args: ["query", "SELECT count(*) FROM bovespa_raw", "--format", "csv", "--reuse", "10m"] },
  { args: ["query", "-", "-p", "BBB3"], input: "SELECT * FROM bovespa_hoje WHERE ticker = ?" },
  { args: ["query", "SELECT * FROM bovespa_metrics", "--format", "arrow", "-o", "OUT"], out: "rows.arrow" },
  { args: ["query", "SELECT * FROM bovespa_sessoes", "--format", "parquet", "-o", "OUT"], out: "rows.parquet" },
  { args: ["query", "SELECT * FROM nowhere"], status: 1, soon: true },
  { args: ["query", `CREATE VIEW minha AS SELECT ticker FROM bovespa_refined`], writes: true },
  { args: ["query", "DROP VIEW minha"], writes: true },
  { args: ["explain", ticker, SESSION] },
  { args: ["explain", ticker, SESSION, "--json"], soon: true },
  { args: ["explain", "NADA3", SESSION], status: 1 },
  { args: ["gaps", "bovespa", "--from", SESSION, "--to", SESSION] },
  { args: ["gaps", "--from", "2024-11-07", "--to", SESSION, "--json"], status: 1 },
  { args: ["verify", "bovespa"], soon: true },
  { args: ["verify", "bovespa", "--wait", "--json"] },
  { args: ["verify", "bovespa", "--repair", "--yes"], writes: true },
  { args: ["publish", "bovespa", "--ticker", "TESTE11", "--session", SESSION], writes: true },
  { args: ["publish", "bovespa", "--invalid", "--session", SESSION], writes: true, soon: true },
  { args: ["dlq", "list", "bovespa"], soon: true },
  { args: ["dlq", "list", "landed", "--json"] },
  { args: ["dlq", "show", "bovespa", "--reason", "negative"] },
  { args: ["dlq", "show", "bovespa", "--reason", "invalid_field", "--json"] },
  { args: ["dlq", "replay", "bovespa", "--reason", "invalid_field", "--patch", "preult=36.65", "--dry-run"] },
  {
    args: ["dlq", "replay", "bovespa", "--reason", "invalid_field", "--patch", "preult=36.65", "--yes"],
    writes: true,
  },
  { args: ["dlq", "replays", "bovespa"] },
  { args: ["dlq", "undo", "bovespa", "--yes"], writes: true },
  { args: ["dlq", "archive", "bovespa", "--yes"], writes: true },
  { args: ["status", "--json"] },
  { args: ["ingest", "bovespa", "--file", cut, "--version", "9", "--wait"], writes: true, status: 1 },
  { args: ["status"], status: 1 },
  { args: ["refine", "bovespa", "--retry-held"], writes: true, status: 1 },
  { args: ["accept", "bovespa", "--law", "chave_unica", "--yes"], writes: true, status: 1 },
  { args: ["accept", "bovespa", "--law", "sessao_encolheu", "--yes", "--json"], writes: true },
  { args: ["pause", "bovespa", "--why", "a look"], writes: true, soon: true },
  { args: ["status", "--json"], status: 1 },
  { args: ["ingest", "bovespa", "--file", whole, "--version", "10", "--wait"], writes: true, status: 1 },
  { args: ["resume", "bovespa", "--json"], writes: true, soon: true },
  { args: ["refine", "bovespa"], writes: true },
  { args: ["refine", "bovespa", "--rebuild", "--yes", "--json"], writes: true },
  { args: ["ingest", "bovespa", "carteira", "--session", PUBLISHED, "--mirror", "MIRROR", "--wait"], writes: true },
  { args: ["ingest", "bovespa", "--session", PUBLISHED, "--mirror", "MIRROR", "--json"], writes: true },
  { args: ["ingest", "bovespa", "--session", "2024-11-06", "--mirror", "MIRROR"], writes: true, status: 1 },
  { args: ["verify", "--json"] },
  { args: ["tail", "--once", "--level", "WARN", "-n", "1"], sees: /^\d{4}-\S+Z {2}(WARN|ERROR) / },
  { args: ["tail", "--for", "1", "-n", "2", "--json"], sees: /^\{"timestamp".*\}\n\{"timestamp".*\}\n$/, soon: true },
  { args: ["cost", "--json"], sees: /"region": "sa-east-1"/ },
  // A stand-in for AWS has few of its guards, and cannot tell of many.
  { args: ["doctor", "--json"], status: 1, sees: /"stage": "prova",\n {2}"account": "123456789012"/ },
];

/** What only a laptop has. */
export const laptopOnly = ["demo", "up", "reset"];

/** The verbs of the program itself, each by its whole name. */
const verbsOf = (command: Command, before: string[] = []): string[] =>
  command.commands.flatMap((one) => {
    const name = [...before, one.name()];
    return one.commands.length ? verbsOf(one, name) : [name.join(" ")];
  });
export const verbs = verbsOf(commands(openOutput(false)));
export const verbIn = ({ args }: Case): string =>
  verbs.find((verb) => verb === args.slice(0, verb.split(" ").length).join(" ")) ?? "";

const state = join(dir, "state");

/** What must be the same wherever it was done: without times, random ids and the names of the place. */
const masked = (text: string): string =>
  text
    .replaceAll(`pregao --stage ${prova.name} `, "pregao ")
    .replaceAll(`pregao --state ${state} `, "pregao ")
    .replace(/This is stage prova in account 123456789012, region sa-east-1\.|The river is running at \S+\./g, "WHERE")
    .replaceAll(/"(stage|account|state|endpoint)": (null|"[^"]*"),\n\s*/g, "")
    .replaceAll(/\b(stage|laptop)-(rows\.)/g, "$2")
    // Any of the rows will do.
    .replaceAll(/("example": \{\s*"ticker": )"[^"]*"/g, '$1"ONE"')
    .replaceAll(`_database_${prova.name}`, "_database")
    .replaceAll(`pregao-${prova.name}-`, "")
    .replaceAll(`-${prova.account}`, "")
    .replaceAll(/"(totalMs|engineMs)": \d+/g, '"$1": 0')
    .replaceAll(/\d+ (second|minute)s? ago/g, "LATELY")
    .replaceAll(/\d+(\.\d+)? ms\b/g, "MS")
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?/g, "TIME")
    .replaceAll(/\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9a-f-]{36}/g, "OBJECT")
    .replaceAll(/\d{8}T\d{6,9}Z?-[0-9a-f]{6}/g, "REPLAY")
    .replaceAll(/\b(jr_)?[0-9a-f]{12,64}\b/g, "DIGEST")
    .replaceAll(/\d+ bytes scanned|[\d.]+ KiB scanned/g, "SCANNED")
    .replaceAll(/"(oldestSeconds|scannedBytes|bytes)": (\d+|null)/g, '"$1": 0')
    .replaceAll(/[ ─]+/g, " ");

/** Standard error without the banner, and without what is said while something is waited for. */
const told = ({ err }: Ended): string =>
  masked(
    err
      .split("\n")
      .filter((line) => !line.startsWith(banner) && !/^(still waiting|\d{4}-\S+Z {2}(WARN|ERROR))/.test(line))
      .join("\n"),
  );

/** A deployed stage, with what is asked of it, beside a laptop: each of these is to do and say the same on both. */
export const onBoth = (these: readonly Case[]): { river: () => Deployed; wire: () => Recorder } => {
  let river: Deployed;
  let wire: Recorder;
  let laptop: Up;
  let origin: Recorded;
  beforeAll(async () => {
    [river, laptop, origin] = await Promise.all([
      deployed(),
      up(state),
      recorded({
        sessions: [PUBLISHED],
        rows: 20,
        portfolios: [{ ...newest, date: lastSession(saoPauloDay(Date.now())) }],
      }),
    ]);
    wire = await recorder(river.stack.url);
  }, 120_000);
  afterAll(async () => {
    await wire?.stop();
    await Promise.all([river?.close(), laptop?.stop(), origin?.close()]);
    remove();
  });
  for (const one of these) {
    const title = one.args.map((arg) => arg.replace(dir, "")).join(" ");
    test(`${title}: says on a stage what it says on a laptop${one.writes ? ", and first which stage it is" : ", and writes nothing"}`, async () => {
      const at = (place: string) =>
        one.args.map((arg) =>
          arg === "OUT" ? join(dir, `${place}-${one.out}`) : arg === "MIRROR" ? origin.mirror : arg,
        );
      wire.operations.length = 0;
      const [there, here] = await Promise.all([
        river.run(at("stage"), { input: one.input, env: { AWS_ENDPOINT_URL: wire.url } }),
        pregao([...at("laptop"), "--state", state], { input: one.input }),
      ]);
      expect([there.err, there.status]).toEqual([there.err, one.status ?? 0]);
      expect(there.err).not.toMatch(stackTrace);
      expect(there.err.split("\n").filter((line) => line.startsWith(banner))).toHaveLength(one.writes ? 1 : 0);
      expect(there.out).not.toContain(banner);
      if (one.args.includes("--json") && !one.args.includes("tail")) document(there);
      if (one.writes) expect(there.err).toMatch(new RegExp(`^${banner}, at ${wire.url}\n`));
      else expect(wire.operations.filter((operation) => !isLook(operation))).toEqual([]);
      if (one.sees) expect(there.out).toMatch(one.sees);
      else expect([masked(there.out), told(there)]).toEqual([masked(here.out), told(here)]);
      if (one.out)
        expect(readFileSync(join(dir, `stage-${one.out}`)).length).toBe(
          readFileSync(join(dir, `laptop-${one.out}`)).length,
        );
      await Promise.all([river.stack.idle(), laptop.idle()]);
    });
  }
  return { river: () => river, wire: () => wire };
};
