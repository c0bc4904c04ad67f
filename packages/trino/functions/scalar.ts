import { castTo } from "../casts.ts";
import type { Position } from "../refusal.ts";
import { date } from "../types.ts";
import type { Value } from "../value.ts";
import { dates } from "./dates.ts";
import { call } from "./table.ts";

/** A function of dates, for one that is built upon it. */
export const scalar = (name: string, values: readonly Value[], at: Position): Value =>
  name === "date"
    ? castTo(values[0]!, date)
    : call(
        name,
        dates.filter((signature) => signature.name === name),
        values,
        at,
      );
