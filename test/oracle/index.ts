import { createHash } from "node:crypto";
import { head } from "../../packages/aws/store.ts";
import type { Place } from "../../packages/cli/place.ts";
import { csvOf, eachLetter, type FoundLetter, letterContent, type Reader, rowsOf } from "./answers.ts";
import { FIELDS } from "./cotahist.ts";
import { type Arrived, judged, judgedBody, type Letter } from "./judge.ts";
import { type Merged, mergeSession } from "./merge.ts";
import { type FileInput, messagesOf } from "./message.ts";
import {
  type Cells,
  derivativesTable,
  metricsTable,
  refinedTable,
  sessionMetricsTable,
  sessionsTable,
  waitingTable,
} from "./rows.ts";

/**
 * The oracle of `bovespa`: what must be in every table and in the dead-letter queue, from the inputs alone. It shares
 * nothing with packages/ but the clients that read the answers.
 *
 *     const inputs: Input[] = [await archived(place.aws, bytes), { message: body }, …];   // whatever was sent, in any order
 *     await place.stack.idle();
 *     expect(await compare(place, expected(inputs))).toEqual([]);
 *
 * A file's `scraped_at`, `modified`, `version` and `source` are read from the archive by {@link archived}, after it was
 * sent. An input that was sent several times may be named once or several times. A refused file is no input. Messages
 * that a replay sent are inputs like any other; name the letters it removed as `replayed`.
 * `compare` reads every table through Athena and the dead letters by receiving all of them and giving them back; nothing
 * else may receive from that queue meanwhile. Differences come named: table, key, column, expected, came.
 */
export type Input = FileInput | { message: string };

export type Expected = {
  /** Rows by table and key; of `bovespa_raw` the distinct events of each message. */
  tables: Record<TableName, Map<string, Cells>>;
  letters: Letter[];
  /** Rows that arrived, of any origin. */
  arrived: Arrived[];
};

/** `column` is `*` where a whole row is missing (`came` null), too many (`expected` null) or there several times. */
export type Difference = { table: string; key: string; column: string; expected: string | null; came: string | null };

/** What makes a row unique, by table. */
export const keys = {
  bovespa_raw: ["event_id", "message_id", "source_version", "scraped_at", "origin_rows"],
  bovespa_refined: ["data_pregao", "ticker"],
  bovespa_derivativos: ["data_pregao", "ticker", "tipo_mercado", "prazo_termo"],
  bovespa_espera: ["data_pregao", "source_version", "scraped_at", "origin_sha256", "origin_rows", "event_id"],
  bovespa_sessoes: ["data_pregao", "source_version", "scraped_at", "origin_sha256", "linhas_esperadas"],
  bovespa_metrics: ["year", "month", "ticker"],
  bovespa_metrics_pregao: ["data_pregao"],
} as const;
export type TableName = keyof typeof keys;
export const tableNames = Object.keys(keys) as TableName[];

const keyOf = (table: TableName, row: Cells): string => keys[table].map((name) => row[name] ?? "-").join(" ");

const rawRow = (row: Arrived): Cells => ({
  ...Object.fromEntries(FIELDS.map(({ name }) => [name, row.record[name] === null ? null : String(row.record[name])])),
  event_id: row.event_id,
  message_id: row.message_id,
  origin_sha256: row.sha256,
  source_version: row.version,
  origin_rows: row.origin_rows === null ? null : String(row.origin_rows),
  scraped_at: row.scraped_at,
  scraped_on: row.scraped_on,
});

/**
 * `withdrawn`: event ids that count as never arrived (raw keeps them). `replayed`: contents of letters that a replay
 * took out of the queue, as {@link letterContent} spells them.
 */
export const expected = (
  inputs: readonly Input[],
  options: { withdrawn?: ReadonlySet<string>; replayed?: ReadonlySet<string> } = {},
): Expected => {
  const verdicts = inputs.flatMap((input) =>
    "message" in input ? [judgedBody(input.message)] : messagesOf(input).map(judged),
  );
  const arrived = verdicts.flatMap((v) => v.rows);
  const sessions = new Map<string, Merged>();
  const counted = arrived.filter((row) => !options.withdrawn?.has(row.event_id));
  for (const [session, rows] of Map.groupBy(counted, (row) => String(row.record.datpre)))
    sessions.set(session, mergeSession(rows));
  const published = [...sessions.values()].flatMap((s) => s.published);
  const refined = refinedTable(published);
  const derivatives = derivativesTable(published);
  const keyed = (table: TableName, rows: readonly Cells[]) => new Map(rows.map((row) => [keyOf(table, row), row]));
  // A message's reason is one letter, however often the message came.
  const letters = new Map(verdicts.flatMap((v) => v.letters).map((letter) => [JSON.stringify(letter), letter]));
  return {
    tables: {
      bovespa_raw: keyed("bovespa_raw", arrived.map(rawRow)),
      bovespa_refined: keyed("bovespa_refined", refined),
      bovespa_derivativos: keyed("bovespa_derivativos", derivatives),
      bovespa_espera: keyed("bovespa_espera", waitingTable([...sessions.values()].flatMap((s) => s.waiting))),
      bovespa_sessoes: keyed("bovespa_sessoes", sessionsTable(sessions)),
      bovespa_metrics: keyed("bovespa_metrics", metricsTable(refined)),
      bovespa_metrics_pregao: keyed("bovespa_metrics_pregao", sessionMetricsTable(refined, derivatives, sessions)),
    },
    letters: [...letters.values()].filter((letter) => !options.replayed?.has(contentOf(letter))),
    arrived,
  };
};

/** A file as an input, with what the archive says of it; throws if these bytes were never archived. */
export const archived = async (aws: Place["aws"], file: Uint8Array): Promise<FileInput> => {
  const sha256 = createHash("sha256").update(file).digest("hex");
  const found = await head(aws, "origin", `bovespa/${sha256}`);
  if (!found?.metadata.scraped_at) throw new Error(`these bytes (${sha256}) were never archived`);
  const { scraped_at, modified = "", version = "", source = "" } = found.metadata;
  return { file, scraped_at, modified, version, source: decodeURI(source) };
};

type Counted = Pick<FoundLetter, "id" | "content">;

/** The answers a comparison is made with; a test of it gives its own. */
export type Answers = {
  table: (name: TableName, columns: readonly string[] | null) => Promise<Cells[]>;
  letters: () => Promise<Counted[]>;
};

export const answersOf = (place: Reader): Answers => ({
  table: async (name, columns) =>
    rowsOf(await csvOf(place, `SELECT ${columns ? `DISTINCT ${columns.join(", ")}` : "*"} FROM ${name}`)),
  letters: async () => {
    const letters: FoundLetter[] = [];
    await eachLetter(place.aws, "bovespa", (letter) => letters.push(letter));
    return letters;
  },
});

export const contentOf = ({ reason, ticker, records }: Letter): string => letterContent(reason, ticker, records);

/** All differences between what must be and what is; at most `most` of them. `letters` false: of the tables only. */
export const compare = async (
  answers: Reader | Answers,
  must: Expected,
  { most = 1000, letters = true }: { most?: number; letters?: boolean } = {},
): Promise<Difference[]> => {
  const from = "aws" in answers ? answersOf(answers) : answers;
  const differences: Difference[] = [];
  for (const table of tableNames) {
    // Raw keeps every arrival: its distinct rows, without the day on which they came.
    const columns = table === "bovespa_raw" ? Object.keys(rawRow(blank)) : null;
    differences.push(...compareRows(table, must.tables[table], await from.table(table, columns)));
  }
  if (letters) differences.push(...compareLetters(must.letters, await from.letters()));
  return differences.slice(0, most);
};

const blank: Arrived = {
  record: {},
  event_id: "",
  message_id: "",
  sha256: "",
  version: "",
  scraped_at: "",
  scraped_on: "",
  origin_rows: null,
};

export const compareRows = (
  table: TableName,
  must: ReadonlyMap<string, Cells>,
  came: readonly Cells[],
): Difference[] => {
  const found = Map.groupBy(came, (row) => keyOf(table, row));
  const differences: Difference[] = [];
  const differ = (key: string, column: string, wanted: string | null, is: string | null) =>
    differences.push({ table, key, column, expected: wanted, came: is });
  for (const [key, row] of must) {
    const rows = found.get(key);
    if (!rows) {
      differ(key, "*", JSON.stringify(row), null);
      continue;
    }
    if (rows.length > 1) differ(key, "*", "1 row", `${rows.length} rows`);
    for (const column of new Set([...Object.keys(row), ...Object.keys(rows[0]!)])) {
      const wanted = row[column];
      const bad = rows.find((r) => r[column] !== wanted);
      if (bad) differ(key, column, wanted === undefined ? "no such column" : wanted, bad[column] ?? null);
    }
  }
  for (const [key, rows] of found) if (!must.has(key)) differ(key, "*", null, JSON.stringify(rows[0]));
  return differences;
};

/** Letters by reason, ticker and records; the same letter delivered twice (one id) is one. */
export const compareLetters = (must: readonly Letter[], came: readonly Counted[]): Difference[] => {
  const counts = (contents: readonly string[]) => {
    const found = new Map<string, number>();
    for (const content of contents) found.set(content, (found.get(content) ?? 0) + 1);
    return found;
  };
  const wanted = counts(must.map(contentOf));
  const is = counts([...new Map(came.map(({ id, content }) => [id, content])).values()]);
  return [...new Set([...wanted.keys(), ...is.keys()])]
    .filter((content) => wanted.get(content) !== is.get(content))
    .map((content) => ({
      table: "bovespa-dlq",
      key: content,
      column: "*",
      expected: wanted.has(content) ? `${wanted.get(content)} letters` : null,
      came: is.has(content) ? `${is.get(content)} letters` : null,
    }));
};

/** Of each raw object that is refused, by reason and key, one letter and no other: not one for every caller. */
export const compareLanded = async ({ aws }: Reader, refused: readonly string[]): Promise<Difference[]> => {
  const bodies = new Map<string, Set<string>>(refused.map((content) => [content, new Set()]));
  await eachLetter(aws, "landed", ({ content, body }) =>
    bodies.set(content, (bodies.get(content) ?? new Set()).add(body)),
  );
  return [...bodies]
    .map(([key, found]) => ({ key, expected: refused.includes(key) ? 1 : 0, came: found.size }))
    .filter(({ expected, came }) => expected !== came)
    .map(({ key, expected, came }) => ({
      ...{ table: "landed-dlq", key, column: "*" },
      ...{ expected: `${expected} letters`, came: `${came} letters` },
    }));
};
