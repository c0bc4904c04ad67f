import { type Field, fields, LINE } from "./layout.ts";

/**
 * The rows of a block, column by column. Values mean something only where `flags` is 0.
 * Days are yyyymmdd as a number, and NO_DAY whatever the flag. A decimal of 13 digits is an exact integer of its last place (< 2^53) in a double; one
 * of 18 digits a 64-bit integer, written as two halves. Text is where it lies in the bytes: `lengths` without the
 * spaces at its end.
 */
export type Column =
  | { kind: "day"; values: Int32Array }
  | { kind: "expiry"; values: Int32Array }
  | { kind: "count"; values: Int32Array }
  | { kind: "decimal"; values: Float64Array }
  | { kind: "long"; values: BigInt64Array; halves: Uint32Array }
  | { kind: "text"; lengths: Uint8Array };

export type Block = {
  bytes: Uint8Array;
  rows: number;
  stride: number;
  /** 1: a field of this row is not what the layout says, or a text has a control character. */
  flags: Uint8Array;
  columns: readonly Column[];
  /** How many rows fit. */
  capacity: number;
};

/** Rows of a block: 512 × 247 bytes, and its columns, stay in a core's second-level cache. */
export const BLOCK_ROWS = 512;

/** An expiry that never comes, and eight characters that are no day. No day has these numbers. */
export const NEVER = 0;
export const NO_DAY = -1;

/** Room for the columns of `capacity` rows; reused for block after block. */
export const newBlock = (capacity = BLOCK_ROWS): Block => ({
  bytes: new Uint8Array(0),
  rows: 0,
  stride: 0,
  flags: new Uint8Array(capacity),
  columns: fields.map((f) => newColumn(f, capacity)),
  capacity,
});

const newColumn = (f: Field, capacity: number): Column => {
  if (f.kind === "text") return { kind: "text", lengths: new Uint8Array(capacity) };
  if (f.kind !== "decimal") return { kind: f.kind, values: new Int32Array(capacity) };
  if (f.width <= 15) return { kind: "decimal", values: new Float64Array(capacity) };
  const values = new BigInt64Array(capacity);
  return { kind: "long", values, halves: new Uint32Array(values.buffer) };
};

/**
 * Decodes `rows` lines of 245 characters that start every `stride` bytes, and checks each character: digits, dates that
 * exist, no control character in a text. A row that fails is flagged, never changed and never an error here. Types and
 * ends of lines are the caller's to check. The result is valid until `into` is used again.
 */
export const decodeBlock = (bytes: Uint8Array, rows: number, stride: number, into: Block = newBlock(rows)): Block => {
  if (rows > into.capacity || (rows && (rows - 1) * stride + LINE > bytes.length))
    throw new RangeError(`a block of ${rows} rows of ${stride} bytes does not fit`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { flags, columns } = into;
  flags.fill(0, 0, rows);
  for (let i = 0; i < fields.length; i++) {
    const { at, width } = fields[i]!;
    const column = columns[i]!;
    if (column.kind === "text") lengths(bytes, at, width, stride, rows, column.lengths);
    else if (column.kind === "day") days(view, at, stride, rows, column.values, flags, false);
    else if (column.kind === "expiry") days(view, at, stride, rows, column.values, flags, true);
    else if (column.kind === "count") counts(view, at, width, stride, rows, column.values, flags);
    else if (column.kind === "long") longs(view, at, stride, rows, column.halves, flags);
    else decimals(view, at, stride, rows, column.values, flags);
  }
  for (const { at, width } of runsOfText) controls(view, at, width, stride, rows, flags);
  into.bytes = bytes;
  into.rows = rows;
  into.stride = stride;
  return into;
};

/** Neighbouring text fields, looked through at once for control characters. */
const runsOfText = fields
  .filter((f) => f.kind === "text")
  .reduce<{ at: number; width: number }[]>((runs, { at, width }) => {
    const last = runs.at(-1);
    if (last && last.at + last.width === at) last.width += width;
    else runs.push({ at, width });
    return runs;
  }, []);

/*
 * Four characters at a time. A little-endian word of ASCII digits XOR "0000" has the digits 0 to 9 in its bytes; adding
 * 0x76 sets the top bit of a byte from 10 on, and a byte that had it before is caught by the OR, so carries do no harm.
 */
const ZEROS = 0x30303030;
const TOPS = 0x80808080;
const notDigits = (word: number): number => ((word + 0x76767676) | word) & TOPS;
/** 0 to 9999, the first character in the lowest byte. */
const four = (word: number): number => {
  const pairs = Math.imul(word, 10) + (word >>> 8);
  return (pairs & 0xff) * 100 + ((pairs >>> 16) & 0xff);
};
/** A character that is not 0 to 9 sets the sign bit. */
const notDigit = (digit: number): number => (digit | (9 - digit)) & 0x80000000;

const counts = (
  view: DataView,
  at: number,
  width: number,
  stride: number,
  rows: number,
  out: Int32Array,
  flags: Uint8Array,
) => {
  const lead = width & 3;
  for (let row = 0, p = at; row < rows; row++, p += stride) {
    let bad = 0;
    let value = 0;
    for (let i = 0; i < lead; i++) {
      const digit = view.getUint8(p + i) - 48;
      bad |= notDigit(digit);
      value = value * 10 + digit;
    }
    for (let i = lead; i < width; i += 4) {
      const word = view.getInt32(p + i, true) ^ ZEROS;
      bad |= notDigits(word);
      value = value * 10_000 + four(word);
    }
    out[row] = value;
    if (bad !== 0) flags[row] = 1;
  }
};

/** 13 digits: one, and three times four. */
const decimals = (view: DataView, at: number, stride: number, rows: number, out: Float64Array, flags: Uint8Array) => {
  for (let row = 0, p = at; row < rows; row++, p += stride) {
    const digit = view.getUint8(p) - 48;
    const a = view.getInt32(p + 1, true) ^ ZEROS;
    const b = view.getInt32(p + 5, true) ^ ZEROS;
    const c = view.getInt32(p + 9, true) ^ ZEROS;
    const bad = notDigit(digit) | notDigits(a) | notDigits(b) | notDigits(c);
    out[row] = (digit * 10_000 + four(a)) * 100_000_000 + (four(b) * 10_000 + four(c));
    if (bad !== 0) flags[row] = 1;
  }
};

const HALF = 4_294_967_296;

/** 18 digits: two, and four times four. Exact without a BigInt per value. */
const longs = (view: DataView, at: number, stride: number, rows: number, halves: Uint32Array, flags: Uint8Array) => {
  for (let row = 0, p = at; row < rows; row++, p += stride) {
    const d0 = view.getUint8(p) - 48;
    const d1 = view.getUint8(p + 1) - 48;
    const a = view.getInt32(p + 2, true) ^ ZEROS;
    const b = view.getInt32(p + 6, true) ^ ZEROS;
    const c = view.getInt32(p + 10, true) ^ ZEROS;
    const d = view.getInt32(p + 14, true) ^ ZEROS;
    const bad = notDigit(d0) | notDigit(d1) | notDigits(a) | notDigits(b) | notDigits(c) | notDigits(d);
    const upper = (d0 * 10 + d1) * 100_000_000 + (four(a) * 10_000 + four(b));
    const lower = four(c) * 10_000 + four(d);
    if (upper < 90_000_000) {
      // Below 2^53: one double holds it.
      const value = upper * 100_000_000 + lower;
      const high = Math.floor(value / HALF);
      halves[row * 2] = value - high * HALF;
      halves[row * 2 + 1] = high;
    } else {
      // In limbs of 16 bits of `upper`, each product below 2^53.
      const top = Math.floor(upper / 65_536);
      const low = (upper - top * 65_536) * 100_000_000 + lower;
      const middle = top * 100_000_000;
      const carried = Math.floor(middle / 65_536);
      const rest = (middle - carried * 65_536) * 65_536 + low;
      const high = Math.floor(rest / HALF);
      halves[row * 2] = rest - high * HALF;
      halves[row * 2 + 1] = carried + high;
    }
    if (bad !== 0) flags[row] = 1;
  }
};

const BLANK = 0x20202020;

/** Days repeat from line to line: a run of equal ones is looked at once. */
const days = (
  view: DataView,
  at: number,
  stride: number,
  rows: number,
  out: Int32Array,
  flags: Uint8Array,
  expiry: boolean,
) => {
  let years = 0;
  let rest = 0;
  let value = NO_DAY;
  for (let row = 0, p = at; row < rows; row++, p += stride) {
    const a = view.getInt32(p, true);
    const b = view.getInt32(p + 4, true);
    if (a !== years || b !== rest) {
      years = a;
      rest = b;
      if (expiry && a === BLANK && b === BLANK) value = NEVER;
      else {
        const x = a ^ ZEROS;
        const y = b ^ ZEROS;
        value = four(x) * 10_000 + four(y);
        if ((notDigits(x) | notDigits(y)) !== 0) value = NO_DAY;
        else if (expiry && value === 99991231) value = NEVER;
        else if (!exists(value)) value = NO_DAY;
      }
    }
    out[row] = value;
    if (value === NO_DAY) flags[row] = 1;
  }
};

const lastDay = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Whether yyyymmdd is a day of the Gregorian calendar from the year 1000 on, as in a column of dates. */
export const exists = (yyyymmdd: number): boolean => {
  const day = yyyymmdd % 100;
  const month = Math.floor(yyyymmdd / 100) % 100;
  const year = Math.floor(yyyymmdd / 10_000);
  if (year < 1000 || month < 1 || month > 12 || day < 1) return false;
  if (month === 2 && day === 29) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= lastDay[month]!;
};

const lengths = (bytes: Uint8Array, at: number, width: number, stride: number, rows: number, out: Uint8Array) => {
  for (let row = 0, p = at - 1; row < rows; row++, p += stride) {
    let length = width;
    while (length > 0 && bytes[p + length] === 32) length--;
    out[row] = length;
  }
};

/** Flags rows with a byte below 0x20, or 0x7f. `x - n` borrows only from a byte that is caught itself. */
const controls = (view: DataView, at: number, width: number, stride: number, rows: number, flags: Uint8Array) => {
  const words = width & ~3;
  for (let row = 0, p = at; row < rows; row++, p += stride) {
    let bad = 0;
    for (let i = 0; i < words; i += 4) {
      const word = view.getInt32(p + i, true);
      const delete_ = word ^ 0x7f7f7f7f;
      bad |= ((word - BLANK) & ~word) | ((delete_ - 0x01010101) & ~delete_);
    }
    for (let i = words; i < width; i++) {
      const byte = view.getUint8(p + i);
      bad |= (byte - 32) & TOPS & ~byte;
      if (byte === 0x7f) bad = TOPS;
    }
    if ((bad & TOPS) !== 0) flags[row] = 1;
  }
};
