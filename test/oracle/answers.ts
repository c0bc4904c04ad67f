import { hash } from "node:crypto";
import { query } from "../../packages/aws/queries.ts";
import { receive, release } from "../../packages/aws/queues.ts";
import { getBytes, getJson, list } from "../../packages/aws/store.ts";
import type { Place } from "../../packages/cli/place.ts";
import type { Cells } from "./rows.ts";

/** How the oracle reads what is: tables through Athena, dead letters by receiving them and giving them back. */

export type Reader = Pick<Place, "aws" | "database">;

/** A statement's result as Athena writes it into its bucket: CSV, every value quoted, a null nothing at all. */
export const csvOf = async ({ aws, database }: Reader, sql: string): Promise<string> => {
  const { id } = await query(aws, sql, database);
  const bytes = await getBytes(aws, "results", `athena/${id}.csv`);
  if (!bytes) throw new Error(`the result of ${id} is not in the bucket of results`);
  return Buffer.from(bytes).toString("utf8");
};

/** Rows of that CSV by its header's names. */
export const rowsOf = (csv: string): Cells[] => {
  const [header, ...rows] = linesOf(csv);
  return rows.map((cells) => {
    const row: Cells = {};
    for (const [i, name] of header!.entries()) row[name!] = cells[i]!;
    return row;
  });
};

const linesOf = (csv: string): (string | null)[][] => {
  const lines: (string | null)[][] = [];
  let line: (string | null)[] = [];
  const cell = /(?:"((?:[^"]|"")*)")?([,\n])/y;
  for (let found = cell.exec(csv); found; found = cell.exec(csv)) {
    const [, quoted, end] = found;
    line.push(quoted === undefined ? null : quoted.includes('"') ? quoted.replaceAll('""', '"') : quoted);
    if (end === ",") continue;
    lines.push(line);
    line = [];
  }
  return lines;
};

/** A dead letter as it was found: `id` from its body; `content` as {@link letterContent} spells it; `body`, its digest. */
export type FoundLetter = { id: string; content: string; body: string };

const MOST_SHOWN = 200;

/** Reason, ticker and records, in little: what is long is cut, and told apart by its digest. */
export const letterContent = (reason: string, ticker: string, records: readonly string[]): string => {
  const whole = `${reason} ${ticker} ${records.join(" ")}`;
  return whole.length <= MOST_SHOWN ? whole : `${whole.slice(0, MOST_SHOWN)}… ${hash("sha256", whole)}`;
};

/** A body that is no reject of ours was moved there by SQS: `exhausted`. Of a refused raw object it is reason and key. */
export const readLetter = (body: string, messageId: string): FoundLetter => {
  const event = JSON.parse(body) as Record<string, unknown>;
  const found = (id: string, content: string): FoundLetter => ({ id, content, body: hash("sha256", body) });
  if (typeof event.rejectreason !== "string") return found(messageId, letterContent("exhausted", "", [body]));
  const { data, id, subject, type } = event as Record<string, string> & { data: string | { records: unknown[] } };
  if (/\.object$/.test(String(type))) return found(String(id), `${event.rejectreason} ${event.rejectpath}`);
  const records = typeof data === "string" ? [JSON.stringify(data)] : data.records.map((r) => JSON.stringify(r));
  return found(String(id), letterContent(event.rejectreason, String(subject), records));
};

/** How many receives are under way at once; each takes up to ten letters. */
const READERS = 4;
const HIDDEN_SECONDS = 300;

/**
 * Every dead letter, one by one: those of the queue, given back when all were seen, then those that were archived. Nothing
 * of a body is kept but what `look` keeps.
 */
export const eachLetter = async (
  aws: Place["aws"],
  box: "bovespa" | "landed",
  look: (letter: FoundLetter) => void,
): Promise<void> => {
  const receipts: string[] = [];
  const reader = async () => {
    for (;;) {
      const batch = await receive(aws, `${box}-dlq`, HIDDEN_SECONDS);
      if (batch.length === 0) return;
      for (const { body, messageId, receipt } of batch) {
        receipts.push(receipt);
        look(readLetter(body, messageId));
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: READERS }, reader));
  } finally {
    await release(aws, `${box}-dlq`, receipts);
  }
  for await (const { key } of list(aws, "lake", `rejected/${box}/`)) {
    const { body } = (await getJson(aws, "lake", key)) as { body: string };
    look(readLetter(body, key));
  }
};
