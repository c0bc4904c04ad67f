import { plural, printable } from "../output.ts";
import type { Checked, Diagnosis } from "./diagnosis.ts";
import type { Finding, State } from "./guard.ts";

const words: Record<State, string> = {
  broken: "BROKEN",
  unknown: "CANNOT BE READ",
  holds: "holds",
  off: "off",
  aws: "on AWS only",
};

/** Of one guard, so many resources are told of one by one; --json has all. */
const SHOWN = 5;

/** A diagnosis as a person reads it: what needs a hand first and whole, then what does not in a line each. */
export const screenOf = (diagnosis: Diagnosis): string => {
  const { guards } = diagnosis;
  const of = (state: State) => guards.filter((guard) => guard.state === state);
  const ill = [...of("broken"), ...of("unknown")];
  return [
    ...ill.flatMap(told),
    ...of("off").map((guard) => line(guard, why(guard))),
    ...of("holds").map((guard) => line(guard, holds(guard))),
    ...(of("aws").length
      ? [
          line(
            { state: "aws" },
            of("aws")
              .map(({ id }) => id)
              .join(", "),
          ),
        ]
      : []),
    "",
    summary(diagnosis),
    next(ill),
    "",
  ].join("\n");
};

const line = ({ state, id = "" }: { state: State; id?: string }, rest: string): string =>
  `${words[state].padEnd(14)}  ${id && `${id.padEnd(20)}  `}${printable(rest)}`.trimEnd();

const told = ({ id, protects, state, findings }: Checked): string[] => {
  const those = findings.filter((one) => one.state === "broken" || one.state === "unknown");
  return [
    line({ state, id }, protects),
    ...those.slice(0, SHOWN).flatMap(details),
    ...(those.length > SHOWN
      ? [`  and ${plural(those.length - SHOWN, "more finding")} of this guard: --json has all`]
      : []),
    "",
  ];
};

const details = ({ resource, state, expected, came, why: reason, mend }: Finding): string[] => [
  `  ${printable(resource)}`,
  ...(state === "broken"
    ? [`    expected  ${printable(expected ?? "")}`, `    came      ${printable(came ?? "")}`]
    : [`    ${printable(reason ?? "")}`]),
  ...(mend === null ? [] : [`    mend      ${printable(mend)}`]),
];

const holds = ({ protects, findings }: Checked): string => {
  const off = findings.filter((one) => one.state === "off");
  const [only] = findings;
  if (findings.length === 1 && only?.why) return `${protects} (${only.why})`;
  return `${protects}${off.length ? ` (${plural(off.length, "resource")} off: ${off[0]?.why})` : ""}`;
};
const why = ({ protects, findings }: Checked): string => `${findings[0]?.why ?? "by choice"}: not held, ${protects}`;

const summary = ({ counts, stage, account, region, laptop, guards }: Diagnosis): string => {
  const where = laptop ? "on this laptop" : `of stage ${stage}, account ${account}, region ${region}`;
  const parts = (["broken", "unknown", "off", "aws"] as const)
    .filter((state) => counts[state] > 0)
    .map((state) => `${counts[state]} ${words[state].toLowerCase()}`);
  return `${plural(guards.length, "guard")} ${where}: ${[`${counts.holds} hold`, ...parts].join(", ")}.`;
};

const next = (ill: readonly Checked[]): string => {
  const first = ill[0]?.findings.find((one) => one.state === "broken" || one.state === "unknown");
  return `Next: ${first?.mend ? printable(first.mend) : "pregao status"}`;
};
