import { digest } from "../../functions/river.ts";
import { readPart, replays } from "../aws/replays.ts";
import { getJson } from "../aws/store.ts";
import type { Dataset, WireRecord } from "../core/dataset.ts";
import { judgeOf } from "../core/judge.ts";
import { bodyOf, type Passed } from "../core/replay.ts";
import { withdrawnKey } from "../core/run.ts";
import type { Place } from "./place.ts";
import { attribute, carried } from "./verify/expected.ts";

/** One record that a replay sent again: as it was and as it was sent. `event` null: it was refused once more. */
export type Step = {
  replay: string;
  at: string;
  by: string;
  before: WireRecord;
  after: WireRecord;
  event: string | null;
};

/** Who took a replay back, and when; `by` null if its document is not there. */
export type Withdrawal = { replay: string; at: string; by: string | null };

export type Replayings = {
  /** In order of time. */
  steps: readonly Step[];
  /** Who took which replay back. */
  undone: ReadonlyMap<string, string>;
};

/** What replays did to the dead letters of a ticker. */
export const replayingsOf = async (place: Place, dataset: Dataset, ticker: string): Promise<Replayings> => {
  const judge = judgeOf(dataset, digest);
  const steps: Step[] = [];
  const undone = new Map<string, string>();
  for await (const state of replays(place.aws, dataset.name)) {
    const { replay, at, by } = state.replay;
    if (state.undone) undone.set(replay, who(state.undone.by));
    for (let n = 1; n <= state.parts; n++) {
      const { part, outcome } = await readPart(place.aws, dataset.name, replay, n);
      const refused = new Set(outcome?.not.filter((one) => one.outcome === "refused").map(({ name }) => name));
      for (const letter of part.letters) {
        if (letter.ticker !== ticker || refused.has(letter.name)) continue;
        const sent = letter.sent ?? letter.body;
        const after = carried(sent)?.records ?? [];
        for (const [i, before] of (carried(letter.body)?.records ?? []).entries()) {
          const event = eventOf(judge, sent, i, letter.passed);
          const records = { before: before as WireRecord, after: after[i] as WireRecord };
          steps.push({ replay, at, by: who(by), ...records, event });
        }
      }
    }
  }
  return { steps, undone };
};

const who = ({ user, host }: { user: string; host: string }): string => `${user}@${host}`;

/** What a record became: by the word of that day, or, where equal records leave it open, by today's rules. */
const eventOf = (
  judge: ReturnType<typeof judgeOf>,
  sent: string,
  index: number,
  passed: Passed | undefined,
): string | null => {
  const at = passed?.records.indexOf(index) ?? -1;
  if (passed && at < 0) return null;
  if (passed && passed.records.length === passed.events.length) return passed.events[at]!;
  const [row] = judge({ receipt: "", body: bodyOf(sent, [index])!, sentAt: 0 }).rows;
  return row ? attribute(row, "event_id") : null;
};

/** The undo by which an event counts as never arrived; null if its document is gone meanwhile. */
export const withdrawalOf = async (
  place: Place,
  dataset: Dataset,
  event: string,
  { undone }: Replayings,
): Promise<Withdrawal | null> => {
  const found = (await getJson(place.aws, "state", withdrawnKey(dataset.name, event))) as Partial<Withdrawal> | null;
  if (typeof found?.replay !== "string" || typeof found.at !== "string") return null;
  return { replay: found.replay, at: found.at, by: undone.get(found.replay) ?? null };
};
