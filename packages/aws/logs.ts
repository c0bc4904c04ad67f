import { CloudWatchLogsClient, FilterLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { functionLog, type Stage } from "../core/stage.ts";
import { configOf, type Env, type Signing } from "./index.ts";

/** `at` in ms since 1970: when it was printed; `id` is never another's. */
export type Printed = { id: string; at: number; function: string; text: string };

export type Logs = {
  /**
   * What a function (its logical name) printed from `from` until before `to`, in order of time; null: it has no log.
   * What was printed lately may come late, and then stands in its place. Ms since 1970.
   */
  printed: (name: string, from: number, to?: number) => Promise<Printed[] | null>;
  close: () => void;
};

/** Together with the pauses between looks: FilterLogEvents takes 5 to 10 requests a second of an account (quotas). */
const ATTEMPTS = 8;

/** The logs of a stage's functions. Its own client: no function needs one. */
export const openLogs = (stage: Stage, env: Env = process.env, signing: Signing = {}): Logs => {
  const client = new CloudWatchLogsClient({ ...configOf(stage.region, env, signing), maxAttempts: ATTEMPTS });
  return {
    printed: async (name, from, to) => {
      const found: Printed[] = [];
      let token: string | undefined;
      try {
        do {
          const page = await client.send(
            new FilterLogEventsCommand({
              ...{ logGroupName: functionLog(stage, name), startTime: Math.max(0, from), endTime: to },
              nextToken: token,
            }),
          );
          // A page may be empty and not the last (API reference).
          for (const { eventId, timestamp, message } of page.events ?? [])
            found.push({ id: eventId ?? "", at: timestamp ?? 0, function: name, text: (message ?? "").trimEnd() });
          token = page.nextToken;
        } while (token);
      } catch (error) {
        if ((error as Error).name === "ResourceNotFoundException") return null;
        throw error;
      }
      return found.sort((a, b) => a.at - b.at);
    },
    close: () => client.destroy(),
  };
};
