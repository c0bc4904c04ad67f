import { createHash } from "node:crypto";
import fc from "fast-check";
import type { Dataset, WireRecord } from "../../packages/core/dataset.ts";
import { judgeOf } from "../../packages/core/judge.ts";
import { messages } from "../../packages/core/message.ts";
import { withLayout } from "../../packages/core/table.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";

/** Rows that the judge permits and that engines could disagree on, in origins that correct each other. */

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
export const byTicker: Dataset = {
  ...bovespa,
  tables: bovespa.tables.map((t) => (t.name === "bovespa_refined" ? withLayout(t, ["year", "ticker"]) : t)),
};

const judge = judgeOf(bovespa, digest);
export type Source = { version: string; scraped_at: string; name: string };

/** Records as the consumer hands them to Firehose, by the real judge; what it refuses is in `refused`. */
export const judged = (
  records: readonly WireRecord[],
  { version, scraped_at, name }: Source,
): { rows: WireRecord[]; refused: number } => {
  const origin = { sha256: digest(name), version, scraped_at };
  const rows: WireRecord[] = [];
  let refused = 0;
  for (const [subject, of] of Map.groupBy(records, bovespa.raw!.subject))
    for (const { body } of messages(bovespa, { source: "test", origin }, { subject, records: of }, digest)) {
      const verdict = judge({ receipt: "r", body, sentAt: Date.parse("2026-01-01T00:00:00Z") });
      refused += verdict.rejects.length;
      rows.push(...verdict.rows.map((row) => JSON.parse(row) as WireRecord));
    }
  return { rows, refused };
};

/** Texts that look like something else, sort in two ways, or are spelled in two. At most as long as the column. */
const odd = [
  ..."éÉẽçÇßıİŒ𝟏😀￿\u{e000}\u{10ffff}\u0085\u009f\u00a0\u2028\u200b\ufeff\ufffd",
  ...["e\u0301", "\u00e9", "ＰＥＴＲ４", "😀A", "\uffffA", "\ue000A"],
  ...[
    "'",
    '"',
    "\\",
    "`",
    "$1",
    "%",
    "%41",
    "%2F",
    "/",
    "..",
    ".",
    "=",
    "a=b",
    "*",
    "?",
    "[a]",
    "{a,b}",
    "#",
    ";",
    ",",
  ],
  ...[" A", "A ", "A  ", " ", "  ", "A B", "a", "A", "aA", "Aa", "AA", "B"],
  ...["null", "NULL", "None", "NaN", "nan", "true", "-0", "0", "0001", "1e3", "1.0", "+1", "Infinity", "1990-01-01"],
];
const upTo = (max: number): fc.Arbitrary<string> => {
  const short = odd.filter((text) => [...text].length <= max);
  const letters = fc.string({ minLength: 1, maxLength: max, unit: fc.constantFrom(..."AB9 é😀") });
  return fc.oneof(fc.constantFrom(...short), letters);
};
const orNone = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { freq: 3 });

const spelled = (units: bigint, scale: number): string => {
  const digits = String(units).padStart(scale + 1, "0");
  return `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
};
/** Whole numbers of up to so many digits: nothing, one, all nines, halves, and what is just beside a power of ten. */
const upToDigits = (digits: number): fc.Arbitrary<bigint> => {
  const most = 10n ** BigInt(digits) - 1n;
  const edges = [0n, 1n, 5n, 49n, 50n, 99n, 100n, most, most - 1n, most / 2n, (most + 1n) / 10n, (most + 1n) / 100n];
  return fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min: 0n, max: most }), fc.bigInt({ min: 0n, max: 10_000n }));
};

/** Low, open, average and last, high, in this order but for a row without trades, where they stand as they fall. */
const prices = (traded: boolean): fc.Arbitrary<Record<string, string>> =>
  fc.array(upToDigits(13), { minLength: 7, maxLength: 7 }).map((some) => {
    const [a, b, c, d, e] = traded ? some.slice(0, 5).sort((x, y) => (x < y ? -1 : x > y ? 1 : 0)) : some;
    const of = { premin: a, preabe: b, premed: c, preult: d, premax: e, preofc: some[5], preofv: some[6] };
    return Object.fromEntries(Object.entries(of).map(([name, units]) => [name, spelled(units!, 2)]));
  });

/** Year boundaries, holidays, weekends, a leap day, B3's first file, and where the calendar begins and ends. */
export const sessions = [
  ...["2023-12-28", "2023-12-29", "2023-12-30", "2023-12-31", "2024-01-01", "2024-01-02", "2024-02-12", "2024-02-29"],
  ...["2024-03-04", "2024-03-05", "2024-03-28", "2024-03-29", "2024-12-24", "2024-12-31"],
];
export const far = ["1986-01-01", "1989-12-31", "1990-01-01", "2040-12-31", "2041-01-02", "9999-12-31"];
const expiries = [
  ...["1000-01-01", "1500-02-28", "1582-10-04", "1582-10-10", "1582-10-15", "1899-12-31", "1900-01-01", "1969-12-31"],
  ...["1970-01-01", "2024-02-29", "2038-01-19", "2262-04-12", "9999-12-30", "9999-12-31"],
];
const tickers = ["PETR4", "VALE3", "ABCD11", "XP"];

const record = (of: readonly string[]): fc.Arbitrary<WireRecord> =>
  fc
    .record({
      datpre: fc.constantFrom(...of),
      codneg: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...tickers) }, { weight: 2, arbitrary: upTo(12) }),
      tpmerc: fc.oneof({ weight: 3, arbitrary: fc.constantFrom("010", "020", "030", "070") }, upTo(3)),
      texts: fc.record({
        codbdi: upTo(2),
        nomres: orNone(upTo(12)),
        especi: orNone(upTo(10)),
        modref: orNone(upTo(4)),
      }),
      others: fc.record({ indopc: orNone(upTo(1)), codisi: orNone(upTo(12)), dismes: orNone(upTo(3)) }),
      prazot: orNone(fc.oneof(fc.constantFrom("030", "060"), upTo(3))),
      prices: fc.boolean().chain((traded) => prices(traded).map((of) => ({ traded, of }))),
      totneg: fc.oneof(fc.constantFrom(0, 1, 2, 99_999), fc.nat(99_999)),
      quatot: upToDigits(18),
      voltot: upToDigits(18),
      preexe: upToDigits(13),
      ptoexe: upToDigits(13),
      datven: orNone(fc.constantFrom(...expiries)),
      fatcot: fc.constantFrom(1, 10, 100, 1000, 10_000),
      honest: fc.boolean(),
    })
    .map(({ datpre, codneg, tpmerc, texts, others, prazot, prices: p, datven, honest, ...n }) => {
      const quantity = p.traded ? n.quatot : 0n;
      // As the market has it, or anything: the audits and the suspicion of a wrapped count look at both.
      const money = (BigInt(p.of.premed!.replace(".", "")) * quantity) / BigInt(n.fatcot);
      const volume = honest && money < 10n ** 18n ? money : n.voltot;
      return {
        ...{ datpre, codbdi: texts.codbdi, codneg, tpmerc, nomres: texts.nomres, especi: texts.especi },
        ...{ prazot: tpmerc === "010" ? null : prazot, modref: texts.modref },
        ...p.of,
        ...{ totneg: n.totneg, quatot: String(quantity), voltot: spelled(volume, 2), preexe: spelled(n.preexe, 2) },
        ...{ indopc: others.indopc, datven, fatcot: n.fatcot, ptoexe: spelled(n.ptoexe, 6) },
        ...{ codisi: others.codisi, dismes: others.dismes },
      };
    });

const sources = (latest: string): fc.Arbitrary<Source> =>
  fc.record({
    // The greatest wins, as bytes compare: UTF-16 has the last two the other way round.
    version: fc.constantFrom("2024-11-08", "2024-11-09", "2024-11-09 ", "A", "a", "é", "e\u0301", "\uffff", "😀"),
    scraped_at: fc.constantFrom(
      `${latest} 02:59:59.999`,
      `${latest} 03:00:00.000`,
      `${latest} 23:59:59.001`,
      "2041-06-01 12:00:00.120",
      "9999-12-31 23:59:59.999",
    ),
    name: fc.constantFrom("a", "b", "c"),
  });

/** Of how many rows an origin says its session is one: the truth mostly. */
const says = fc.constantFrom("all", "all", "all", "nothing", "less", "more");

/** An origin's rows, judged: a record of the same key can come twice in it, with other values. */
const origin = (of: readonly string[], latest: string, rows: number): fc.Arbitrary<WireRecord[]> =>
  fc
    .record({
      source: sources(latest),
      says,
      records: fc.array(record(of), { minLength: 1, maxLength: rows, size: "max" }),
    })
    .map(({ source, says: what, records }) => {
      const distinct = Map.groupBy(new Map(records.map((r) => [JSON.stringify(r), r])).values(), (r) => r.datpre);
      const stated = records.map((r) => {
        const count = distinct.get(r.datpre)!.length;
        return {
          ...r,
          origin_rows:
            what === "all" ? count : what === "nothing" ? null : Math.max(1, count + (what === "less" ? -1 : 1)),
        };
      });
      return judged(stated, source).rows;
    });

export type Objects = Record<string, WireRecord[]>;
export type World = {
  /** Of each run its objects, by name. */
  runs: Objects[];
  /** Events that never arrived, as far as the last run is concerned. */
  withdrawn: string[];
  units: string[];
};

/** Runs over origins that meet in the same sessions: whole, in pieces, late, twice in an object and across objects. */
export const worlds = (
  options: { of?: readonly string[]; latest?: string; origins?: number; rows?: number; runs?: number } = {},
): fc.Arbitrary<World> => {
  const { of = sessions, latest = "2025-01-01", origins = 6, rows = 60, runs = 4 } = options;
  return fc
    .array(origin(of, latest, rows), { minLength: origins, maxLength: origins })
    .chain((groups) => {
      const all = groups.flat();
      const pick = fc.nat(Math.max(0, all.length - 1));
      const piece = fc.oneof(
        // A whole origin; or what falls, some of it twice.
        fc.nat(groups.length - 1).map((g) => groups[g]!),
        fc.array(pick, { maxLength: 80, size: "max" }).map((some) => some.flatMap((i) => (all[i] ? [all[i]] : []))),
      );
      return fc.record({
        pieces: fc.array(fc.array(piece, { minLength: 1, maxLength: 3 }), { minLength: runs, maxLength: runs }),
        gone: fc
          .array(pick, { maxLength: 6, size: "max" })
          .map((some) => some.flatMap((i) => (all[i] ? [all[i].event_id] : []))),
      });
    })
    .map(({ pieces, gone }) => ({
      runs: pieces.map((some, r) => Object.fromEntries(some.map((piece, i) => [`${r}-${i}`, piece]))),
      withdrawn: [...new Set(gone as string[])].sort(),
      units: [...new Set(of.map((session) => session.slice(0, 4)))].sort(),
    }));
};

export const sample = <T>(of: fc.Arbitrary<T>, seed: number): T => fc.sample(of, { numRuns: 1, seed })[0]!;
