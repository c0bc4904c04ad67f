import { expect, test } from "vitest";
import { scheduleExpression } from "../../packages/core/cron.ts";

test.each([
  ["*/15 * * * *", "cron(0/15 * * * ? *)"],
  ["30 6 * * *", "cron(30 6 * * ? *)"],
  ["0 6 1,15 * *", "cron(0 6 1,15 * ? *)"],
  ["0 6 * * SUN", "cron(0 6 ? * SUN *)"],
  ["0,30 19-22 * * 1-5", "cron(0,30 19-22 ? * MON-FRI *)"],
  ["0 6 * * 0", "cron(0 6 ? * SUN *)"],
  ["0 6 * * 7", "cron(0 6 ? * SUN *)"],
])("%s is Amazon's %s: its week begins on another number", (cron, expression) => {
  expect(scheduleExpression(cron)).toBe(expression);
});
