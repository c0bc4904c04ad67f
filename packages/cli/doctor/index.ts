import { PregaoError } from "../../core/errors.ts";
import { DEFAULT_ENGINE, runningStack } from "../../local/lock.ts";
import { type Global, isDeployed } from "../line.ts";
import type { Output } from "../output.ts";
import { type Place, stateDir } from "../place.ts";
import { type Diagnosis, diagnosisOf, examine } from "./diagnosis.ts";
import { machine } from "./laptop.ts";
import { riverOf } from "./river.ts";
import { screenOf } from "./screen.ts";

// Whether a stage is as it was declared, guard by guard.
//   guard.ts     what a guard is, and what it finds
//   guards/      every guard, a file for each kind of resource
//   expected.ts  what a stage should be
//   diagnosis.ts all guards of a place
//   laptop.ts    what a river needs of the machine
//   river.ts     whether a state directory has a river
//   reads.ts     commands that read a resource
//   policy.ts    what a policy lets and denies
//   shapes.ts    documents that nobody has judged yet
//   screen.ts    all of it on a screen

/** Whoever waits longer is told how far it is. */
const SILENT_MS = 3_000;

/** `pregao doctor`: exit status 1 if a guard is broken, or cannot be read. `at` opens the place. */
export const doctor = async (
  options: Global,
  output: Output,
  at: (work: (place: Place) => Promise<void>) => Promise<void>,
): Promise<void> => {
  const say = (diagnosis: Diagnosis): void => {
    output.result(addressed(diagnosis, output), () => screenOf(diagnosis));
    if (!diagnosis.healthy) process.exitCode = 1;
  };
  if (isDeployed(options))
    return at(async (place) =>
      say(diagnosisOf(place.stage, false, await patiently(output, (progress) => examine(place, { progress })))),
    );

  const dir = stateDir(options);
  const facts = await machine(dir, (await runningStack(dir).catch(() => null))?.engine ?? DEFAULT_ENGINE);
  try {
    await at(async (place) =>
      say(diagnosisOf(place.stage, true, [...facts, riverOf(dir, null), ...(await examine(place))])),
    );
  } catch (error) {
    // There is none, or nobody can look at it. The machine can be looked at all the same.
    if (!(error instanceof PregaoError) && !(error as NodeJS.ErrnoException).syscall) throw error;
    say(diagnosisOf(null, true, [...facts, riverOf(dir, error)]));
  }
};

/** With how far the readings are, said from time to time. */
const patiently = async <T>(output: Output, work: (progress: (read: number, of: number) => void) => Promise<T>) => {
  let so = "waiting for AWS to answer";
  const told = setInterval(() => output.say(so), SILENT_MS);
  try {
    return await work((read, of) => {
      so = `read ${read} of ${of}`;
    });
  } finally {
    clearInterval(told);
  }
};

/** With the commands that it names addressed to the stage or the state directory that was asked for. */
const addressed = (diagnosis: Diagnosis, { here }: Output): Diagnosis => ({
  ...diagnosis,
  next: here(diagnosis.next),
  guards: diagnosis.guards.map((guard) => ({
    ...guard,
    findings: guard.findings.map((one) => ({ ...one, mend: one.mend === null ? null : here(one.mend) })),
  })),
});
