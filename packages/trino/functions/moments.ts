import { coerce } from "../casts.ts";
import { atZone, clockOf, fixed, momentOf, zoneOf } from "../moments.ts";
import { type Position, refuse, unsupported } from "../refusal.ts";
import { bigint, date, double, show, type Type, timestamp, varcharOf, type Zoned, zoned } from "../types.ts";
import { made, raise, text, type Value } from "../value.ts";
import { scalar } from "./scalar.ts";
import type { Built } from "./table.ts";

const isZoned = (value: Value | undefined): boolean => value?.type.name === "timestamp with time zone";
const of = (
  name: string,
  takes: readonly [number, number],
  says: string,
  build: (args: Value[], at: Position) => { sql: string; type: Type },
): Built => ({ name, takes, says, build: (args, at) => ({ ...made(args), at, ...build(args, at) }) });

const units: Readonly<Record<string, string>> = { 0: "second", 3: "milliseconds", 6: "microseconds" };
/** The statement's moment, in UTC, cut to so many digits of a second. */
const nowTo = (digits: Value | undefined, at: Position): { sql: string; precision: number } => {
  const precision = Number(digits?.literal ?? 3);
  const unit = units[precision] ?? unsupported(`the moment to ${precision} digits`, at);
  return { sql: `date_trunc('${unit}', timezone('UTC', now()))`, precision };
};
const literal = (value: Value | undefined, what: string, at: Position): string =>
  value?.literal !== undefined && value.type.name === "varchar"
    ? value.literal
    : unsupported(`${what} that is computed`, at);

/** Functions that only read a moment's clock and calendar: they see those of its zone. */
const reading = (
  "year quarter month week day day_of_week day_of_year year_of_week hour minute second millisecond last_day_of_month " +
  "date_format format_datetime date"
).split(" ");
const first = (name: string): Built => ({
  name,
  takes: [1, 2],
  says: "of the clock in the moment's zone",
  when: ([value]) => isZoned(value),
  build: ([value, ...rest], at) => scalar(name, [clockOf(value!), ...rest], at),
});

const inUtc = (value: Value): Value => clockOf({ ...value, type: { ...(value.type as Zoned), zone: "UTC" } });

/** date_trunc and date_add: on the clock of the moment's zone, and back. */
const onClock = (name: string, index: number): Built => ({
  name,
  takes: [index + 1, index + 1],
  says: "a moment in the same zone",
  when: (args) => isZoned(args[index]),
  build: (args, at) => {
    const moment = args[index]!;
    const { zone } = moment.type as Zoned;
    // Hours and less are added to the moment itself, which only a clock that is never changed shows alike.
    if (!fixed(zone) && name === "date_add") unsupported(`${name} of a moment in ${zone}`, at);
    const done = scalar(name, [...args.slice(0, index), clockOf(moment)], at);
    return momentOf(done, zone);
  },
});

const intervalPart = (name: string, kind: string, sql: (x: string) => string): Built => ({
  name,
  takes: [1, 1],
  says: "bigint",
  when: ([value]) => value?.type.name === kind,
  build: ([value], at) => ({ ...made([value!]), sql: sql(value!.sql), type: bigint, at }),
});
const [days, months] = ["interval day to second", "interval year to month"];

/** MySQL's letters whose text has one width, as a pattern of what is read surely. */
const widths: Readonly<Record<string, [string, string]>> = {
  Y: ["%Y", "[0-9]{4}"],
  m: ["%m", "[0-9]{1,2}"],
  d: ["%d", "[0-9]{1,2}"],
  H: ["%H", "[0-9]{1,2}"],
  i: ["%M", "[0-9]{1,2}"],
  s: ["%S", "[0-9]{1,2}"],
  T: ["%H:%M:%S", "[0-9]{2}:[0-9]{2}:[0-9]{2}"],
};
const parsed = (value: Value, format: string, at: Position): string => {
  let sure = "";
  const strptime = format.replace(/%([\s\S]?)|([^%])/g, (whole, letter?: string, other?: string) => {
    if (other !== undefined) {
      sure += other.replace(/[.\\+*?()[\]{}|^$]/g, "\\$&");
      return other;
    }
    const [as, pattern] = widths[letter ?? ""] ?? unsupported(`date_parse with ${whole}`, at);
    // Between digits a number must have all of its own.
    sure += pattern;
    return as;
  });
  const joined = /%[A-Za-z]%[A-Za-z]/.test(format);
  const pattern = joined ? sure.replaceAll("{1,2}", "{2}") : sure;
  const { sql } = value;
  const other = raise("date_parse of this text is not answered locally (or it is no such date)");
  return `CASE WHEN ${sql} IS NULL THEN NULL WHEN regexp_full_match(${sql}, ${text(pattern)}) THEN strptime(${sql}, ${text(strptime)}) ELSE ${other} END`;
};

export const moments: readonly Built[] = [
  of("now", [0, 1], "timestamp(3) with time zone, UTC", ([digits], at) => {
    const { sql, precision } = nowTo(digits, at);
    return { sql, type: zoned(precision, "UTC") };
  }),
  of("localtimestamp", [0, 1], "timestamp(3), UTC", ([digits], at) => {
    const { sql, precision } = nowTo(digits, at);
    return { sql, type: timestamp(precision) };
  }),
  of("current_timezone", [0, 0], "varchar", () => ({ sql: "'UTC'", type: varcharOf(null) })),
  of("at_timezone", [2, 2], "the same moment in another zone", ([value, zone], at) =>
    atZone(value!, zoneOf(literal(zone, "a time zone", at), at), at),
  ),
  of("with_timezone", [2, 2], "the moment at which the zone's clock shows the timestamp", ([value, zone], at) =>
    value!.type.name === "timestamp"
      ? momentOf(value!, zoneOf(literal(zone, "a time zone", at), at))
      : refuse("type_mismatch", "with_timezone: expected a timestamp", at),
  ),
  of("from_unixtime", [1, 2], "timestamp(3) with time zone", ([value, zone], at) => {
    const { sql } = coerce(value!, double, "from_unixtime");
    const moment = `make_timestamp(CAST(floor(${sql} * 1e3 + 0.5e0) AS BIGINT) * 1000)`;
    return { sql: moment, type: zoned(3, zone ? zoneOf(literal(zone, "a time zone", at), at) : "UTC") };
  }),
  of("to_unixtime", [1, 1], "double", ([value], at) =>
    value!.type.name === "timestamp" || isZoned(value)
      ? { sql: `(epoch_us(${value!.sql}) / 1e6)`, type: double }
      : refuse("type_mismatch", `to_unixtime: expected a timestamp, came ${show(value!.type)}`, at),
  ),
  of("to_iso8601", [1, 1], "varchar", ([value], at) => {
    const { sql, type } = value!;
    if (type.name === "date") return { sql: `strftime(${sql}, '%Y-%m-%d')`, type: varcharOf(16) };
    if (type.name !== "timestamp" || type.precision !== 3) return unsupported(`to_iso8601(${show(type)})`, at);
    return { sql: `strftime(${sql}, '%Y-%m-%dT%H:%M:%S.%g')`, type: varcharOf(26) };
  }),
  of("from_iso8601_date", [1, 1], "date", ([value]) => {
    const { sql } = coerce(value!, varcharOf(null), "from_iso8601_date");
    const other = raise("this spelling of a date is not answered locally");
    const good = `regexp_full_match(${sql}, '[0-9]{4}-[0-9]{2}-[0-9]{2}')`;
    return { sql: `CASE WHEN ${good} THEN CAST(${sql} AS DATE) WHEN ${sql} IS NOT NULL THEN ${other} END`, type: date };
  }),
  of("from_iso8601_timestamp", [1, 1], "timestamp(3) with time zone, of text that ends in Z", ([value]) => {
    const { sql } = coerce(value!, varcharOf(null), "from_iso8601_timestamp");
    const other = raise("from_iso8601_timestamp of anything but 'YYYY-MM-DDTHH:MM:SS[.mmm]Z' is not answered locally");
    const good = `regexp_full_match(${sql}, '[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,3})?Z')`;
    const moment = `CAST(replace(replace(${sql}, 'T', ' '), 'Z', '') AS TIMESTAMP)`;
    return { sql: `CASE WHEN ${good} THEN ${moment} WHEN ${sql} IS NOT NULL THEN ${other} END`, type: zoned(3, "UTC") };
  }),
  of("date_parse", [2, 2], "timestamp(3)", ([value, format], at) => {
    const of = coerce(value!, varcharOf(null), "date_parse");
    return { sql: parsed(of, literal(format, "a format", at), at), type: timestamp(3) };
  }),
  ...reading.map(first),
  onClock("date_trunc", 1),
  onClock("date_add", 2),
  {
    name: "date_diff",
    takes: [3, 3],
    says: "bigint, on the clock of the moments' zone",
    when: (args) => args.slice(1).some(isZoned),
    build: ([unit, a, b], at) => {
      const zones = [a!, b!].map(({ type }) => (type.name === "timestamp with time zone" ? type.zone : "UTC"));
      // Hours and less are the same on every clock.
      if (["millisecond", "second", "minute", "hour"].includes(unit!.literal?.toLowerCase() ?? ""))
        return scalar("date_diff", [unit!, ...[a!, b!].map((value) => (isZoned(value) ? inUtc(value) : value))], at);
      if (zones[0] !== zones[1] || !fixed(zones[0]!))
        unsupported("date_diff by days or more of moments in two zones or in one whose clock is changed", at);
      return scalar("date_diff", [unit!, ...[a!, b!].map((value) => (isZoned(value) ? clockOf(value) : value))], at);
    },
  },
  intervalPart("day", days!, (x) => `(${x} // 86400000)`),
  intervalPart("hour", days!, (x) => `((${x} // 3600000) % 24)`),
  intervalPart("minute", days!, (x) => `((${x} // 60000) % 60)`),
  intervalPart("second", days!, (x) => `((${x} // 1000) % 60)`),
  intervalPart("millisecond", days!, (x) => `(${x} % 1000)`),
  intervalPart("to_milliseconds", days!, (x) => x),
  intervalPart("year", months!, (x) => `(${x} // 12)`),
  intervalPart("month", months!, (x) => `(${x} % 12)`),
];
