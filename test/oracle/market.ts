import { type Fields, file, line } from "../datasets/cotahist.ts";
import { random } from "../synthetic.ts";

/** Small markets in COTAHIST's layout that have what real ones have, the odd things in every one of them. */

const digits = (value: number | bigint, width: number): string => String(value).padStart(width, "0");

export type Market = {
  /** The same seed, the same bytes. */
  seed: number;
  /** `YYYY-MM-DD`. */
  sessions: readonly string[];
  /** Rows of the cash market in each session; about twice as many of other markets come with them. */
  papers: number;
  /** With rows that the judge refuses, too, and lines that are there twice. */
  dirty?: boolean;
};

/** The lines of a session: one field set each, to be changed by a correction. */
export const marketLines = ({ seed, sessions, papers, dirty = false }: Market): Fields[] => {
  const next = random(seed);
  const below = (n: number) => Math.floor(next() * n);
  return sessions.flatMap((session, s) => {
    const datpre = session.replaceAll("-", "");
    const lines: Fields[] = [];
    for (let i = 0; i < papers; i++) {
      // A ticker is an illiquid, a wide, a still, or a usual paper in all its sessions.
      const name = `A${String.fromCharCode(65 + (i % 26))}${String.fromCharCode(65 + (Math.floor(i / 26) % 26))}X`;
      const fatcot = [1, 1, 1, 1000, 10, 100, 10_000][i % 7]!;
      const low = 1 + below(5_000) * (i % 7 === 0 ? 1 : 100);
      const high = low + below(1 + (i % 3 === 0 ? low / 5 : low / 200));
      const within = () => low + below(high - low + 1);
      const average = within();
      const quantity = BigInt(fatcot) * BigInt(1 + below(20_000));
      const money = (BigInt(average) * quantity) / BigInt(fatcot);
      // One in nine has a session in which the count of trades went through 100,000.
      const trades = i % 9 === 4 && s === sessions.length - 1 ? 1 : 1 + below(900);
      const shared: Fields = {
        datpre,
        nomres: i % 5 === 0 ? "S\u00c3O PAULO \u00c7" : `EMPRESA ${name}`.slice(0, 12),
        especi: ["ON      NM", "PN  ED  N2", "UNT     N2", "CI", ""][i % 5]!,
        fatcot: digits(fatcot, 7),
        preabe: digits(within(), 13),
        premax: digits(high, 13),
        premin: digits(low, 13),
        premed: digits(average, 13),
        preult: digits(within(), 13),
        preofc: digits(i % 4 === 0 ? 0 : low, 13),
        preofv: digits(high, 13),
        totneg: digits(trades, 5),
        quatot: digits(quantity, 18),
        // Sometimes more than rounding explains.
        voltot: digits(money + (i % 11 === 3 ? 10_000n : 0n) + (i % 9 === 4 && trades === 1 ? 90_000_000n : 0n), 18),
        codisi: `BR${name}ACN${i % 3 === 0 ? "OR" : "PR"}${i % 10}`,
        dismes: digits(100 + (i % 200), 3),
      };
      lines.push({ ...shared, codneg: `${name}3`, tpmerc: "010", codbdi: i % 6 === 5 ? "13" : "02" });
      if (i % 2 === 0) lines.push({ ...shared, codneg: `${name}3F`, tpmerc: "020", codbdi: "96" });
      // A forward repeats its ticker, once a term.
      if (i % 3 === 0)
        for (const prazot of ["030", "060"])
          lines.push({ ...shared, codneg: `${name}3T`, tpmerc: "030", codbdi: "62", prazot });
      lines.push({
        ...shared,
        codneg: `${name}${String.fromCharCode(65 + (i % 12))}${digits(below(99), 2)}`,
        tpmerc: i % 2 === 0 ? "070" : "080",
        codbdi: "78",
        preexe: digits(low + below(1000), 13),
        ptoexe: digits(below(10_000_000), 13),
        indopc: i % 5 === 1 ? "1" : "0",
        datven: i % 7 === 2 ? "        " : i % 7 === 3 ? "99991231" : "20300118",
      });
      // Nothing traded, and a price that stands alone.
      if (i % 8 === 6)
        lines.push({
          ...shared,
          codneg: `${name}4`,
          tpmerc: "010",
          totneg: digits(0, 5),
          quatot: digits(0, 18),
          voltot: digits(i % 16 === 6 ? 0 : 7, 18),
          premin: digits(0, 13),
          premax: digits(0, 13),
        });
    }
    if (dirty) {
      const good = { ...lines[0]!, codneg: "BADX3" };
      lines.push(
        { ...good, codneg: "BADX4", fatcot: "0000007" },
        { ...good, premin: digits(9_999_999, 13) },
        { ...good, codneg: "BADX5", nomres: "NUL\u0000" },
        { ...good, codneg: "BADX6", preult: "00000000,3660" },
        { ...good, codneg: "BADX7", prazot: "030", tpmerc: "010" },
        { ...good, codneg: "BADX8", voltot: "1234567890123456.0" },
        { ...good, codneg: "            " },
        { ...lines[1]! },
        { ...lines[1]! },
      );
    }
    return lines;
  });
};

/** The file of these lines, of one year. */
export const fileOf = (lines: readonly Fields[], generated: string): Uint8Array => {
  const stamp = generated.replaceAll("-", "");
  const name = `COTAHIST.${(lines[0]?.datpre ?? stamp).slice(0, 4)}BOVESPA ${stamp}`;
  return file(lines.map(line), {
    header: `00${name}`.padEnd(245),
    trailer: `99${name}${digits(lines.length + 2, 11)}`.padEnd(245),
  });
};

/** A file for each year of these lines: a file is of one. */
export const filesOf = (lines: readonly Fields[], generated: string): Uint8Array[] =>
  [...Map.groupBy(lines, (line) => line.datpre?.slice(0, 4)).values()].map((some) => fileOf(some, generated));

export const market = (of: Market, generated: string = of.sessions.at(-1)!): Uint8Array =>
  fileOf(marketLines(of), generated);

/** B3's correction: some prices changed, one row gone, one moved from the cash market to another. */
export const corrected = (lines: readonly Fields[], seed: number): Fields[] => {
  const next = random(seed);
  const cash = lines.flatMap((l, i) => (l.tpmerc === "010" ? [i] : []));
  const pick = () => cash.splice(Math.floor(next() * cash.length), 1)[0]!;
  const [gone, moved, ...changed] = [pick(), pick(), pick(), pick(), pick()];
  return lines.flatMap((l, i) => {
    if (i === gone) return [];
    if (i === moved) return [{ ...l, tpmerc: "021", codbdi: "93" }];
    if (!changed.includes(i)) return [l];
    return [{ ...l, preult: l.premax!, preofv: digits(BigInt(l.preofv!) + 1n, 13) }];
  });
};
