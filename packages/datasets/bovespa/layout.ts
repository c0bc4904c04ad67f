import type { record } from "./tables/raw.ts";

/**
 * How a field's characters become a value.
 * `day`: a date that exists, YYYYMMDD. `expiry`: a day, or none (99991231, or blank). `text`: latin-1, padded with
 * spaces at its end; blank is absent. `count`: digits, a JSON number. `decimal`: digits with implied decimals.
 */
export type Kind = "day" | "expiry" | "text" | "count" | "decimal";

/** `at` counts from 0, `width` in characters; `scale` is how many of a decimal's digits stand after its point. */
export type Field = { name: keyof typeof record; kind: Kind; at: number; width: number; scale: number };

/** As the official layout writes it: positions count from 1, both ends inclusive. */
const field = (name: Field["name"], from: number, to: number, kind: Kind, scale = 0): Field => ({
  name,
  kind,
  at: from - 1,
  width: to - from + 1,
  scale,
});

/** Characters of a line, its end (CRLF or LF) not counted. */
export const LINE = 245;

/** B3, "Layout do arquivo Cotações Históricas" of 2020, record type 01; TIPREG itself (1-2) is not a field. */
export const fields: readonly Field[] = [
  field("datpre", 3, 10, "day"),
  field("codbdi", 11, 12, "text"),
  field("codneg", 13, 24, "text"),
  field("tpmerc", 25, 27, "text"),
  field("nomres", 28, 39, "text"),
  field("especi", 40, 49, "text"),
  field("prazot", 50, 52, "text"),
  field("modref", 53, 56, "text"),
  field("preabe", 57, 69, "decimal", 2),
  field("premax", 70, 82, "decimal", 2),
  field("premin", 83, 95, "decimal", 2),
  field("premed", 96, 108, "decimal", 2),
  field("preult", 109, 121, "decimal", 2),
  field("preofc", 122, 134, "decimal", 2),
  field("preofv", 135, 147, "decimal", 2),
  field("totneg", 148, 152, "count"),
  field("quatot", 153, 170, "decimal"),
  field("voltot", 171, 188, "decimal", 2),
  field("preexe", 189, 201, "decimal", 2),
  field("indopc", 202, 202, "text"),
  field("datven", 203, 210, "expiry"),
  field("fatcot", 211, 217, "count"),
  field("ptoexe", 218, 230, "decimal", 6),
  field("codisi", 231, 242, "text"),
  field("dismes", 243, 245, "text"),
];

export const fieldOf = (name: Field["name"]): Field => fields.find((f) => f.name === name) as Field;

/** The session and the ticker of a line. */
export const SESSION = fieldOf("datpre");
export const TICKER = fieldOf("codneg");
