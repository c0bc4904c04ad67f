import { type Position, refuse } from "./refusal.ts";
import { type Decimal, decimal, duckdb, MAX_PRECISION } from "./types.ts";
import { raise } from "./value.ts";

/**
 * Exact decimals. DuckDB divides and averages decimals as doubles, and its arithmetic stays at 18 digits when both
 * sides have 18 or fewer; Trino promises a precision and a scale and rounds half up. What DuckDB cannot hold in
 * 128 bits is an error at run time, never a wrong value.
 */

/** Digits that always fit DuckDB's BIGINT, and the decimals it keeps in one. */
const SMALL = 18;

const power = (exponent: number): string => `1${"0".repeat(exponent)}`;
const cast = (sql: string, type: string): string => `CAST(${sql} AS ${type})`;

/** `x` × 10^(scale + shift) as an integer: the digits of a decimal, without its point. */
const digits = (x: string, type: Decimal, shift: number, holder: string): string => {
  const places = type.scale + shift;
  if (places === 0) return cast(x, holder);
  if (type.precision + places > MAX_PRECISION) {
    // Multiplying might overflow on the way to what fits: leave the point out of the text instead.
    const unscaled = type.scale === 0 ? cast(x, holder) : cast(`replace(${cast(x, "VARCHAR")}, '.', '')`, holder);
    return shift === 0 ? unscaled : `(${unscaled} * ${cast(power(shift), holder)})`;
  }
  const wide = type.precision + places > SMALL ? cast(x, `DECIMAL(38,${type.scale})`) : x;
  return cast(`${wide} * ${cast(power(places), `DECIMAL(${places + 1},0)`)}`, holder);
};

/** The inverse: an integer's digits with the point put back, as `type`. Errors when they do not fit. */
const pointed = (sql: string, type: Decimal): string => {
  const whole = type.precision <= SMALL ? "DECIMAL(18,0)" : "DECIMAL(38,0)";
  if (type.scale === 0) return cast(sql, duckdb(type));
  const unit = `CAST('0.${"0".repeat(type.scale - 1)}1' AS DECIMAL(${type.scale},${type.scale}))`;
  return cast(`${cast(sql, whole)} * ${unit}`, duckdb(type));
};

/** trunc((a + sign(a)·⌊|b|/2⌋) / b): the quotient of two integers, halves away from zero. `b` is not zero. */
const halfUp = (a: string, b: string): string =>
  /^\d+$/.test(b)
    ? `((${a} + sign(${a}) * ${BigInt(b) / 2n}) // ${b})`
    : `((${a} + sign(${a}) * (abs(${b}) // 2)) // ${b})`;

export const sumType = (a: Decimal, b: Decimal): Decimal => {
  const scale = Math.max(a.scale, b.scale);
  return decimal(Math.min(MAX_PRECISION, Math.max(a.precision - a.scale, b.precision - b.scale) + scale + 1), scale);
};
export const productType = (a: Decimal, b: Decimal, at: Position): Decimal => {
  if (a.scale + b.scale > MAX_PRECISION)
    refuse("invalid", `expected a product of at most 38 decimal places, came ${a.scale} + ${b.scale}`, at);
  return decimal(Math.min(MAX_PRECISION, a.precision + b.precision), a.scale + b.scale);
};
export const quotientType = (a: Decimal, b: Decimal): Decimal =>
  decimal(Math.min(MAX_PRECISION, a.precision + b.scale + Math.max(b.scale - a.scale, 0)), Math.max(a.scale, b.scale));
export const remainderType = (a: Decimal, b: Decimal): Decimal => {
  const scale = Math.max(a.scale, b.scale);
  return decimal(Math.max(1, Math.min(a.precision - a.scale, b.precision - b.scale) + scale), scale);
};

/** `a + b` or `a - b`. DuckDB's own result type has at least Trino's digits once both sides have them. */
export const sum = (op: "+" | "-", a: string, b: string, type: Decimal): string =>
  cast(`${cast(a, duckdb(type))} ${op} ${cast(b, duckdb(type))}`, duckdb(type));

export const product = (a: string, x: Decimal, b: string, type: Decimal): string =>
  cast(`${type.precision > SMALL ? cast(a, `DECIMAL(38,${x.scale})`) : a} * ${b}`, duckdb(type));

export const quotient = (a: string, x: Decimal, b: string, y: Decimal, type: Decimal, divisor?: string): string => {
  const shift = type.scale - x.scale + y.scale;
  const small = x.precision + shift <= SMALL && y.precision <= SMALL && type.precision <= SMALL;
  const holder = small ? "BIGINT" : "HUGEINT";
  if (divisor !== undefined) return pointed(halfUp(digits(a, x, shift, holder), divisor), type);
  const quotient = pointed(halfUp(digits(a, x, shift, holder), digits(b, y, 0, holder)), type);
  return `CASE WHEN ${b} = 0 THEN ${raise("Division by zero")} ELSE ${quotient} END`;
};

/** Trino's AVG: the exact sum by the count, half up, at the argument's own scale. NULL over no rows. */
export const average = (total: string, count: string, type: Decimal): string =>
  pointed(
    `CASE WHEN ${count} > 0 THEN ${halfUp(digits(total, decimal(38, type.scale), 0, "HUGEINT"), count)} END`,
    type,
  );

/** Rounded half up to `places` (may be negative), as `type`. */
export const rounded = (x: string, from: Decimal, places: number, type: Decimal): string => {
  if (places >= from.scale) return cast(x, duckdb(type));
  const step = power(from.scale - places);
  const unscaled = digits(x, from, 0, "HUGEINT");
  return pointed(`(${halfUp(unscaled, step)} * ${power(type.scale - places)})`, type);
};

/** The nearest double: a short decimal by one division as Trino does it, a long one from its digits. */
export const toDouble = (x: string, type: Decimal): string => {
  if (type.scale === 0) return cast(x, "DOUBLE");
  if (type.precision > SMALL) return cast(cast(x, "VARCHAR"), "DOUBLE");
  return `(${cast(digits(x, type, 0, "BIGINT"), "DOUBLE")} / 1e${type.scale})`;
};
