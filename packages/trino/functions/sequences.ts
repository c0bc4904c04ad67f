import { coerce } from "../casts.ts";
import { type Position, refuse, unsupported } from "../refusal.ts";
import { arrayOf, bigint, isInteger, show } from "../types.ts";
import { made, raise, type Value } from "../value.ts";
import type { Built } from "./table.ts";

/** Values of one sequence, in Trino. */
const MAX = 10_000;
const DAY = 86_400_000n;

/** A list of `count` values, `make` of 0, 1 …; errors as Trino's when it is too long or runs the other way. */
const listed = (count: string, make: (i: string) => string): string =>
  `CASE WHEN ${count} < 1 THEN ${raise("sequence stop value should be greater than or equal to start value if step is greater than zero otherwise stop should be less than or equal to start")} WHEN ${count} > ${MAX} THEN ${raise(`result of sequence function must not have more than ${MAX} entries`)} ELSE list_transform(range(${count}), lambda "s": ${make('"s"')}) END`;

const integers = (start: Value, stop: Value, step: Value | undefined): string => {
  const [a, b] = [start, stop].map((value) => coerce(value, bigint, "sequence").sql) as [string, string];
  const by = step ? coerce(step, bigint, "sequence").sql : `CASE WHEN ${a} <= ${b} THEN 1 ELSE -1 END`;
  const wrong = `CASE WHEN sign(${b} - ${a}) * sign(${by}) < 0 THEN 0 ELSE (${b} - ${a}) // (${by}) + 1 END`;
  const zero = step ? `CASE WHEN ${by} = 0 THEN ${raise("step must not be zero")} ELSE ${wrong} END` : wrong;
  return listed(`(${zero})`, (i) => `${a} + ${i} * (${by})`);
};

/** Days and timestamps, by a literal interval that runs forward, or backward for one day at a time. */
const moments = (start: Value, stop: Value, step: Value | undefined, at: Position): string => {
  const [a, b] = [start.sql, stop.sql];
  const day = start.type.name === "date";
  if (!step && !day) refuse("invalid", "sequence of timestamps needs a step", at);
  const by = step ? (step.literal ?? unsupported("sequence by a computed interval", at)) : String(DAY);
  const size = BigInt(by);
  if (size <= 0n) return unsupported("sequence by an interval of 0 or less", at);
  if (step?.type.name === "interval year to month") {
    // From the start each time: the 31st of January is followed by the 29th of February and the 31st of March.
    const later = (i: string) =>
      day ? `CAST(${a} + INTERVAL (${i} * ${by}) MONTH AS DATE)` : `${a} + INTERVAL (${i} * ${by}) MONTH`;
    const most = `((year(${b}) - year(${a})) * 12 + month(${b}) - month(${a})) // ${by}`;
    return listed(`(${most} + CASE WHEN ${later(most)} <= ${b} THEN 1 ELSE 0 END)`, later);
  }
  if (!day) {
    const count = `((epoch_ms(${b}) - epoch_ms(${a})) // ${by} + CASE WHEN ${a} <= ${b} THEN 1 ELSE 0 END)`;
    return listed(count, (i) => `${a} + INTERVAL (${i} * ${by}) MILLISECONDS`);
  }
  if (size % DAY !== 0n)
    return refuse("invalid", "sequence step must be a day interval if start and end are dates", at);
  if (!step) return listed(`(abs(${b} - ${a}) + 1)`, (i) => `${a} + CAST(${i} * sign(${b} - ${a}) AS INTEGER)`);
  const days = size / DAY;
  const count = `((${b} - ${a}) // ${days} + CASE WHEN ${a} <= ${b} THEN 1 ELSE 0 END)`;
  return listed(count, (i) => `${a} + CAST(${i} * ${days} AS INTEGER)`);
};

export const sequences: readonly Built[] = [
  {
    name: "sequence",
    takes: [2, 3],
    says: "array of bigint, date or timestamp",
    build: ([start, stop, step], at) => {
      const [a, b] = [start!, stop!];
      const base = { ...made([a, b, ...(step ? [step] : [])]), at };
      if (isInteger(a.type) && isInteger(b.type)) return { ...base, sql: integers(a, b, step), type: arrayOf(bigint) };
      if (
        a.type.name !== b.type.name ||
        (a.type.name !== "date" && a.type.name !== "timestamp") ||
        show(a.type) !== show(b.type)
      )
        return unsupported(`sequence(${show(a.type)}, ${show(b.type)})`, at);
      return { ...base, sql: moments(a, b, step, at), type: arrayOf(a.type) };
    },
  },
];
