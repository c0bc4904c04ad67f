import { send } from "../../aws/queues.ts";
import type { Dataset } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import type { Message } from "../../core/message.ts";
import type { Place } from "../place.ts";
import { derive } from "./account.ts";
import { census, rowsOfOrigins } from "./census.ts";
import { recordId, reopen } from "./expected.ts";
import { factsOf, type Verified } from "./look.ts";
import type { VerifyOptions } from "./verify.ts";

/** For how long each origin's last look waits until what is under way has its place. */
const SETTLE_MS = 10_000;

/**
 * Sends again the messages that carry what is missing, as they were: the archive says each to the byte, and what is there
 * already is changed by none of them.
 */
export const repair = async (
  place: Place,
  dataset: Dataset,
  options: VerifyOptions,
  { accounts }: Verified,
  patience: number | null,
): Promise<NonNullable<Verified["repaired"]>> => {
  const repaired = { messages: 0, rows: 0 };
  for (const { sha256, archive, problems, unrefined } of accounts) {
    if (archive !== "whole" || sha256 === null || problems.missing.count === unrefined) continue;
    const now = await factsOf(place, dataset, patience ?? SETTLE_MS);
    const opened = await reopen(place.aws, dataset, sha256);
    const expected = await derive(place, opened, options.session);
    const { gone } = await census(place, {
      dataset,
      expected,
      scope: rowsOfOrigins([sha256], options.session),
      session: options.session,
      ...now,
      ...now.letters.of(sha256),
    });
    let rows = 0;
    async function* carrying(): AsyncGenerator<Message> {
      for await (const { message, rows: judged, letters } of opened.messages(options.session)) {
        const lost =
          judged.filter(({ id }) => gone.events.has(id)).length +
          letters.flatMap((l) => l.records).filter((r) => gone.records.has(recordId(r))).length;
        if (lost === 0) continue;
        rows += lost;
        yield message;
      }
    }
    // No deadline: the archive is read while it is sent, and an outage is waited for from the last success on.
    const sent = await send(place.aws, dataset.name, carrying());
    const not = sent.find((one) => one.outcome !== "accepted");
    if (not)
      throw new PregaoError(
        "not_accepted",
        `a message of ${sha256} was not accepted by the queue (${not.reason}). Run the same command again: sending twice changes nothing`,
      );
    repaired.messages += sent.length;
    repaired.rows += rows;
  }
  return repaired;
};
