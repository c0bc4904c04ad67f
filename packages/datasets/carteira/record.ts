import type { Law, WireRecord } from "../../core/dataset.ts";

/** The day from which Ibovespa is computed, the oldest of B3's indexes: an earlier portfolio is a damaged one. */
export const FIRST_SESSION = "1968-01-02";

/** A record's ticker. One without has a subject all the same, so that its message can be judged. */
export const subject = (record: WireRecord): string =>
  typeof record.codigo === "string" && record.codigo !== "" ? record.codigo : "?";

const amounts = ["qtde_teorica", "part", "redutor", "qtde_total", "part_total"];

/** Canonical decimals of one scale, not negative: the longer is the greater. */
const below = (a: string, b: string): boolean => (a.length === b.length ? a < b : a.length < b.length);

/**
 * What every paper of a portfolio obeys by itself, in the order in which they are asked; a record's columns are valid by
 * then. What a portfolio obeys as a whole, its format has checked before any of its papers travels.
 */
export const laws: readonly Law[] = [
  {
    code: "negative",
    path: "qtde_teorica",
    broken: (record) => {
      const name = amounts.find((n) => record[n]?.charCodeAt(0) === 45);
      return name ? `${name}: expected nothing below zero, came ${record[name]}` : null;
    },
  },
  {
    code: "index_code",
    path: "indice",
    broken: ({ indice }) =>
      /^[A-Z0-9]{4,8}$/.test(indice!)
        ? null
        : `indice: expected an index by its code, as IBOV, came ${JSON.stringify(indice)}`,
  },
  {
    code: "above_total",
    path: "part",
    broken: ({ qtde_teorica, qtde_total, part, part_total }) =>
      below(qtde_total!, qtde_teorica!)
        ? `qtde_teorica: expected at most qtde_total ${qtde_total}, came ${qtde_teorica}`
        : below(part_total!, part!)
          ? `part: expected at most part_total ${part_total}, came ${part}`
          : null,
  },
  {
    code: "session_range",
    path: "data",
    broken: ({ data }) =>
      data! < FIRST_SESSION
        ? `data: expected a day since ${FIRST_SESSION}, from which Ibovespa is computed, came ${data}`
        : null,
  },
  {
    code: "future_session",
    path: "data",
    broken: ({ data }, { day }) =>
      data! > day ? `data: expected a day up to that of its arrival, ${day}, came ${data}` : null,
  },
];
