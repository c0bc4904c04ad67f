import type { Arrived } from "./judge.ts";

/** RUNS.md "Merging" over the set of rows that arrived: of no order, split or repetition. */

/** A session's origin, of which it says (or not: 0) how many rows it has. `seen`: distinct events of it that arrived. */
export type Source = {
  version: string;
  scraped_at: string;
  sha256: string;
  stated: number;
  seen: number;
  rank: number;
};

export type Merged = {
  published: Arrived[];
  waiting: Arrived[];
  sources: (Source & { state: "completa" | "parcial" | "superada"; mixed: boolean })[];
};

/** As bytes of UTF-8 compare. */
export const order = (a: string, b: string): number => (a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b)));

const sourceKey = (row: Arrived): string =>
  JSON.stringify([row.version, row.scraped_at, row.sha256, row.origin_rows ?? 0]);
const rowKey = ({ record }: Arrived): string => JSON.stringify([record.codneg, record.tpmerc, record.prazot]);

/** Rows of one session. */
export const mergeSession = (arrived: readonly Arrived[]): Merged => {
  const sources = new Map<string, Source>();
  const rows: { row: Arrived; source: Source }[] = [];
  const known = new Set<string>();
  for (const row of arrived) {
    const key = sourceKey(row);
    const { version, scraped_at, sha256 } = row;
    if (!sources.has(key))
      sources.set(key, { version, scraped_at, sha256, stated: row.origin_rows ?? 0, seen: 0, rank: 0 });
    const event = `${row.event_id} ${key}`;
    if (known.has(event)) continue;
    known.add(event);
    const source = sources.get(key)!;
    source.seen++;
    rows.push({ row, source });
  }
  const ranked = [...sources.values()].sort(
    (a, b) =>
      order(a.version, b.version) ||
      order(a.scraped_at, b.scraped_at) ||
      order(a.sha256, b.sha256) ||
      a.stated - b.stated,
  );
  for (const [rank, source] of ranked.entries()) source.rank = rank;
  const complete = ranked.findLast((s) => s.stated > 0 && s.seen >= s.stated);
  const above = (source: Source) => complete === undefined || source.rank > complete.rank;

  const counted = rows.filter(({ source }) => source.stated === 0 || source === complete || above(source));
  const published: Arrived[] = [];
  const waiting: Arrived[] = [];
  for (const same of Map.groupBy(counted, ({ row }) => rowKey(row)).values()) {
    same.sort((a, b) => b.source.rank - a.source.rank || order(b.row.event_id, a.row.event_id));
    const [best, ...losers] = same;
    published.push(best!.row);
    // A row of an origin still to complete counts as arrived; the best one without origin_rows may come back.
    const silent = same.find(({ source }) => source.stated === 0);
    for (const loser of losers)
      if (loser.source.stated > 0 ? above(loser.source) : loser === silent) waiting.push(loser.row);
  }
  const stated = ranked.filter((s) => s.stated > 0);
  const mixed = complete !== undefined && stated.some(above);
  return {
    published,
    waiting,
    sources: stated.map((s) => ({
      ...s,
      state: s === complete ? "completa" : above(s) ? "parcial" : "superada",
      mixed,
    })),
  };
};
