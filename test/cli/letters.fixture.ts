import { digest } from "../../functions/river.ts";
import { eachLetter, type Letter } from "../../packages/aws/letters.ts";
import { send } from "../../packages/aws/queues.ts";
import * as dlq from "../../packages/cli/dlq/index.ts";
import type { Place } from "../../packages/cli/place.ts";
import type { WireRecord } from "../../packages/core/dataset.ts";
import { envelope, messages } from "../../packages/core/message.ts";
import { rejectRecords } from "../../packages/core/reject.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import type { silent } from "../place.ts";

export const origin = { sha256: "0".repeat(64), version: "2024-11-08", scraped_at: "2024-11-09 01:11:00.000" };
const FRIDAY = Date.UTC(2024, 10, 8);
const WEEK_MS = 7 * 86_400_000;

/** A valid record; each `index` is another session, a week earlier. */
export const good = (ticker: string, index = 0): WireRecord =>
  bovespa.raw!.sample(ticker, new Date(FRIDAY - index * WEEK_MS).toISOString().slice(0, 10), index);
/** One that breaks a column, and one that breaks a law. */
export const misspelled = (ticker: string, index = 0): WireRecord => ({ ...good(ticker, index), preult: "12,34" });
export const negative = (ticker: string, index = 0): WireRecord => ({ ...good(ticker, index), voltot: "-1.00" });

/** A message of these records, as it would be sent. */
export const message = (ticker: string, records: readonly WireRecord[]) =>
  messages(bovespa, { source: "test", origin }, { subject: ticker, records }, digest)[0]!;

/** The dead letter that a consumer with other rules would have made of these records. */
export const letter = (ticker: string, records: readonly WireRecord[], reason = "unjudgeable") => {
  const event = envelope.parse(JSON.parse(message(ticker, records).body));
  const cause = { reason, message: "a rule of yesterday", path: "", seen: "2024-11-09T02:00:00.000Z" };
  return rejectRecords(event, records, cause, digest);
};

/** Puts bodies into a queue; all must be accepted. */
export const post = async (
  place: Place,
  queue: string,
  all: readonly { id: string; group: string; body: string }[],
) => {
  const sent = await send(place.aws, queue, all);
  if (sent.some((s) => s.outcome !== "accepted")) throw new Error(`not accepted: ${JSON.stringify(sent)}`);
};

/** Every letter of a box, wherever it is. */
export const letters = async (place: Place, box = "bovespa"): Promise<Letter[]> => {
  const all: Letter[] = [];
  await eachLetter(place.aws, box, (l) => void all.push(l), { patience: 5_000 });
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
};

export type Replayed = {
  replay: string | null;
  found: number;
  sent: number;
  left: number;
  pass: { letters: number; records: number };
  refuse: { reason: string; letters: number; records: number; message: string }[];
  stay: {
    failedBefore: { letters: number; records: number };
    refused: { reason: string; letters: number; records: number; message: string }[];
    beyondLimit: { letters: number };
  };
};

type Tested = Place & { output: ReturnType<typeof silent> };

/** `dlq replay` without a question, and what it answered, once all of it has come to rest. */
export const replay = async (place: Tested, options: dlq.DlqOptions = {}, box: dlq.Letterbox = bovespa) => {
  await dlq.replay(place, box, { yes: true, ...options });
  await place.stack?.idle();
  return place.output.documents.at(-1) as Replayed;
};

/** A client whose calls of some commands fail, before or after they were carried out. */
export const cutting = <P extends Place>(
  place: P,
  cut: (command: string, input: Record<string, unknown>) => "before" | "after" | undefined,
): P => {
  const client = <C extends { send: unknown }>(real: C): C =>
    ({
      send: async (command: { constructor: { name: string }; input: Record<string, unknown> }, ...rest: unknown[]) => {
        const when = cut(command.constructor.name, command.input);
        if (when === "before") throw new Error(`cut before ${command.constructor.name}`);
        const answer = await (real as unknown as { send: (...all: unknown[]) => Promise<unknown> }).send(
          command,
          ...rest,
        );
        if (when === "after") throw new Error(`cut after ${command.constructor.name}`);
        return answer;
      },
    }) as unknown as C;
  const { aws } = place;
  return { ...place, aws: { ...aws, sqs: client(aws.sqs), s3: client(aws.s3) } };
};
