import type { Archived, openArchived } from "../../functions/origin.ts";
import { digest } from "../../functions/river.ts";
import type { Dataset, Origin, WireRecord } from "../core/dataset.ts";
import { judgeOf } from "../core/judge.ts";
import { messages } from "../core/message.ts";
import { attribute, recordId } from "./verify/expected.ts";

/** A record without the number of rows of its session, which its line does not say. */
export const bareId = (record: unknown): string => recordId({ ...(record as WireRecord), origin_rows: null });

/** `name`: the event id of its row, or the bare id of a record that is refused; `bare`: that of either. */
export type Line = { line: number; record: WireRecord; name: string; bare: string; refused: boolean };
export type Opened = Awaited<ReturnType<typeof openArchived>>;

/** The lines of a file that hold a ticker's session, each judged. */
export const linesOf = async (
  dataset: Dataset,
  { archived, bytes }: Opened,
  sha256: string,
  { ticker, session }: { ticker: string; session: string },
): Promise<Line[]> => {
  const judge = judgeOf(dataset, digest);
  const { source, scraped_at, version } = archived as Archived;
  // An event id is of the record and the file; which version the file is plays no part in it.
  const origin: Origin = { sha256, version: version || "0", scraped_at };
  const lines: Line[] = [];
  for await (const { line, record } of dataset.raw!.format.find(bytes, { subject: ticker, session })) {
    const bare = bareId(record);
    const [message] = messages(dataset, { source, origin }, { subject: ticker, records: [record] }, digest);
    const [row] = judge({ receipt: "", body: message!.body, sentAt: 0 }).rows;
    lines.push({ line, record, bare, name: row ? attribute(row, "event_id") : bare, refused: !row });
  }
  return lines;
};
