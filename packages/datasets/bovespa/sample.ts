import type { WireRecord } from "../../core/dataset.ts";

const money = (cents: number): string => `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;

/**
 * A plausible day of `ticker` in the cash market that every law accepts: prices around R$ 36.50, moving with `index`
 * (0, 1, …), each index another record of the same key. No clock and no chance: the same arguments, the same record.
 */
export const sample = (ticker: string, session: string, index: number): WireRecord => {
  const average = 3650 + ((index * 37) % 1000);
  const quantity = 100 * (1000 + index);
  return {
    datpre: session,
    codbdi: "02",
    codneg: ticker,
    tpmerc: "010",
    nomres: ticker.slice(0, 12),
    especi: "ON",
    prazot: null,
    modref: "R$",
    preabe: money(average - 20),
    premax: money(average + 45),
    premin: money(average - 40),
    premed: money(average),
    preult: money(average + 15),
    preofc: money(average + 14),
    preofv: money(average + 16),
    totneg: 10 + (index % 90_000),
    quatot: String(quantity),
    voltot: money(average * quantity),
    preexe: "0.00",
    indopc: "0",
    datven: null,
    fatcot: 1,
    ptoexe: "0.000000",
    codisi: `BR${ticker
      .replace(/[^A-Z0-9]/g, "")
      .slice(0, 4)
      .padEnd(4, "X")}ACNOR0`,
    dismes: "100",
  };
};

/** One record of each kind of mistake, each with nothing else wrong, and the reason it must be rejected with. */
export const mistakes = (ticker: string, session: string): { code: string; record: WireRecord }[] => {
  const wrong = (code: string, change: WireRecord) => ({ code, record: { ...sample(ticker, session, 0), ...change } });
  return [
    wrong("unknown_field", { preco: "36.50" }),
    wrong("invalid_field", { preult: "36,65" }),
    wrong("subject", { codneg: ticker === "OUTR3" ? "OUTR4" : "OUTR3" }),
    wrong("negative", { voltot: "-1.00" }),
    wrong("quote_factor", { fatcot: 7 }),
    wrong("price_order", { premin: "99.00" }),
    wrong("cash_term", { prazot: "030" }),
    wrong("session_range", { datpre: "1985-12-31" }),
    wrong("future_session", { datpre: "2999-12-31" }),
  ];
};
