import {
  type DuckDBDateValue,
  type DuckDBDecimalValue,
  type DuckDBTimestampValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
} from "@duckdb/node-api";
import { PregaoError } from "../../core/errors.ts";
import { holderSpeller } from "./nested.ts";

/** A value as Trino, and Athena in its CSV, prints it. */
export type Spell = (value: DuckDBValue) => string;

/** A double as Double.toString of Java 19 and later prints it (earlier ones sometimes with a digit too many): `1.0E10`, `0.001`, `NaN`, `-Infinity`. */
export const javaDouble = (value: number): string => {
  if (!Number.isFinite(value) || value === 0)
    return Object.is(value, -0) ? "-0.0" : value === 0 ? "0.0" : String(value);
  // The shortest digits that read back as the same double; Java takes the best two where one would do.
  const shortest = value.toExponential();
  const [digits, power] = (/^-?\d\./.test(shortest) ? shortest : value.toExponential(1)).split("e") as [string, string];
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e7) return `${digits}E${Number(power)}`;
  const plain = String(value);
  return plain.includes(".") ? plain : `${plain}.0`;
};

/** A REAL, with as few digits as tell it from its neighbours in 32 bits. */
const javaFloat = (value: number): string => {
  for (let digits = 1; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return javaDouble(shorter);
  }
  return javaDouble(Number(value.toPrecision(9)));
};

const decimalText = (digits: bigint, scale: number): string => {
  if (scale === 0) return digits.toString();
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, "0");
  return `${digits < 0n ? "-" : ""}${text.slice(0, -scale)}.${text.slice(-scale)}`;
};

const two = (n: number): string => (n < 10 ? `0${n}` : String(n));

/** Days since 1970-01-01 as java.time prints them, proleptic Gregorian. */
const dateText = (days: number): string => {
  // Civil date from days: Hinnant's algorithm, exact for every day DuckDB has.
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const padded = String(Math.abs(year)).padStart(4, "0");
  return `${year < 0 ? "-" : year > 9999 ? "+" : ""}${padded}-${two(month)}-${two(day)}`;
};

const DAY_MICROS = 86_400_000_000n;

const timestampText = (micros: bigint, precision: number): string => {
  const inDay = ((micros % DAY_MICROS) + DAY_MICROS) % DAY_MICROS;
  const date = dateText(Number((micros - inDay) / DAY_MICROS));
  const seconds = Number(inDay / 1_000_000n);
  const time = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const fraction = String(inDay % 1_000_000n).padStart(6, "0");
  return `${date} ${time}${precision ? `.${fraction.padEnd(precision, "0").slice(0, precision)}` : ""}`;
};

const bounds: Record<string, bigint> = { tinyint: 7n, smallint: 15n, integer: 31n, bigint: 63n };
const integers = new Set([
  DuckDBTypeId.TINYINT,
  DuckDBTypeId.SMALLINT,
  DuckDBTypeId.INTEGER,
  DuckDBTypeId.BIGINT,
  DuckDBTypeId.HUGEINT,
  DuckDBTypeId.UTINYINT,
  DuckDBTypeId.USMALLINT,
  DuckDBTypeId.UINTEGER,
  DuckDBTypeId.UBIGINT,
]);

/**
 * How values of a result column are spelled: `type` is what Trino says the column is, `came` what DuckDB gives.
 * @throws PregaoError NOT_SUPPORTED when the one is no faithful form of the other: it would be a wrong answer.
 */
export const speller = (name: string, type: string, came: DuckDBType): Spell => {
  const id = came.typeId;
  const unlike = (): never => {
    throw new PregaoError(
      "NOT_SUPPORTED",
      `column ${name}: expected a result of type ${type}, came ${came}; cast it in the query`,
      { name, type },
    );
  };
  const holder = holderSpeller(type, came, (inner, of) => speller(name, inner, of));
  if (holder) return holder;
  // A moment comes as its text: its zone is no part of DuckDB's type.
  if (id === DuckDBTypeId.VARCHAR && (type === "json" || /^timestamp\(\d\) with time zone$/.test(type)))
    return (value) => value as string;
  const [, base, first, second] = /^([a-z ]+?)(?:\((\d+)(?:, *(\d+))?\))?$/.exec(type) ?? [];
  if (base === undefined) return unlike();
  if (base === "unknown" || id === DuckDBTypeId.SQLNULL) return () => "";
  if (base in bounds) {
    if (!integers.has(id)) return unlike();
    const most = 1n << bounds[base]!;
    const exact = base === "bigint" && id === DuckDBTypeId.BIGINT;
    return (value) => {
      const n = value as number | bigint;
      if (!exact && (n >= most || n < -most))
        throw new PregaoError("NUMERIC_VALUE_OUT_OF_RANGE", `${base} overflow: ${n} in column ${name}`);
      return n.toString();
    };
  }
  switch (base) {
    case "boolean":
      return id === DuckDBTypeId.BOOLEAN ? String : unlike();
    case "varchar":
      return id === DuckDBTypeId.VARCHAR ? (value) => value as string : unlike();
    case "double":
      return id === DuckDBTypeId.DOUBLE ? (value) => javaDouble(value as number) : unlike();
    case "real":
      return id === DuckDBTypeId.FLOAT ? (value) => javaFloat(value as number) : unlike();
    case "date": {
      if (id !== DuckDBTypeId.DATE) return unlike();
      let last = Number.NaN;
      let text = "";
      return (value) => {
        const { days } = value as DuckDBDateValue;
        if (days !== last) {
          if (Math.abs(days) >= 2_147_483_647)
            throw new PregaoError("INVALID_FUNCTION_ARGUMENT", `column ${name}: an infinite date`);
          text = dateText(days);
          last = days;
        }
        return text;
      };
    }
    case "timestamp": {
      if (id !== DuckDBTypeId.TIMESTAMP) return unlike();
      const precision = Number(first ?? 3);
      return (value) => timestampText((value as DuckDBTimestampValue).micros, precision);
    }
    case "decimal": {
      const scale = Number(second ?? 0);
      const limit = 10n ** BigInt(first ?? 38);
      if (id !== DuckDBTypeId.DECIMAL || (came as unknown as { scale: number }).scale !== scale) return unlike();
      return (value) => {
        const { value: digits } = value as DuckDBDecimalValue;
        if (digits >= limit || digits <= -limit)
          throw new PregaoError("NUMERIC_VALUE_OUT_OF_RANGE", `Decimal overflow in column ${name}`);
        return decimalText(digits, scale);
      };
    }
    default:
      return unlike();
  }
};
