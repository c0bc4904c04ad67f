import type { Schedule } from "../../core/dataset.ts";

/**
 * The portfolio is for the day's opening, and when the next day's takes its place in the evening nobody has measured:
 * the looks are while the day's session lasts.
 */
export const schedule: Schedule = {
  zone: "America/Sao_Paulo",
  cron: "15 10,12,14,16 * * MON-FRI",
  last: "15 18 * * MON-FRI",
};
