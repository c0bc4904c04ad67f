import { castTo } from "../casts.ts";
import { type Position, refuse, unsupported } from "../refusal.ts";
import { type Decimal, decimal, isInteger, MAX_PRECISION, show, varchar } from "../types.ts";
import { made, text, type Value } from "../value.ts";
import type { Built } from "./table.ts";

/** One `%…` of a format: its flags, width, places and letter. */
type Directive = { flags: string; width: string | undefined; places: string | undefined; letter: string };

const MANY = 127;
/** Above this scale BigDecimal writes small values with an exponent. */
const PLAIN_SCALE = 6;
/** Digits before the point that a BIGINT always holds. */
const SMALL = 18;

const grouped = (digits: string): string => `format('{:,}', CAST(${digits} AS BIGINT))`;

/** The text without its sign, and whether the value has one. */
const fixed = (value: Value, { flags, places }: Directive, at: Position): { digits: string; negative: string } => {
  const count = Number(places ?? 6);
  const { type, sql } = value;
  if (type.name !== "decimal" && type.name !== "double") return refuse("invalid", `format: %f of ${show(type)}`, at);
  const before = type.name === "decimal" ? type.precision - type.scale + 1 : MAX_PRECISION - count;
  if (before + count > MAX_PRECISION || count > 13)
    return unsupported(`format to ${count} places of ${show(type)}`, at);
  const rounded = castTo(value, decimal(Math.max(before + count, count + 1), count));
  const written = castTo({ ...rounded, sql: `abs(${rounded.sql})` }, varchar).sql;
  const negative = type.name === "double" ? `signbit(${sql})` : `${sql} < 0`;
  if (!flags.includes(",")) return { digits: written, negative };
  if (type.name === "decimal" && (rounded.type as Decimal).precision - count > SMALL)
    return unsupported(`format with , of ${show(type)}`, at);
  const whole = grouped(`split_part(${written}, '.', 1)`);
  return { digits: count === 0 ? whole : `(${whole} || '.' || split_part(${written}, '.', 2))`, negative };
};

const wholeNumber = (value: Value, { flags }: Directive, at: Position): { digits: string; negative: string } => {
  if (!isInteger(value.type)) return refuse("invalid", `format: %d of ${show(value.type)}`, at);
  const size = `abs(CAST(${value.sql} AS HUGEINT))`;
  return { digits: flags.includes(",") ? grouped(size) : `CAST(${size} AS VARCHAR)`, negative: `${value.sql} < 0` };
};

const plain = (value: Value, at: Position): string => {
  const { type } = value;
  const sure =
    ["varchar", "boolean", "date"].includes(type.name) ||
    isInteger(type) ||
    (type.name === "decimal" && type.scale <= PLAIN_SCALE);
  return sure ? castTo(value, varchar).sql : unsupported(`format: %s of ${show(type)}`, at);
};

const directed = (value: Value, directive: Directive, at: Position): string => {
  const { flags, width, letter } = directive;
  if (value.type.name === "unknown") unsupported("format of a bare NULL", at);
  const number =
    letter === "f" ? fixed(value, directive, at) : letter === "d" ? wholeNumber(value, directive, at) : null;
  if (letter === "s" && (flags.replace("-", "") || directive.places !== undefined))
    unsupported(`format: flags beside %s`, at);
  const sign = number && `CASE WHEN ${number.negative} THEN '-' ELSE '' END`;
  const room = (used: string, fill: string) => `repeat('${fill}', greatest(0, ${width} - length(${used})))`;
  const zeros = flags.includes("0");
  const signed =
    number &&
    (zeros && width
      ? `${sign} || ${room(`${sign} || ${number.digits}`, "0")} || ${number.digits}`
      : `${sign} || ${number.digits}`);
  // Java cuts its "null" to as many letters as places are asked for.
  const nothing = text("null".slice(0, letter === "f" && directive.places ? Number(directive.places) : 4));
  const whole = `coalesce(${signed ?? plain(value, at)}, ${nothing})`;
  if (!width) return whole;
  return flags.includes("-") ? `${whole} || ${room(whole, " ")}` : `${room(whole, " ")} || ${whole}`;
};

export const formats: readonly Built[] = [
  {
    name: "format",
    takes: [2, MANY],
    says: "varchar, by %s, %d, %.2f and their widths, zeros and commas",
    build: ([format, ...args], at) => {
      if (format!.literal === undefined) unsupported("format by a computed pattern", at);
      const parts: string[] = [];
      let used = 0;
      const pattern = /%([-0,]*)(\d+)?(?:\.(\d+))?([sdf%])|%|[^%]+/g;
      for (const [part, flags = "", width, places, letter] of format!.literal!.matchAll(pattern)) {
        if (!part.startsWith("%")) parts.push(text(part));
        else if (letter === "%" && part === "%%") parts.push("'%'");
        else if (letter === undefined || letter === "%") unsupported(`format: ${part}…`, at);
        else {
          const value = args[used++] ?? refuse("invalid", "format: expected an argument for each %", at);
          parts.push(directed(value, { flags, width, places, letter }, at));
        }
      }
      return { ...made(args), sql: `(${parts.join(" || ") || "''"})`, type: varchar, at };
    },
  },
];
