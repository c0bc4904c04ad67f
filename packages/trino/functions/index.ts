import { arrays } from "./arrays.ts";
import { bytes } from "./bytes.ts";
import { conditions } from "./conditions.ts";
import { dates } from "./dates.ts";
import { formats } from "./formats.ts";
import { jsons } from "./jsons.ts";
import { maps } from "./maps.ts";
import { moments } from "./moments.ts";
import { numbers } from "./numbers.ts";
import { regexps } from "./regexps.ts";
import { sequences } from "./sequences.ts";
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
  any_value: "arbitrary",
  current_timestamp: "now",
  rand: "random",
};

/** Every scalar function that is answered, by name. What is not here is refused. */
export const scalars: ReadonlyMap<string, readonly Signature[]> = new Map(
  Object.entries(Object.groupBy([...strings, ...bytes, ...regexps, ...numbers, ...dates], ({ name }) => name)) as [
    string,
    Signature[],
  ][],
);
export const built: ReadonlyMap<string, readonly Built[]> = new Map(
  Object.entries(
    Object.groupBy(
      [...arrays, ...sequences, ...maps, ...moments, ...jsons, ...formats, ...conditions],
      ({ name }) => name,
    ),
  ) as [string, Built[]][],
);
