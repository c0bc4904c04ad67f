import { PregaoError } from "../../core/errors.ts";
import { DEFAULT_ENGINE, runningStack } from "../../local/lock.ts";
import { type Global, isDeployed } from "../line.ts";
import type { Output } from "../output.ts";
import { type Place, stateDir } from "../place.ts";
import { type Checked, checked, type Diagnosis, diagnosisOf, examine } from "./diagnosis.ts";
import { machine } from "./laptop.ts";
import { screenOf } from "./screen.ts";

// Whether a stage is as it was declared, guard by guard.
//   guard.ts     what a guard is, and what it finds
//   guards/      every guard, a file for each kind of resource
//   expected.ts  what a stage should be
//   diagnosis.ts all guards of a place
//   laptop.ts    what a river needs of the machine
//   policy.ts    what a policy lets and denies
//   shapes.ts    documents that nobody has judged yet
//   screen.ts    all of it on a screen

/** `pregao doctor`: exit status 1 if a guard is broken, or cannot be read. `at` opens the place. */
export const doctor = async (
  options: Global,
  output: Output,
  at: (work: (place: Place) => Promise<void>) => Promise<void>,
): Promise<void> => {
  const say = (diagnosis: Diagnosis): void => {
    output.result(diagnosis, () => screenOf(diagnosis));
    if (!diagnosis.healthy) process.exitCode = 1;
  };
  if (isDeployed(options)) return at(async (place) => say(diagnosisOf(place.stage, false, await examine(place))));

  const dir = stateDir(options);
  const facts = await machine(dir, (await runningStack(dir).catch(() => null))?.engine ?? DEFAULT_ENGINE);
  try {
    await at(async (place) =>
      say(diagnosisOf(place.stage, true, [...facts, river(dir, null), ...(await examine(place))])),
    );
  } catch (error) {
    // There is none, or nobody can look at it. The machine can be looked at all the same.
    if (!(error instanceof PregaoError)) throw error;
    say(diagnosisOf(null, true, [...facts, river(dir, error)]));
  }
};

const river = (dir: string, error: PregaoError | null): Checked => {
  const [came = "", mend = "pregao demo"] = error?.message.split(" Next: ") ?? [];
  const empty = { guard: "laptop.river", resource: dir, expected: null, came: null, why: null, mend: null };
  return checked("laptop.river", "there is a river in the state directory, and it answers", [
    error ? { ...empty, state: "broken", expected: "a river that answers", came, mend } : { ...empty, state: "holds" },
  ]);
};
