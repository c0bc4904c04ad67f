import { type Outgoing, send } from "../../aws/queues.ts";
import type { Dataset } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import type { Message } from "../../core/message.ts";
import type { Place } from "../place.ts";
import { derive } from "./account.ts";
import { census, rowsOfOrigins } from "./census.ts";
import { recordId, reopen } from "./expected.ts";
import { sentFor } from "./letters.ts";
import { factsOf, type Verified } from "./look.ts";
import type { VerifyOptions } from "./verify.ts";

/**
 * Sends again the messages that carry what is missing, as they were: the archive says each to the byte, and the documents
 * of replays what was put right. What is there already is changed by none of them. `patience`: how long each origin's last
 * look waits for quiet, ms.
 */
export const repair = async (
  place: Place,
  dataset: Dataset,
  options: VerifyOptions,
  { accounts }: Verified,
  patience: number,
): Promise<NonNullable<Verified["repaired"]>> => {
  const repaired = { messages: 0, rows: 0 };
  const lost = accounts.filter((a) => a.repairable > 0);
  for (const { sha256, archive } of lost) {
    if (archive !== "whole" || sha256 === null) continue;
    const now = await factsOf(place, dataset, patience);
    const opened = await reopen(place.aws, dataset, sha256);
    const expected = await derive(place, opened, options.session);
    const { gone } = await census(place, {
      dataset,
      expected,
      scope: rowsOfOrigins([sha256], options.session),
      session: options.session,
      ...now,
      ...now.letters.of(sha256, options.session),
    });
    async function* carrying(): AsyncGenerator<Message> {
      for await (const { message, rows: judged, letters } of opened.messages(options.session)) {
        const found =
          judged.filter(({ id }) => gone.events.has(id)).length +
          letters.flatMap((l) => l.records).filter((r) => gone.records.has(recordId(r))).length;
        if (found === 0) continue;
        repaired.rows += found;
        yield message;
      }
    }
    repaired.messages += await sendAll(place, dataset, carrying());
  }
  const made = new Set(lost.flatMap((a) => a.problems.missing.ids));
  async function* replayed(): AsyncGenerator<Outgoing> {
    for await (const { message, events } of sentFor(place, dataset, made)) {
      repaired.rows += events;
      yield message;
    }
  }
  repaired.messages += await sendAll(place, dataset, replayed());
  return repaired;
};

/** No deadline: what is sent is read meanwhile, and an outage is waited for from the last success on. */
const sendAll = async (place: Place, dataset: Dataset, messages: AsyncIterable<Outgoing>): Promise<number> => {
  const sent = await send(place.aws, dataset.name, messages);
  const not = sent.find((one) => one.outcome !== "accepted");
  if (not)
    throw new PregaoError(
      "not_accepted",
      `a message was not accepted by the queue (${not.reason}). Run the same command again: sending twice changes nothing`,
    );
  return sent.length;
};
