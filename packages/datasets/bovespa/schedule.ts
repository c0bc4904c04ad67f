import type { Schedule } from "../../core/dataset.ts";

/** B3's daily files. They come about 20:30, and sometimes again, rewritten: 22:11 was seen. */
export const schedule: Schedule = {
  zone: "America/Sao_Paulo",
  cron: "45 20-22 * * MON-FRI",
  last: "45 23 * * MON-FRI",
};
