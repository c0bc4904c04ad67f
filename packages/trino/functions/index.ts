import { conditions } from "./conditions.ts";
import { dates } from "./dates.ts";
import { numbers } from "./numbers.ts";
import { strings } from "./strings.ts";
import type { Built, Signature } from "./table.ts";

/** Other names of the same function. */
export const aliases: Readonly<Record<string, string>> = {
  substring: "substr",
  ceiling: "ceil",
  pow: "power",
  dow: "day_of_week",
  doy: "day_of_year",
  day_of_month: "day",
  week_of_year: "week",
  yow: "year_of_week",
};

/** Every scalar function that is answered, by name. What is not here is refused. */
export const scalars: ReadonlyMap<string, readonly Signature[]> = new Map(
  Object.entries(Object.groupBy([...strings, ...numbers, ...dates], ({ name }) => name)) as [string, Signature[]][],
);
export const built: ReadonlyMap<string, Built> = new Map(conditions.map((entry) => [entry.name, entry]));
