import type { Position } from "./refusal.ts";
import { refuse, unsupported } from "./refusal.ts";
import { timestamp, type Zoned, zoned } from "./types.ts";
import { raise, text, type Value } from "./value.ts";

/**
 * Moments with a time zone. DuckDB holds their time in UTC, without a zone; the zone belongs to the type and is known
 * when the statement is translated, so a value whose zone only its text tells is refused. A session's zone is UTC.
 */

/** A zone as Trino prints it: UTC, a region, or an offset `+05:30`. */
export const zoneOf = (written: string, at: Position): string => {
  if (written === "UTC" || written === "Z") return "UTC";
  const offset = /^([+-])(\d\d):(\d\d)$/.exec(written);
  if (offset && Number(offset[2]) <= 14 && Number(offset[3]) < 60)
    return offset[2] === "00" && offset[3] === "00" ? "UTC" : written;
  if (/^[A-Z][A-Za-z]+(\/[A-Z][A-Za-z_-]+){1,2}$/.test(written) && !written.startsWith("Etc/")) return written;
  return unsupported(`time zone ${text(written)} (expected UTC, a region such as 'America/Sao_Paulo' or '-03:00')`, at);
};

/** `INTERVAL '-3' HOUR` as a zone. */
export const offsetOf = (milliseconds: number, at: Position): string => {
  const minutes = Math.abs(milliseconds) / 60_000;
  if (!Number.isInteger(minutes)) unsupported("an offset with seconds", at);
  const [hour, minute] = [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, "0"));
  return zoneOf(`${milliseconds < 0 ? "-" : "+"}${hour}:${minute}`, at);
};

const minutesOf = (zone: string): number | null => {
  if (zone === "UTC") return 0;
  const offset = /^([+-])(\d\d):(\d\d)$/.exec(zone);
  return offset ? (Number(offset[2]) * 60 + Number(offset[3])) * (offset[1] === "-" ? -1 : 1) : null;
};
/** Whether the zone's clock is never put forward or back. */
export const fixed = (zone: string): boolean => minutesOf(zone) !== null;

/** The clock's time there, of a time in UTC. */
export const localOf = (sql: string, zone: string): string => {
  const minutes = minutesOf(zone);
  if (minutes === 0) return sql;
  if (minutes !== null) return `(${sql} + INTERVAL (${minutes}) MINUTE)`;
  return `timezone(${text(zone)}, timezone('UTC', ${sql}))`;
};
/** The inverse. A time that the zone's clock shows twice, or never, is an error: engines choose differently. */
export const utcOf = (local: string, zone: string): string => {
  const minutes = minutesOf(zone);
  if (minutes === 0) return local;
  if (minutes !== null) return `(${local} - INTERVAL (${minutes}) MINUTE)`;
  const utc = `timezone('UTC', timezone(${text(zone)}, ${local}))`;
  const shows = (moment: string) => localOf(moment, zone);
  return `CASE WHEN ${shows(utc)} <> ${local} OR ${shows(`(${utc} + INTERVAL 1 HOUR)`)} = ${local} OR ${shows(`(${utc} - INTERVAL 1 HOUR)`)} = ${local} THEN ${raise(`a time at which the clock of ${zone} is changed is not answered locally`)} ELSE ${utc} END`;
};

/** A moment's own clock and calendar, as a timestamp without a zone. */
export const clockOf = (value: Value): Value => {
  const { zone, precision } = value.type as Zoned;
  return { ...value, sql: localOf(value.sql, zone), type: timestamp(precision) };
};
/** The inverse, in a zone. */
export const momentOf = (value: Value, zone: string): Value => {
  const precision = value.type.name === "timestamp" ? value.type.precision : 3;
  return { ...value, sql: utcOf(value.sql, zone), type: zoned(precision, zone) };
};

/** The same moment on another zone's clock; a timestamp is one of the session's, UTC. */
export const atZone = (value: Value, zone: string, at: Position): Value => {
  const { type } = value;
  if (type.name !== "timestamp" && type.name !== "timestamp with time zone")
    return refuse("type_mismatch", "AT TIME ZONE: expected a timestamp", at);
  return { ...value, type: zoned(type.precision, zone), at };
};
