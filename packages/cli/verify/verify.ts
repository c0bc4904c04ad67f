import type { Dataset } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import { isQuiet } from "../lake.ts";
import type { Place } from "../place.ts";
import { forgetGone } from "../raw.ts";
import { look, lostIn } from "./look.ts";
import { goneBefore, letGo } from "./lost.ts";
import { repair } from "./repair.ts";
import { screen } from "./screen.ts";

export type VerifyOptions = { origin?: string; session?: string; repair?: boolean; wait?: boolean; yes?: boolean };

/** For how long --wait and --repair wait for what is under way; longer than a deployed stage needs to be known as quiet. */
const WAIT_MS = 30 * 60_000;

/**
 * `pregao verify`: whether every row that entered is where it must be, and only there. The truth comes from the archive:
 * the same bytes make the same messages, and a message judged again has the same event ids. Exit status 1 if anything is
 * missing, doubled, invented or stale, or if a repair could not be decided on because something did not come to rest.
 */
export const verify = async (place: Place, dataset: Dataset, options: VerifyOptions): Promise<void> => {
  const { output } = place;
  // What is on its way is not known to be missing, and nothing is sent for it.
  const waits = options.wait || options.repair;
  const patience = waits ? WAIT_MS : null;
  if (waits && !(await isQuiet(place, dataset, WAIT_MS)))
    output.say("still under way after half an hour; what is not there yet is said to be in flight");
  if (options.repair) {
    const forgotten = await forgetGone(place, dataset, options.yes);
    if (forgotten.length) output.say(`gone from the disk, and deleted now: ${forgotten.join(", ")}`);
  }
  const gone = await goneBefore(place, dataset, options);
  let verified = await look(place, dataset, options, patience);
  if (options.repair && lostIn(verified) > 0) {
    const repaired = await repair(place, dataset, options, verified, WAIT_MS);
    verified = { ...(await look(place, dataset, options, WAIT_MS)), repaired };
  }
  const lost = await letGo(place, dataset, gone, verified, WAIT_MS);
  output.result({ ...verified, lost }, () => screen(dataset, verified));
  const undecided =
    options.repair && !verified.quiet && verified.accounts.some((a) => a.inFlight + a.made.inFlight > 0);
  if (!verified.whole || undecided) process.exitCode = 1;
};

/** The options that are wrong whatever is in the river. @throws PregaoError `usage`. */
export const check = ({ origin, session, repair, yes }: VerifyOptions): void => {
  if (yes && !repair)
    throw new PregaoError("usage", "expected --yes with --repair: there is nothing else to ask about");
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
