import { statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { type QueryResult, type ResultField, type ResultRow, query as run, type Whose } from "../aws/queries.ts";
import { refusalOf } from "../aws/refusals.ts";
import { PregaoError } from "../core/errors.ts";
import { beforeEnd } from "./door.ts";
import { checkTarget, type Format, formats, linesOf, namesApart, writeResult } from "./formats.ts";
import { bytes, plural, print, printable, records, table, width } from "./output.ts";
import type { Place } from "./place.ts";

export type QueryOptions = {
  file?: string;
  format?: Format;
  output?: string;
  param?: string[];
  reuse?: string;
  workgroup?: Whose;
};
/** `parameters` are SQL literals, one for each `?`; `reuse` is in minutes, null: what is there now is asked for. */
export type Question = {
  sql: string;
  parameters: string[];
  format: Format;
  file: string | null;
  reuse: number | null;
  /** Of a deployed stage's workgroups, people's unless told; a laptop has one. */
  whose?: Whose;
};

/** Whether a statement surely changes nothing: what is not known to be so is taken for one that does. */
export const isReading = ({ sql }: Question): boolean =>
  /^(select|with|values|table|show|describe|desc|explain\s+(?!analyze))\b/i.test(
    sql.replace(/^(\s|\(|--[^\n]*(\n|$)|\/\*[\s\S]*?\*\/)+/, ""),
  );

/** Rows that a screen holds at most; the other formats give all. */
const SCREEN_ROWS = 1000;
/** A terminal that does not say how wide it is. */
const COLUMNS = 80;
/** Athena takes no longer statement (service quotas). */
const STATEMENT_BYTES = 262_144;

/** What is asked, and in which form the answer is wanted: found out before anything is started. */
export const asked = async (statement: string | undefined, options: QueryOptions, json: boolean): Promise<Question> => {
  const file = /^(-|\/dev\/stdout)$/.test(options.output ?? "-") ? null : options.output!;
  const format = options.format ?? (json ? "json" : "table");
  if (!formats.includes(format))
    throw new PregaoError("usage", `expected --format ${formats.join(", ")}, came ${format}`);
  if ((format === "arrow" || format === "parquet") && !file)
    throw new PregaoError("usage", `${format} is binary: expected -o FILE to write it to`);
  if (json && !file && format !== "json")
    throw new PregaoError(
      "usage",
      `--json prints the rows as one JSON document: expected -o FILE for ${format}, or no --format`,
    );
  if (file) checkTarget(file, format);
  const parameters = (options.param ?? []).map(literalOf);
  const reuse = options.reuse === undefined ? null : reuseOf(options.reuse);
  return {
    sql: await statementFrom(statement, options.file),
    parameters,
    format,
    file,
    reuse,
    whose: options.workgroup ?? "people",
  };
};

/** Athena reuses no older answer (API reference). */
const REUSE_MINUTES = 7 * 24 * 60;

const reuseOf = (age: string): number => {
  const [, n, unit = ""] = /^(\d{1,5})([mhd])$/.exec(age) ?? [];
  const minutes = Number(n) * ({ m: 1, h: 60, d: 24 * 60 }[unit] ?? Number.NaN);
  if (!(minutes >= 1 && minutes <= REUSE_MINUTES))
    throw new PregaoError("usage", `expected --reuse with an age of 1m to 7d (10m, 2h, 1d), came ${printable(age)}`);
  return minutes;
};

/** Athena takes no longer value (API model). */
const PARAMETER_LENGTH = 1024;

/** A value of the command line as SQL: what looks like a number, a day, true or false is one, the rest is text. */
export const literalOf = (value: string): string => {
  const plain = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$|^(true|false)$|^'([^']|'')*'$/i.test(value);
  const sql = plain ? value : /^\d{4}-\d\d-\d\d$/.test(value) ? `DATE '${value}'` : `'${value.replaceAll("'", "''")}'`;
  if (sql.length > PARAMETER_LENGTH)
    throw new PregaoError("usage", `expected a --param of at most ${PARAMETER_LENGTH} characters, came ${sql.length}`);
  return sql;
};

/** `pregao query`: a statement in Athena's dialect, its rows on the screen, as a document or in a file. */
export const query = async (place: Place, question: Question): Promise<void> => {
  const { format, file } = question;
  const result = told(await answered(place, question));
  const { scannedBytes, totalMs } = result.statistics;
  const cost = `${bytes(scannedBytes)} scanned, ${totalMs} ms`;
  if (format !== "table" && format !== "csv") namesApart(result.fields, format);
  if (file) {
    const rows = await writeResult(result, format, file);
    place.output.result({ file, format, rows, columns: result.fields, statistics: result.statistics }, () =>
      [`${file}: ${plural(rows, "row")} as ${format}, ${cost}`, "", "Next: pregao status", ""].join("\n"),
    );
    return;
  }
  if (format !== "table") {
    for await (const line of linesOf(result, format)) if (!(await print(line))) return;
    return;
  }
  const { rows, more } = await take(result.rows, SCREEN_ROWS);
  if (result.written !== null || result.fields.length === 0) {
    const done = result.written === null ? "done" : `${plural(result.written, "row")} written`;
    place.output.say(`${done}, ${cost}`);
    place.output.say('Next: pregao query "SHOW TABLES"');
    return;
  }
  if (!(await print(screen(result.fields, rows)))) return;
  place.output.say(
    more ? `the first ${plural(rows.length, "row")}, ${cost}` : `${plural(rows.length, "row")}, ${cost}`,
  );
  if (more) place.output.say("Next: all of them, with --format csv -o FILE");
};

/** What wrote rows answers with how many, in every format: Athena tells it beside the rows, of which there are none. */
const told = (result: QueryResult): QueryResult => {
  const { written } = result;
  if (written === null) return result;
  const rows = async function* () {
    yield [[String(written)]];
  };
  return { ...result, rows: rows() };
};

/** Runs a statement, and stops it where it runs when a signal ends this command. */
const answered = async (place: Place, { sql, parameters, reuse, whose = "people" }: Question): Promise<QueryResult> => {
  const stop = new AbortController();
  const running = run(place.aws, sql, place.database, {
    ...{ signal: stop.signal, parameters, whose },
    reuse: reuse ?? undefined,
  });
  const forget = beforeEnd(async () => {
    stop.abort();
    await running;
  });
  try {
    return await running;
  } catch (error) {
    if (error instanceof PregaoError && /does not exist/.test(error.message))
      throw new PregaoError(error.code, `${error.message}; ${named(place)}`);
    if (error instanceof PregaoError && /^TYPE_MISMATCH/.test(error.message) && parameters.length > 0)
      throw new PregaoError(
        error.code,
        `${error.message}; the parameters came as ${parameters.join(", ")}: a number in quotes is text, --param "'2024'"`,
      );
    const refused = place.dir === null && whose === "people" ? refusalOf(error, place.stage.name) : null;
    if (refused?.code === "denied")
      throw new PregaoError(
        "denied",
        refused.message.replace(
          / Next: .*$/,
          " An analyst's role runs statements in a workgroup of its own. Next: pregao query --workgroup analyst -f FILE",
        ),
      );
    throw error;
  } finally {
    forget();
  }
};

const named = ({ datasets }: Place): string =>
  `what there is: ${datasets.map((d) => `pregao schema ${d.name}`).join(", ")}`;

const statementFrom = async (statement: string | undefined, file: string | undefined): Promise<string> => {
  if (statement !== undefined && file !== undefined)
    throw new PregaoError("usage", "expected a statement or -f FILE, came both");
  const stdin = statement === "-" || file === "-";
  if (stdin && process.stdin.isTTY) process.stderr.write("Type the statement, then Ctrl-D on a line of its own.\n");
  const sql = stdin ? await text(process.stdin) : file !== undefined ? await textOf(file) : statement;
  if (!sql?.trim())
    throw new PregaoError(
      "usage",
      `expected a statement, ${stdin ? "standard input is empty" : file === undefined ? "came none" : `${file} is empty`}: pregao query "SELECT …", -f FILE, or - for standard input`,
    );
  if (Buffer.byteLength(sql) > STATEMENT_BYTES)
    throw new PregaoError(
      "usage",
      `expected a statement of at most ${bytes(STATEMENT_BYTES)}, came ${bytes(Buffer.byteLength(sql))}`,
    );
  return sql.replace(/^\ufeff/, "");
};

const textOf = (file: string): Promise<string> => {
  const there = statSync(file, { throwIfNoEntry: false });
  if (there && !there.isDirectory()) return readFile(file, "utf8");
  throw new PregaoError("file", `expected a file with a statement at ${file}, there is ${there ? "a folder" : "none"}`);
};

const take = async (
  pages: AsyncGenerator<ResultRow[]>,
  most: number,
): Promise<{ rows: ResultRow[]; more: boolean }> => {
  const rows: ResultRow[] = [];
  for await (const page of pages) {
    rows.push(...page);
    if (rows.length > most) return { rows: rows.slice(0, most), more: true };
  }
  return { rows, more: false };
};

/** A table; on a terminal that is too narrow for it, row after row. An empty text is shown as `""`, null as nothing. */
const screen = (fields: readonly ResultField[], rows: readonly ResultRow[]): string => {
  const shown = rows.map((row) => row.map((value) => (value === "" ? '""' : value)));
  const wide = table(fields, shown);
  if (!process.stdout.isTTY || rows.length === 0) return wide;
  const widest = wide.split("\n").reduce((most, line) => Math.max(most, width(line)), 0);
  return widest > (process.stdout.columns ?? COLUMNS) ? records(fields, shown) : wide;
};
