import type { WireRecord } from "../../core/dataset.ts";
import { type Block, type Column, exists, NEVER } from "./decode.ts";
import { type Field, fields, LINE } from "./layout.ts";

/** A record with every field absent: copies of it have one shape, in the layout's order, `origin_rows` last. */
const blank: WireRecord = { ...Object.fromEntries(fields.map((f) => [f.name, null])), origin_rows: null };

/**
 * The rows of a decoded block as records on the wire, in order; `origin_rows` is left to the caller. A flagged row's
 * fields travel as they stand, so that the judge can refuse that row, and only it, and show why.
 */
export const recordsOf = (block: Block): WireRecord[] => {
  const { bytes, rows, stride, flags, columns } = block;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1", 0, rows * stride);
  const records: WireRecord[] = new Array(rows);
  for (let row = 0; row < rows; row++) records[row] = { ...blank };
  for (let i = 0; i < fields.length; i++) {
    const f = fields[i]!;
    const value = spell(columns[i]!, f, text, stride);
    for (let row = 0; row < rows; row++) records[row]![f.name] = value(row);
  }
  for (let row = 0; row < rows; row++) {
    if (flags[row] !== 0) records[row] = verbatim(text.slice(row * stride, row * stride + LINE));
  }
  return records;
};

/** The canonical spelling of a column's values, by row. */
const spell = (column: Column, f: Field, text: string, stride: number): ((row: number) => string | number | null) => {
  switch (column.kind) {
    case "text":
      return (row) => {
        const length = column.lengths[row]!;
        const at = f.at + row * stride;
        return length === 0 ? null : text.slice(at, at + length);
      };
    case "count":
      return (row) => column.values[row]!;
    case "day":
    case "expiry":
      return (row) => (column.values[row] === NEVER ? null : spelledDay(column.values[row]!));
    case "decimal": {
      const spelled = spellings[f.scale]!;
      return (row) => spelled(column.values[row]!);
    }
    case "long": {
      const spelled = spellings[f.scale]!;
      return (row) => {
        const high = column.halves[row * 2 + 1]!;
        if (high >= 2 ** 21) return point(String(column.values[row]), f.scale);
        return spelled(high * 2 ** 32 + column.halves[row * 2]!);
      };
    }
  }
};

/** The last spellings, since prices and days repeat: at most 4,096 of each kind. */
const remembered = (spelled: (value: number) => string): ((value: number) => string) => {
  const values = new Float64Array(4096).fill(-1);
  const texts: string[] = new Array(4096).fill("");
  return (value) => {
    const at = value & 4095;
    if (values[at] === value) return texts[at]!;
    values[at] = value;
    const text = spelled(value);
    texts[at] = text;
    return text;
  };
};

/** Digits without leading zeros, as a decimal of exactly `scale` places. */
const point = (digits: string, scale: number): string => {
  if (scale === 0) return digits;
  const padded = digits.padStart(scale + 1, "0");
  return `${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
};

const spellings: Readonly<Record<number, (value: number) => string>> = Object.fromEntries(
  [...new Set(fields.map((f) => f.scale))].map((scale) => [scale, remembered((value) => point(String(value), scale))]),
);

const dashed = (yyyymmdd: string): string => `${yyyymmdd.slice(0, 4)}-${yyyymmdd.slice(4, 6)}-${yyyymmdd.slice(6)}`;

/** `YYYY-MM-DD` of yyyymmdd as a number. */
export const spelledDay = remembered((value) => dashed(String(value).padStart(8, "0")));

/** The record of one line, field by field from its characters, whatever they are. Slow and plain; for a row that was not flagged it gives what {@link recordsOf} gives. */
export const verbatim = (line: string): WireRecord => {
  const record = { ...blank };
  for (const f of fields) record[f.name] = spellField(f, line.slice(f.at, f.at + f.width));
  return record;
};

const spellField = (f: Field, raw: string): string | number | null => {
  const digits = /^[0-9]+$/.test(raw);
  switch (f.kind) {
    case "text":
      return raw.replace(/ +$/, "") || null;
    case "count":
      return digits ? Number(raw) : raw;
    case "expiry":
      if (raw === "99991231" || /^ +$/.test(raw)) return null;
      return digits && exists(Number(raw)) ? dashed(raw) : raw;
    case "day":
      return digits && exists(Number(raw)) ? dashed(raw) : raw;
    case "decimal":
      if (digits) return point(raw.replace(/^0+(?=.)/, ""), f.scale);
      // "1234567890.12" where implied decimals belong is no amount, and must not pass for one.
      return /^-?[0-9]+(\.[0-9]+)?$/.test(raw) ? `'${raw}'` : raw;
  }
};
