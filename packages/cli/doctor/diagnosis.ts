import { type ReadOptions, readInventory } from "../../aws/inventory.ts";
import { type Choices, choices, choicesParameter, type Stage } from "../../core/stage.ts";
import type { Place } from "../place.ts";
import { expectedOf, NO_CHOICES } from "./expected.ts";
import { commandOf, type Finding, type State } from "./guard.ts";
import { guards } from "./guards/index.ts";
import { object } from "./shapes.ts";

/** A guard, what it protects, and what was found of it; `state` is the worst of its findings. */
export type Checked = { id: string; protects: string; state: State; findings: Finding[] };
export type Diagnosis = {
  /** Null: the laptop's river could not be looked at. */
  stage: string | null;
  account: string | null;
  region: string | null;
  laptop: boolean;
  healthy: boolean;
  /** Guards by state. */
  counts: Record<State, number>;
  guards: Checked[];
  /** A command: the first that mends anything, or looks again. */
  next: string;
};

/** The worst first. */
export const WORST: readonly State[] = ["broken", "unknown", "holds", "off", "aws"];

/** A guard of nothing, as one of streams where no dataset has messages, holds. */
export const checked = (id: string, protects: string, findings: Finding[]): Checked => ({
  ...{ id, protects, findings },
  state: WORST.find((state) => findings.some((one) => one.state === state)) ?? "holds",
});

/**
 * Every guard, of what this place says of itself. @throws PregaoError as {@link readInventory}: without an answer there is
 * nothing to say of any guard.
 */
export const examine = async (
  { aws, stage, datasets, dir }: Pick<Place, "aws" | "stage" | "datasets" | "dir">,
  options: ReadOptions = {},
) => {
  const laptop = dir !== null;
  const expected = expectedOf(stage, datasets, laptop, laptop ? NO_CHOICES : await choicesOf(aws, stage));
  const wanted = guards.flatMap((guard) => guard.wanted(expected));
  const get = await readInventory(aws, wanted, options);
  return guards.map((guard) => checked(guard.id, guard.protects, guard.run({ get }, expected)));
};

/** What needs a hand, the broken first. */
export const illOf = (all: readonly Checked[]): Checked[] =>
  (["broken", "unknown"] as const).flatMap((state) => all.filter((one) => one.state === state));

const nextOf = (all: readonly Checked[]): string => {
  const ill = illOf(all);
  const mends = ill
    .flatMap(({ state, findings }) => findings.filter((one) => one.state === state))
    .flatMap(({ mend }) => commandOf(mend ?? "") ?? []);
  return mends[0] ?? (ill.length > 0 ? "pregao doctor" : "pregao status");
};

export const diagnosisOf = (stage: Stage | null, laptop: boolean, all: Checked[]): Diagnosis => {
  const counts = Object.fromEntries(
    WORST.map((state) => [state, all.filter((one) => one.state === state).length]),
  ) as Diagnosis["counts"];
  return {
    ...{ stage: stage?.name ?? null, account: stage?.account ?? null, region: stage?.region ?? null, laptop },
    ...{ healthy: counts.broken + counts.unknown === 0, counts, guards: all, next: nextOf(all) },
  };
};

/** What the stage chose; null if that cannot be read, and the guard `stage.choices` says why. */
const choicesOf = async (aws: Place["aws"], stage: Stage): Promise<Choices | null> => {
  const parameter = { type: "AWS::SSM::Parameter", id: choicesParameter(stage.name) };
  const reading = (await readInventory(aws, [parameter]))(parameter);
  return choices.safeParse(reading.is === "there" ? object(reading.properties.Value) : null).data ?? null;
};
