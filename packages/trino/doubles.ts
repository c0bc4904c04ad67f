import { raise } from "./value.ts";

/**
 * CAST(double AS varchar), which Trino writes as `1.5E0`. Every version of Java has the same digits when 15 of them tell
 * the double from every other and it lies from 1e-300 to 1e16 (40 million values were compared with Java 17's); other
 * doubles are an error.
 */
const doubtful = raise(
  "a double of more than 15 digits, or as large as 1e16, as varchar is not answered locally: round it, or cast it to a decimal first; it",
);

export const doubleText = (x: string): string => {
  const digits = `format('{:.14e}', ${x})`;
  const fraction = `regexp_replace(split_part(${digits}, 'e', 1), '(\\.[0-9]+?)0+$', '\\1')`;
  const power = `CAST(CAST(replace(split_part(${digits}, 'e', 2), '+', '') AS INTEGER) AS VARCHAR)`;
  const infinite = `CASE WHEN ${x} > 0 THEN 'Infinity' ELSE '-Infinity' END`;
  return `CASE WHEN isnan(${x}) THEN 'NaN' WHEN isinf(${x}) THEN ${infinite} WHEN ${x} = 0 THEN CASE WHEN signbit(${x}) THEN '-0E0' ELSE '0E0' END WHEN CAST(${digits} AS DOUBLE) <> ${x} OR abs(${x}) >= 1e16 OR abs(${x}) < 1e-300 THEN ${doubtful} ELSE ${fraction} || 'E' || ${power} END`;
};
