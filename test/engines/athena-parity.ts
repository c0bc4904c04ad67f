/** One statement on both: on Trino, and through our Athena's wire as `pregao query` asks it, with the CSV it leaves. */
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { inMemory } from "../../functions/origin.ts";
import { query } from "../../packages/aws/queries.ts";
import { flow } from "../../packages/cli/ingest.ts";
import { refine } from "../../packages/cli/refine.ts";
import { PregaoError } from "../../packages/core/errors.ts";
import { bucket } from "../../packages/core/stage.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { calendario } from "../../packages/datasets/calendario/index.ts";
import { carteira } from "../../packages/datasets/carteira/index.ts";
import { csv, portfolios } from "../origin/portfolios.ts";
import { sendFile, testPlace } from "../place.ts";
import { fieldOf, textOf } from "./athena-form.ts";
import { type Answered, startTrino } from "./trino.ts";

export type Cells = (string | null)[];
/** `precision` and `scale` as ColumnInfo has them. */
export type Result = { columns: string[]; rows: Cells[] };
export type Outcome = Result | { refused: string } | { failed: string };

const shown = (f: { name: string; type: string; precision: number; scale: number }): string =>
  `${f.name} ${f.type}(${f.precision},${f.scale})`;

/** Trino's answer as Athena would give it. */
export const formOf = ({ columns, rows }: Answered): Result => ({
  columns: columns.map((column) => shown(fieldOf(column))),
  rows: rows.map((row) => row.map((cell, at) => textOf(cell, columns[at]!.typeSignature))),
});

/** A CSV of Athena's: every value in quotes, a null nothing at all. Not the product's own reader. */
export const parseCsv = (text: string): Cells[] => {
  const rows: Cells[] = [];
  let row: Cells = [];
  const cell = /("(?:[^"]|"")*")?([,\n])/gy;
  for (let found = cell.exec(text); found; found = cell.exec(text)) {
    row.push(found[1] === undefined ? null : found[1].slice(1, -1).replaceAll('""', '"'));
    if (found[2] === "\n") {
      rows.push(row);
      row = [];
    }
    if (cell.lastIndex === text.length) return rows;
  }
  throw new Error(`expected a CSV of quoted values, came ${JSON.stringify(text.slice(0, 200))}`);
};

/** Rows in their order if the statement's outermost query has one, else as a set. */
export const isOrdered = (sql: string): boolean => {
  let flat = sql.replace(/--[^\n]*/g, "").replace(/'(?:[^']|'')*'/g, "''");
  for (let inner = ""; inner !== flat; ) {
    inner = flat;
    flat = flat.replace(/\([^()]*\)/g, "");
  }
  return /\border\s+by\b/i.test(flat);
};

export const inOrder = (sql: string, { columns, rows }: Result): Result => ({
  columns,
  rows: isOrdered(sql) ? rows : rows.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
});

/** The real session and year, and two real portfolios of other days, in a river of their own, and a Trino that reads it. */
export const openParity = async () => {
  const place = await testPlace();
  const closing: (() => Promise<void>)[] = [place.remove];
  const close = async (): Promise<void> => {
    for (let next = closing.pop(); next; next = closing.pop()) await next();
  };
  try {
    // The JVM starts while the river works.
    const starting = startTrino({
      endpoint: place.stack!.url,
      region: place.stage.region,
      database: place.database,
    });
    // What fails first is told, and the other is still ended.
    const started = starting.then(
      (trino) => {
        closing.push(trino.stop);
        return trino;
      },
      (error: unknown) => ({ error }),
    );
    try {
      await sendFile(place, bovespa, new URL("../fixtures/cotahist/COTAHIST_A2023.ZIP", import.meta.url).pathname);
      await sendFile(place, bovespa, bovespa.demo!.file.pathname);
      await refine(place, calendario, {});
      for (const [n, date] of ["2024-11-07", "2024-11-08"].entries()) {
        const bytes = inMemory(Buffer.from(csv({ ...portfolios[n]!, date }), "latin1"));
        await flow(place, carteira, { source: `${date}.csv`, bytes }, true);
      }
    } finally {
      await started;
    }
    const trino = await starting;
    const { aws, stage, database } = place;

    /** The statement through StartQueryExecution, GetQueryResults, and the object that it left. */
    const ours = async (sql: string): Promise<Outcome> => {
      try {
        const { id, fields, rows } = await query(aws, sql, database);
        const all: Cells[] = [];
        for await (const page of rows) all.push(...page);
        const file = await aws.s3.send(
          new GetObjectCommand({ Bucket: bucket(stage, "results"), Key: `athena/${id}.csv` }),
        );
        const [header, ...lines] = parseCsv(await file.Body!.transformToString());
        if (JSON.stringify([header, ...lines]) !== JSON.stringify([fields.map(({ name }) => name), ...all]))
          throw new Error(`the result file of ${sql} says otherwise than its pages`);
        return { columns: fields.map(shown), rows: all };
      } catch (error) {
        if (!(error instanceof PregaoError)) throw error;
        return /not answered locally/.test(error.message) ? { refused: error.message } : { failed: error.message };
      }
    };
    const theirs = async (sql: string): Promise<Outcome> => {
      const answer = await trino.ask(sql);
      return "error" in answer ? { failed: `${answer.error}: ${answer.message}` } : formOf(answer);
    };
    return { place, trino, ours, theirs, close };
  } catch (error) {
    await close();
    throw error;
  }
};

export type Parity = Awaited<ReturnType<typeof openParity>>;
