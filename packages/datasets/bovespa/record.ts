import type { Law, WireRecord } from "../../core/dataset.ts";

/** B3 publishes COTAHIST from 1986 on: an earlier session is a damaged one. */
export const FIRST_SESSION = "1986-01-01";

/** A record's ticker. One without has a subject all the same, so that its message can be judged. */
export const subject = (record: WireRecord): string =>
  typeof record.codneg === "string" && record.codneg !== "" ? record.codneg : "?";

const amounts = [
  "preabe",
  "premax",
  "premin",
  "premed",
  "preult",
  "preofc",
  "preofv",
  "quatot",
  "voltot",
  "preexe",
  "ptoexe",
];

/** Prices are per so many shares. Refined unit prices multiply by the exact inverse of one of these. */
const factors = new Set(["1", "10", "100", "1000", "10000"]);

/** Canonical decimals of one scale, not negative: the longer is the greater. */
const below = (a: string, b: string): boolean => (a.length === b.length ? a < b : a.length < b.length);

/**
 * What every real row of COTAHIST obeys, in the order in which they are asked; a record's columns are valid by then.
 * An unknown market or BDI code is no fault: B3 adds them without notice.
 */
export const laws: readonly Law[] = [
  {
    code: "negative",
    path: "voltot",
    broken: (record) => {
      const name = amounts.find((n) => record[n]?.charCodeAt(0) === 45);
      return name ? `${name}: expected nothing below zero, came ${record[name]}` : null;
    },
  },
  {
    code: "quote_factor",
    path: "fatcot",
    broken: ({ fatcot }) =>
      factors.has(String(fatcot)) ? null : `fatcot: expected 1, 10, 100, 1000 or 10000, came ${fatcot}`,
  },
  {
    code: "price_order",
    path: "premin",
    broken: (record) => {
      const { premin, premax, quatot } = record as Record<string, string>;
      // Without a trade a last price can stand alone.
      if (quatot === "0") return null;
      if (below(premax!, premin!)) return `premin: expected at most premax ${premax}, came ${premin}`;
      for (const name of ["preabe", "premed", "preult"]) {
        const price = record[name]!;
        if (below(price, premin!) || below(premax!, price))
          return `${name}: expected between premin ${premin} and premax ${premax}, came ${price}`;
      }
      return null;
    },
  },
  {
    code: "cash_term",
    path: "prazot",
    broken: ({ tpmerc, prazot }) =>
      tpmerc === "010" && (prazot as string | null) !== null
        ? `prazot: expected none in the cash market (010), came ${prazot}`
        : null,
  },
  {
    code: "session_range",
    path: "datpre",
    broken: ({ datpre }) =>
      datpre! < FIRST_SESSION
        ? `datpre: expected a session since ${FIRST_SESSION}, B3's first file, came ${datpre}`
        : null,
  },
  {
    code: "future_session",
    path: "datpre",
    broken: ({ datpre }, { day }) =>
      datpre! > day ? `datpre: expected a session up to the day it arrived, ${day}, came ${datpre}` : null,
  },
];
