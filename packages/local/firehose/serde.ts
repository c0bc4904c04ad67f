import type { GlueType } from "../../core/columns.ts";
import type { Cell, ParquetColumn } from "../../engines/duckdb/parquet.ts";

/** Why a record cannot be converted, under Amazon's name. */
export class Malformed extends Error {
  readonly code: "DataFormatConversion.ParseError" | "DataFormatConversion.MalformedData";
  constructor(code: Malformed["code"], message: string) {
    super(message);
    this.code = code;
  }
}

const unreadable = (message: string) =>
  new Malformed("DataFormatConversion.ParseError", `Encountered malformed JSON. ${message}`);
const misfit = (message: string) =>
  new Malformed("DataFormatConversion.MalformedData", `Data does not match the schema. ${message}`);

type Document = Record<string, unknown>;

/**
 * The rows of one Firehose record, by column: JSON documents, one after the other with or without newlines between
 * them, converted as the OpenX JSON SerDe does. Unknown keys are dropped, missing ones and null are null, keys match in
 * any case, text becomes numbers and booleans where it is one.
 *
 * Never another value than the SerDe's: where it would change one, or lose one without a word, this is an error instead.
 * A number that does not fit its column, more decimals than the column has, a day that does not exist, a text that is no
 * boolean, a number in a text column that it would spell otherwise, one key in two cases, half a surrogate pair.
 * One bad document fails the whole record. Throws {@link Malformed}.
 */
export const readRecord = (columns: readonly ParquetColumn[], data: Uint8Array): Cell[][] => {
  const text = decode(data);
  const cells: Cell[][] = columns.map(() => []);
  const names = new Map(columns.map(({ name }, c) => [name.toLowerCase(), c]));
  let rows = 0;
  for (const source of documents(text)) {
    const row = finder(source, names);
    columns.forEach((column, c) => {
      cells[c]!.push(cell(column, row(c, false), () => row(c, true)));
    });
    rows += 1;
  }
  if (rows === 0) throw unreadable("The record holds no document");
  return cells;
};

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const decode = (data: Uint8Array): string => {
  try {
    return utf8.decode(data);
  } catch {
    throw unreadable("The record is not UTF-8");
  }
};

/** JSON's white space; JavaScript's own is wider, a byte order mark included. */
const BLANK = /^[ \t\r\n]*$/;

type Source = { document: Document; text: string };

/** One document a line is the rule; anything else is cut where its braces close. */
const documents = (text: string): Source[] => {
  const found: Source[] = [];
  for (const line of text.split("\n")) {
    const document = parsed(line);
    if (document === null) {
      if (BLANK.test(line)) continue;
      return concatenated(text);
    }
    found.push({ document, text: line });
  }
  return found;
};

const parsed = (text: string): Document | null => {
  try {
    return object(JSON.parse(text));
  } catch (error) {
    if (error instanceof Malformed) throw error;
    return null;
  }
};

const object = (value: unknown): Document => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw unreadable(`Expected a JSON object, came ${Array.isArray(value) ? "an array" : JSON.stringify(value)}`);
  return value as Document;
};

const concatenated = (text: string): Source[] => {
  const found: Source[] = [];
  const blank = /[ \t\r\n]*/y;
  for (let start = 0; start < text.length; ) {
    blank.lastIndex = start;
    blank.test(text);
    start = blank.lastIndex;
    if (start === text.length) break;
    const end = closing(text, start);
    const source = text.slice(start, end);
    try {
      found.push({ document: object(JSON.parse(source)), text: source });
    } catch (error) {
      throw error instanceof Malformed ? error : unreadable((error as Error).message);
    }
    start = end;
  }
  return found;
};

/** The end of the document that starts at `start`: past the brace that closes its first one. */
const closing = (text: string, start: number): number => {
  const mark = /["{}[\]]/g;
  const quoted = /"(?:[^"\\]|\\.)*"/sy;
  mark.lastIndex = start;
  let depth = 0;
  for (let found = mark.exec(text); found; found = mark.exec(text)) {
    if (found[0] === '"') {
      quoted.lastIndex = found.index;
      if (!quoted.test(text)) throw unreadable("A text does not end");
      mark.lastIndex = quoted.lastIndex;
    } else {
      depth += found[0] === "{" || found[0] === "[" ? 1 : -1;
      if (depth <= 0) return mark.lastIndex;
    }
  }
  return text.length;
};

/**
 * Looks a column (its index) up in a document; `spelled` gives numbers as they were written (JSON.rawJSON), read only if
 * needed. `names` are the columns' in lower case.
 */
const finder = (source: Source, names: ReadonlyMap<string, number>) => {
  let exact: Document | null = null;
  const keys = new Map<number, string>();
  for (const key of Object.keys(source.document)) {
    const column = names.get(key) ?? names.get(key.toLowerCase());
    if (column === undefined) continue;
    const other = keys.get(column);
    if (other !== undefined) throw misfit(`Expected each column once, came the keys ${show(other)} and ${show(key)}`);
    keys.set(column, key);
  }
  return (column: number, spelled: boolean): unknown => {
    const key = keys.get(column);
    if (key === undefined) return null;
    if (!spelled) return source.document[key];
    exact ??= JSON.parse(source.text, keepSpelling) as Document;
    return exact[key];
  };
};

type RawJson = { rawJSON: string };
type Json = JSON & { rawJSON: (text: string) => RawJson; isRawJSON: (value: unknown) => value is RawJson };
const json = JSON as Json;

const keepSpelling = ((_key: string, value: unknown, context: { source?: string }) =>
  typeof value === "number" ? json.rawJSON(context.source!) : value) as (key: string, value: unknown) => unknown;

const cell = ({ name, type }: ParquetColumn, value: unknown, spelled: () => unknown): Cell => {
  if (value === null || value === undefined) return null;
  if (type === "string" && typeof value === "string" && value.isWellFormed()) return value;
  if (type === "int" && typeof value === "number" && Number.isInteger(value) && Math.abs(value) < INT) return value;
  if (type === "double" && typeof value === "number" && Number.isFinite(value) && !Object.is(value, -0)) return value;
  if (type === "boolean" && typeof value === "boolean") return value;
  const text = typeof value === "string" ? value : literal(spelled());
  const result = coerce(type, text, typeof value);
  if (result === undefined)
    throw misfit(`Column ${name} is ${type}, came ${show(typeof value === "string" ? JSON.stringify(value) : text)}`);
  return result;
};

const INT = 2_147_483_648;
const literal = (value: unknown): string => (json.isRawJSON(value) ? value.rawJSON : JSON.stringify(value));
const show = (text: string): string => (text.length > 60 ? `${text.slice(0, 57)}...` : text);

/** What a value's text is in a column of `type`; undefined: it is none. `from` is its type in JSON. */
const coerce = (type: GlueType, text: string, from: string): Cell | undefined => {
  const number = from === "string" || from === "number";
  switch (type) {
    case "string":
      return from === "string" || !keepsSpelling(text) ? undefined : text;
    case "int": {
      const value = number ? whole(text, from) : undefined;
      return value !== undefined && value < BigInt(INT) && value >= -BigInt(INT) ? Number(value) : undefined;
    }
    case "bigint": {
      const value = number ? whole(text, from) : undefined;
      return value !== undefined && BigInt.asIntN(64, value) === value ? value : undefined;
    }
    case "double":
      // -0 is an integer to the SerDe if it is a number, and a double if it is text.
      if (from === "number" && text === "-0") return 0;
      return number && DOUBLE.test(text) && Number.isFinite(Number(text)) ? Number(text) : undefined;
    case "boolean":
      return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : undefined;
    case "date":
      return from === "string" ? day(text) : undefined;
    case "timestamp":
      return number ? timestamp(text) : undefined;
    default:
      return number ? unscaled(type, text) : undefined;
  }
};

const DOUBLE = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * Whether the SerDe prints this JSON (no text) as it stands: it respells numbers, as Java prints a double. Known to stay:
 * integers of 64 bits, and short decimals near 1 that do not end in 0.
 */
const keepsSpelling = (text: string): boolean =>
  !RESPELLED.test(text) &&
  (text.match(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/gs) ?? []).every((token) => token[0] === '"' || isPlain(token));

/** Halves of surrogate pairs, which JSON.stringify escapes; and a slash that the SerDe escapes. */
const RESPELLED = /\\ud[89a-f]|<\//;

const isPlain = (number: string): boolean =>
  /^(?:0|-?[1-9]\d{0,17})$/.test(number) ||
  (/^-?(?:0|[1-9]\d{0,6})\.\d{0,7}[1-9]$/.test(number) && Math.abs(Number(number)) >= 0.001);

/** Digits with a sign, hexadecimal with 0x as OpenX reads it, or a JSON number whose fraction is zero. */
const whole = (text: string, from: string): bigint | undefined => {
  if (/^0[xX][0-9a-fA-F]{1,16}$/.test(text)) return BigInt(text);
  const [, sign, digits, point] = /^([+-]?)(\d{1,30})(\.0*)?$/.exec(text) ?? [];
  if (digits === undefined || (point !== undefined && from === "string")) return undefined;
  return BigInt(digits) * (sign === "-" ? -1n : 1n);
};

const unscaled = (type: string, text: string): bigint | undefined => {
  const [, precision, scale] = /^decimal\((\d+),(\d+)\)$/.exec(type)!;
  const [, sign, digits, fraction = ""] = /^([+-]?)(\d{1,60})(?:\.(\d{0,60}))?$/.exec(text) ?? [];
  const significant = fraction.replace(/0+$/, "");
  if (digits === undefined || significant.length > Number(scale)) return undefined;
  const value = BigInt(digits + significant.padEnd(Number(scale), "0"));
  return value < 10n ** BigInt(precision!) ? (sign === "-" ? -value : value) : undefined;
};

const MS_OF_DAY = 86_400_000;

/** Days since 1970-01-01 of `yyyy-M-d`. */
const day = (text: string): number | undefined => {
  const [, y, m, d] = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text) ?? [];
  return d === undefined ? undefined : daysOf(Number(y), Number(m), Number(d));
};

/** The year 0 is none: Java reads it as 1. */
const daysOf = (y: number, m: number, d: number): number | undefined => {
  if (y === 0) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(y, m - 1, d);
  return date.getUTCMonth() === m - 1 && date.getUTCDate() === d ? date.getTime() / MS_OF_DAY : undefined;
};

const SPACED = /^(\d{4})-(\d{1,2})-(\d{1,2}) (\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d{1,9}))?$/;
const ISO = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z$/;
const EPOCH = /^(-?)(0|[1-9]\d{0,14})(?:\.(\d{1,3}))?$/;
const MS_FROM = 1_000_000_000_000n;
/** 0001-01-01. */
const FIRST = -62_135_596_800_000_000n;

/**
 * Microseconds since 1970 UTC; what is finer is cut. Epochs below 10^12 are seconds, with milliseconds at most, others
 * milliseconds. The SerDe tells them apart by their length, sign included: one that is ambiguous is none.
 */
const timestamp = (text: string): bigint | undefined => {
  const [, y, mo, d, h, mi, s, fraction] = SPACED.exec(text) ?? ISO.exec(text) ?? [];
  if (s !== undefined) {
    const days = daysOf(Number(y), Number(mo), Number(d));
    if (days === undefined || Number(h) > 23 || Number(mi) > 59 || Number(s) > 59) return undefined;
    const seconds = days * 86_400 + Number(h) * 3600 + Number(mi) * 60 + Number(s);
    return BigInt(seconds) * 1_000_000n + micros(fraction);
  }
  const [, sign, digits, part] = EPOCH.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const whole = BigInt(digits);
  const isSeconds = whole < MS_FROM;
  if (isSeconds ? sign === "-" && digits.length === 12 : part !== undefined) return undefined;
  // It multiplies as a double, and cuts: 8.123 s would be 8.122.
  if (part !== undefined && Math.trunc(Number(text) * 1000) !== Number(`${sign}${digits}${part.padEnd(3, "0")}`))
    return undefined;
  const value = (isSeconds ? whole * 1_000_000n + micros(part) : whole * 1000n) * (sign === "-" ? -1n : 1n);
  return value < FIRST ? undefined : value;
};

const micros = (fraction = ""): bigint => BigInt(fraction.slice(0, 6).padEnd(6, "0"));
