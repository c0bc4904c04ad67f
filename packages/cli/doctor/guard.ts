import type { Properties, Reading, Wanted } from "../../aws/inventory.ts";
import { choicesParameter } from "../../core/stage.ts";
import type { Expected } from "./expected.ts";
import { readCommand } from "./reads.ts";

export type { Properties, Reading, Wanted };

export type Documents = { get: (wanted: Wanted) => Reading };

/**
 * `holds`; `broken`; `unknown`: it could not be read, which is not a pass; `off`: by this stage's own choice;
 * `aws`: a laptop does not have it.
 */
export type State = "holds" | "broken" | "unknown" | "off" | "aws";
export type Finding = {
  guard: string;
  /** The resource's type and name, as a person looks for it. */
  resource: string;
  state: State;
  expected: string | null;
  came: string | null;
  /** Why it is off, or could not be read. */
  why: string | null;
  /** A command, and behind it in parentheses what to know of it; or what no command of ours does. */
  mend: string | null;
};

export type Guard = {
  id: string;
  /** What goes wrong without it, in one line. */
  protects: string;
  /** What it reads. */
  wanted: (expected: Expected) => Wanted[];
  run: (documents: Documents, expected: Expected) => Finding[];
};

export type Wrong = { expected: string; came: string; mend?: string };

export type Subject = Wanted & {
  /** What a person calls it. */
  name: string;
  /** What is read beside it. */
  also?: Wanted[];
  /** Why the guard is off for it. */
  off?: string;
};

type Spec<S extends Subject> = {
  id: string;
  protects: string;
  /** Whether a laptop has it, too. */
  laptop?: boolean;
  /** Why it is off at this stage, if it is. */
  off?: (expected: Expected) => string | null;
  /** What it expects follows from the stage's choices: without them nothing that differs is judged. */
  chosen?: boolean;
  subjects: (expected: Expected) => S[];
  /** Nothing, if it holds. `need` gives another resource's properties, if `also` names it. */
  check: (properties: Properties, subject: S, expected: Expected, need: (wanted: Wanted) => Properties) => Wrong[];
  mend: (subject: S, expected: Expected) => string;
};

/** Ends a check that needs what cannot be read. */
class Unread extends Error {
  readonly wanted: Wanted;
  readonly reading: Reading;
  constructor(wanted: Wanted, reading: Reading) {
    super();
    this.wanted = wanted;
    this.reading = reading;
  }
}

/**
 * Deploys what the code says over whatever is there: Pulumi sees a change that others made only after a refresh. Settings
 * are of whoever deploys: without those of the last deployment, a laptop would deploy its own.
 */
export const deploy = ({ stage }: Expected): string =>
  `npx sst refresh --stage ${stage.name} && npx sst deploy --stage ${stage.name} (with the PREGAO_ settings of its last deployment; if a workflow deploys it, run that workflow again instead)`;

/** A laptop's river makes everything anew when it starts. */
export const restart = "pregao up (after ending the one that runs)";

/** What of a mend a shell takes; null if nothing. */
export const commandOf = (mend: string): string | null => {
  const command = mend.replace(/ \(.*\)$/s, "");
  return /^(npx|npm|aws|pregao|chown|chmod|sudo) /.test(command) ? command : null;
};

export const guard = <S extends Subject>(spec: Spec<S>): Guard => {
  const { id } = spec;
  const finding = (subject: Wanted & { name?: string }, state: State, rest: Partial<Finding> = {}): Finding => ({
    ...{ guard: id, resource: `${subject.type} ${subject.name ?? subject.id}`, state },
    ...{ expected: null, came: null, why: null, mend: null },
    ...rest,
  });
  /** What differs is broken, unless a choice that nobody could read may be why. */
  const judged = (subject: S, expected: Expected, wrong: Required<Wrong>): Finding =>
    expected.chosen || !spec.chosen
      ? finding(subject, "broken", wrong)
      : finding(subject, "unknown", {
          ...unchosen(expected),
          ...{ expected: wrong.expected, came: wrong.came },
        });
  const unread = (subject: S, wanted: Wanted, reading: Reading, expected: Expected): Finding => {
    const command = readCommand(wanted, expected.stage.region);
    const what = wanted === subject ? "it" : `${wanted.type} ${wanted.id}, on which it hangs,`;
    if (reading.is === "elsewhere")
      return finding(subject, expected.laptop ? "aws" : "unknown", {
        why: `${what} is of a type that cannot be read there`,
        mend: command,
      });
    if (reading.is === "unreadable")
      return finding(subject, "unknown", {
        why: `${what} cannot be read: ${reading.error}`,
        mend: reading.permission ? `allow ${reading.permission} to whoever runs this` : command,
      });
    return judged(subject, expected, {
      expected: `a ${wanted.type} ${wanted.id}`,
      came: "there is none",
      mend: expected.laptop ? restart : deploy(expected),
    });
  };
  return {
    id,
    protects: spec.protects,
    wanted: (expected) =>
      skipped(spec, expected)
        ? []
        : spec.subjects(expected).flatMap(({ type, id: of, also }) => [{ type, id: of }, ...(also ?? [])]),
    run: (documents, expected) => {
      const why = skipped(spec, expected);
      if (why) {
        const { state, ...rest } = why;
        return [finding({ type: "stage", id: expected.stage.name }, state, rest)];
      }
      return spec.subjects(expected).flatMap((subject): Finding[] => {
        if (subject.off) return [finding(subject, "off", { why: subject.off })];
        const reading = documents.get(subject);
        if (reading.is !== "there") return [unread(subject, subject, reading, expected)];
        try {
          const need = (wanted: Wanted): Properties => {
            const other = documents.get(wanted);
            if (other.is !== "there") throw new Unread(wanted, other);
            return other.properties;
          };
          const wrong = spec.check(reading.properties, subject, expected, need);
          if (wrong.length === 0) return [finding(subject, "holds")];
          return wrong.map(({ mend, ...said }) =>
            judged(subject, expected, { ...said, mend: mend ?? spec.mend(subject, expected) }),
          );
        } catch (error) {
          if (error instanceof Unread) return [unread(subject, error.wanted, error.reading, expected)];
          throw error;
        }
      });
    },
  };
};

type Skip = { state: State; why: string; mend?: string };
const skipped = <S extends Subject>(spec: Spec<S>, expected: Expected): Skip | null => {
  if (expected.laptop && !spec.laptop) return { state: "aws", why: "AWS has it, a laptop does not" };
  const why = spec.off?.(expected) ?? null;
  if (why === null) return null;
  return expected.chosen ? { state: "off", why } : { state: "unknown", ...unchosen(expected) };
};

const unchosen = ({ stage }: Expected): { why: string; mend: string } => {
  const id = choicesParameter(stage.name);
  return {
    why: `it hangs on what this stage chose, and ${id} cannot be read`,
    mend: readCommand({ type: "AWS::SSM::Parameter", id }, stage.region),
  };
};
