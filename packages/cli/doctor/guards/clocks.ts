import { scheduleExpression } from "../../../core/cron.ts";
import { type ClockSpec, TICKS } from "../../../core/topology.ts";
import type { Expected } from "../expected.ts";
import { deploy, type Guard, guard, restart, type Subject } from "../guard.ts";
import { at, canonical, differences, object, said } from "../shapes.ts";
import { roleOf } from "./functions.ts";

type Clock = Subject & { spec: ClockSpec };
const clocks = (e: Expected): Clock[] =>
  e.topology.clocks.map((spec) => ({
    type: "AWS::Scheduler::Schedule",
    id: e.name(spec.name),
    name: e.name(spec.name),
    spec,
    ...(e.laptop && spec.web ? { off: "a laptop's clocks fetch from the web with pregao up --web only" } : {}),
  }));
const mend = (_: Clock, e: Expected): string => (e.laptop ? restart : deploy(e));

export const clockGuards: Guard[] = [
  guard<Clock>({
    id: "clock.when",
    protects: "what a lost bell would hide is looked for, and files are fetched after the close",
    laptop: true,
    subjects: clocks,
    check: (is, { spec }) =>
      differences(
        { ScheduleExpression: scheduleExpression(spec.cron), ScheduleExpressionTimezone: spec.zone, State: "ENABLED" },
        (name) => is[name],
      ),
    mend,
  }),
  guard<Clock>({
    id: "clock.what",
    protects: "a tick calls its function, and says for which datasets",
    laptop: true,
    subjects: clocks,
    check: (is, { spec }, e) => {
      const input = object(at(is, "Target", "Input"));
      return [
        ...differences({ Arn: e.functionArn(spec.function) }, (name) => at(is, "Target", name)),
        ...(canonical(input) === canonical(spec.input)
          ? []
          : [{ expected: `Input ${said(spec.input)}`, came: `Input ${said(at(is, "Target", "Input"))}` }]),
      ];
    },
    mend,
  }),
  guard<Clock>({
    id: "clock.lost",
    protects: "a tick that cannot be handed over is tried again, then kept where a person sees it",
    subjects: clocks,
    check: (is, _, e) => [
      ...differences({ Arn: e.queueArn(TICKS.failed) }, (name) => at(is, "Target", "DeadLetterConfig", name)),
      ...differences({ MaximumRetryAttempts: TICKS.retries, MaximumEventAgeInSeconds: TICKS.age }, (name) =>
        at(is, "Target", "RetryPolicy", name),
      ),
    ],
    mend,
  }),
  guard<Clock>({
    id: "clock.role",
    chosen: true,
    protects: "a schedule may call the functions that have clocks, and no other",
    subjects: clocks,
    check: (is, _, e) => differences({ RoleArn: roleOf(e, "clock") }, (name) => at(is, "Target", name)),
    mend,
  }),
];
