/** Sunday is 0 and 7 to a cron of five fields, and 1 to AWS: by name they are the same. */
const DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

const field = (text: string, names: readonly string[] = []): string =>
  text
    .split(",")
    .map((part) => {
      const [, range = "", step] = /^([^/]+)(?:\/(\d+))?$/.exec(part) ?? [];
      const named = range.replace(/\d+/g, (digits) => names[Number(digits)] ?? digits);
      // AWS's own examples start a step at a number; `*/15` is not among them.
      return step === undefined ? named : `${named === "*" ? "0" : named}/${step}`;
    })
    .join(",");

/**
 * AWS's form of a cron of five fields: `cron(minute hour day-of-month month day-of-week year)`, in which one of the two
 * days is `?` (EventBridge Scheduler User Guide, Cron-based schedules).
 * @throws Error for what AWS cannot say: either of two days, or steps of days and months
 */
export const scheduleExpression = (cron: string): string => {
  const fields = cron.trim().split(/\s+/);
  const [minute, hour, day, month, weekday] = fields;
  if (fields.length !== 5 || !minute || !hour || !day || !month || !weekday)
    throw new Error(`expected a cron of five fields, came ${cron}`);
  if (day !== "*" && weekday !== "*")
    throw new Error(`expected a day of the month or of the week, came both: ${cron}; AWS takes one. Write two clocks`);
  if (`${day} ${month} ${weekday}`.includes("/"))
    throw new Error(`expected days and months without a step, came ${cron}: AWS counts from another start. List them`);
  const days = weekday === "*" ? [field(day), "?"] : ["?", field(weekday, DAYS)];
  return `cron(${field(minute)} ${field(hour)} ${days[0]} ${field(month)} ${days[1]} *)`;
};
