import { type Dataset, lineageNames, type WireRecord } from "./dataset.ts";
import { type Digest, envelope, typeOf } from "./message.ts";
import { type Reject, rejectBody, rejectRecords } from "./reject.ts";

/** One line of an object that Firehose wrote under its error prefix; the rest of its fields are not ours to read. */
export type FailedDelivery = {
  rawData: string;
  lastErrorCode: string;
  lastErrorMessage: string;
  arrivalTimestamp: number;
};

/**
 * The rows of a record that Firehose could not convert, each a reject under Firehose's code, in a form that can be sent
 * again: the lineage of a row is enough to make its message anew. `text` is the record, newline-separated JSON.
 */
export const salvage = (dataset: Dataset, text: string, failure: FailedDelivery, digest: Digest): Reject[] => {
  const seen = new Date(failure.arrivalTimestamp).toISOString();
  const cause = { reason: failure.lastErrorCode, message: failure.lastErrorMessage, path: "", seen };
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => salvageRow(dataset, line, cause, digest));
};

const salvageRow = (
  dataset: Dataset,
  line: string,
  cause: { reason: string; message: string; path: string; seen: string },
  digest: Digest,
): Reject => {
  try {
    const row = JSON.parse(line) as WireRecord;
    const record: WireRecord = {};
    for (const [name, value] of Object.entries(row))
      if (!(lineageNames as readonly string[]).includes(name)) record[name] = value;
    if (row.origin_rows !== null && row.origin_rows !== undefined) record.origin_rows = row.origin_rows;
    const event = envelope.parse({
      specversion: "1.0",
      id: row.message_id,
      source: "pregao:salvage",
      type: typeOf(dataset),
      subject: dataset.raw?.subject(record),
      time: `${String(row.scraped_at).replace(" ", "T")}Z`,
      datacontenttype: "application/json",
      data: {
        origin: { sha256: row.origin_sha256, version: row.source_version, scraped_at: row.scraped_at },
        records: [record],
      },
    });
    return rejectRecords(event, [record], cause, digest);
  } catch {
    return rejectBody(dataset, line, cause, digest);
  }
};
