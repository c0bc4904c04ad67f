import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { inMemory } from "../../functions/origin.ts";
import type { WireRecord } from "../../packages/core/dataset.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { type Cell, writeParquet } from "../../packages/engines/duckdb/parquet.ts";
import { openSession } from "../../packages/engines/duckdb/session.ts";
import { cotahist, sessionsOf } from "../synthetic.ts";

/** Rows of one session, which is about what a day of today has. */
export const PER_SESSION = 12_000;
/** Sessions in a raw object: some 64 MiB of Firehose's buffer. */
const PER_OBJECT = 10;

const cellOf = (type: string, value: unknown): Cell => {
  if (value === null || value === undefined) return null;
  if (type === "date") return Date.parse(`${value}T00:00:00Z`) / 86_400_000;
  if (type === "timestamp") return BigInt(Date.parse(`${String(value).replace(" ", "T")}Z`)) * 1000n;
  if (type === "bigint") return BigInt(value as string);
  return value as Cell;
};

/** Raw objects of `rows` rows of one year as Firehose leaves them, in a folder; and one more session apart, the last. */
export const rawObjects = async (
  dir: string,
  rows: number,
): Promise<{ files: string[]; unit: string; next: string }> => {
  const year = 2023;
  const columns = Object.entries(bovespa.raw!.table.columns).map(([name, { type }]) => ({ name, type }));
  const sessions = sessionsOf(year);
  const count = Math.ceil(rows / PER_SESSION);
  if (count >= sessions.length + 10) throw new Error(`expected at most ${sessions.length} sessions, came ${count}`);
  const session = await openSession({ scratch: join(dir, "tmp"), threads: 1 });
  const write = async (name: string, days: readonly string[], each: number): Promise<string> => {
    const path = join(dir, `${name}.parquet`);
    const batches = async function* () {
      for (const [i, day] of days.entries()) {
        const found = await recordsOf(day, each, i + 1);
        yield columns.map((c) => found.map((row) => cellOf(c.type, row[c.name])));
      }
    };
    await writeParquet(session, path, { columns, batches: batches(), codec: "snappy" });
    return path;
  };
  try {
    mkdirSync(dir, { recursive: true });
    // The last session of the year is the one that comes later.
    const days = sessions.slice(0, -1);
    const used = days.slice(0, Math.min(count, days.length));
    const each = Math.ceil(rows / used.length);
    const files: string[] = [];
    for (let at = 0; at < used.length; at += PER_OBJECT)
      files.push(await write(`raw-${String(at).padStart(3, "0")}`, used.slice(at, at + PER_OBJECT), each));
    return { files, unit: String(year), next: await write("next", sessions.slice(-1), PER_SESSION) };
  } finally {
    session.close();
  }
};

const recordsOf = async (day: string, count: number, seed: number): Promise<WireRecord[]> => {
  const text = cotahist({ sessions: [day], perSession: count, seed });
  const origin = createHash("sha256").update(text).digest("hex");
  const bytes = inMemory(text);
  const { format } = bovespa.raw!;
  const lineage = {
    message_id: origin.slice(0, 32),
    origin_sha256: origin,
    source_version: day,
    origin_rows: count,
    scraped_at: `${day} 23:30:00.000`,
    scraped_on: day,
  };
  const found: WireRecord[] = [];
  for await (const groups of format.groups(bytes, await format.survey(bytes)))
    for (const { records } of groups)
      for (const record of records)
        found.push({ ...record, ...lineage, event_id: createHash("md5").update(JSON.stringify(record)).digest("hex") });
  return found;
};
