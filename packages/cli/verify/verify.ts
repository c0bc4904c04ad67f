import type { Dataset } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import { isQuiet } from "../lake.ts";
import type { Place } from "../place.ts";
import { look, lostIn } from "./look.ts";
import { repair } from "./repair.ts";
import { screen } from "./screen.ts";

export type VerifyOptions = { origin?: string; session?: string; repair?: boolean; wait?: boolean };

/** For how long --wait and --repair wait; longer than a deployed stage needs to be known as quiet. */
const WAIT_MS = 30 * 60_000;

/**
 * `pregao verify`: whether every row that entered is where it must be, and only there. The truth comes from the archive:
 * the same bytes make the same messages, and a message judged again has the same event ids. Exit status 1 if anything is
 * missing, doubled, invented or stale.
 */
export const verify = async (place: Place, dataset: Dataset, options: VerifyOptions): Promise<void> => {
  const { output } = place;
  const patience = options.wait ? WAIT_MS : null;
  if (options.wait && !(await isQuiet(place, dataset, WAIT_MS)))
    output.say("still under way after half an hour; what is not there yet is said to be in flight");
  let verified = await look(place, dataset, options, patience);
  if (options.repair && lostIn(verified) > 0) {
    const repaired = await repair(place, dataset, options, verified, patience);
    verified = { ...(await look(place, dataset, options, WAIT_MS)), repaired };
  }
  output.result(verified, () => screen(dataset, verified));
  if (!verified.whole) process.exitCode = 1;
};

/** The options that are wrong whatever is in the river. @throws PregaoError `usage`. */
export const check = ({ origin, session }: VerifyOptions): void => {
  if (origin !== undefined && session !== undefined)
    throw new PregaoError("usage", "expected --origin or --session, came both");
  if (origin !== undefined && !/^[0-9a-f]{6,64}$/.test(origin))
    throw new PregaoError(
      "usage",
      `expected --origin with 6 to 64 digits of a SHA-256, came ${JSON.stringify(origin)}`,
    );
  if (session !== undefined && !isDay(session))
    throw new PregaoError("usage", `expected --session YYYY-MM-DD, came ${JSON.stringify(session)}`);
};

export const isDay = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(text) && new Date(`${text}T12:00:00Z`).toJSON()?.slice(0, 10) === text;
