import { plural, printable } from "../output.ts";
import { type Checked, type Diagnosis, illOf } from "./diagnosis.ts";
import { type Entry, entriesOf } from "./entries.ts";
import type { State } from "./guard.ts";

const words: Record<State, string> = {
  broken: "BROKEN",
  unknown: "CANNOT BE READ",
  holds: "holds",
  off: "off",
  aws: "on AWS only",
};

/** Of one guard, so many entries are told of, and of an entry so many resources; --json has all. */
const SHOWN = { entries: 5, resources: 3 };

/** A diagnosis as a person reads it: what needs a hand first and whole, then what does not in a line each. */
export const screenOf = (diagnosis: Diagnosis): string => {
  const { guards } = diagnosis;
  const of = (state: State) => guards.filter((guard) => guard.state === state);
  const elsewhere = of("aws").map(({ id }) => id);
  return [
    ...told(guards),
    ...of("off").map((guard) => line(guard, why(guard))),
    ...of("holds").map((guard) => line(guard, holds(guard))),
    ...(elsewhere.length ? [line({ state: "aws" }, elsewhere.join(", "))] : []),
    "",
    summary(diagnosis),
    `Next: ${printable(diagnosis.next)}`,
    "",
  ].join("\n");
};

const line = ({ state, id = "" }: { state: State; id?: string }, rest: string): string =>
  `${words[state].padEnd(14)}  ${id && `${id.padEnd(20)}  `}${printable(rest)}`.trimEnd();

/** Entries, each under the first of its guards. */
const told = (guards: readonly Checked[]): string[] => {
  const entries = entriesOf(illOf(guards));
  return [...Map.groupBy(entries, ({ state, guards: [first] }) => `${state} ${first}`).values()].flatMap((those) => {
    const [
      {
        state,
        guards: [id = ""],
      } = { state: "broken" as const, guards: [] },
    ] = those;
    const rest = those.length - SHOWN.entries;
    return [
      line({ state, id }, guards.find((one) => one.id === id)?.protects ?? ""),
      ...those.slice(0, SHOWN.entries).flatMap(details),
      ...(rest > 0 ? [`  and ${plural(rest, "more finding")} of this guard: --json has all`] : []),
      "",
    ];
  });
};

const details = ({ guards: [, ...others], resources, pairs, why: reason, mend }: Entry): string[] => {
  const rest = resources.length - SHOWN.resources;
  return [
    ...resources.slice(0, SHOWN.resources).map((resource) => `  ${printable(resource)}`),
    ...(rest > 0 ? [`  and ${plural(rest, "more resource")}: --json has all`] : []),
    ...pairs.flatMap(({ expected, came }) => [
      `    expected  ${printable(expected)}`,
      `    came      ${printable(came)}`,
    ]),
    ...(reason === null ? [] : [`    ${printable(reason)}`]),
    ...(mend === null ? [] : [`    mend      ${printable(mend)}`]),
    ...(others.length ? [`    guards    ${others.join(", ")}, too`] : []),
  ];
};

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
