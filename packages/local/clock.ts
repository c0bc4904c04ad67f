import { Cron } from "croner";
import type { ClockSpec } from "../core/topology.ts";

/** Between the next two ticks of a clock, in ms; null if there are none. */
export const interval = ({ cron, zone }: Pick<ClockSpec, "cron" | "zone">): number | null => {
  const [first, second] = new Cron(cron, { timezone: zone, paused: true }).nextRuns(2);
  return first && second ? second.getTime() - first.getTime() : null;
};

/** When a clock ticks next after an instant, both in ms since 1970; null: never again. */
export const nextTick = ({ cron, zone }: Pick<ClockSpec, "cron" | "zone">, after: number): number | null =>
  new Cron(cron, { timezone: zone, paused: true }).nextRun(new Date(after))?.getTime() ?? null;
