import PQueue from "p-queue";
import { PregaoError } from "../core/errors.ts";
import { PATIENCE_MS } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import type { Manners } from "./manners.ts";

/** Who may be asked when, and how many at once. */
export type Pace = {
  /**
   * Calls `start` when the host wants to be asked, fewer than `concurrency` are and `perSecond` allows it, and gives what
   * it gives. `start` calls `sent` once the request has left: the next is sent that long after it, however long either
   * took to connect. What waits for its host keeps nothing from requests to others.
   * @throws PregaoError `origin_status` if the host wants to be left alone beyond `until`, or for too long.
   */
  take: <T>(host: string, until: number, signal: AbortSignal, start: (sent: () => void) => Promise<T>) => Promise<T>;
  /** The host answered `status` and asked to be left alone so long. */
  hold: (host: string, ms: number, status: number) => void;
  idle: () => Promise<void>;
};

export const openPace = ({ perSecond, concurrency }: Manners, clock: Clock): Pace => {
  const gap = 1000 / perSecond;
  /** Requests with their answers. */
  const lanes = new PQueue({ concurrency });
  /** Requests on their way: what waits for an answer is not here any more. */
  const gate = new PQueue({ concurrency: 1 });
  const holds = new Map<string, { until: number; status: number }>();
  let free = Number.NEGATIVE_INFINITY;

  const left = (host: string): number => (holds.get(host)?.until ?? 0) - clock.now();

  const welcome = async (host: string, until: number, signal: AbortSignal): Promise<void> => {
    for (let ms = left(host); ms > 0; ms = left(host)) {
      if (ms > PATIENCE_MS || clock.now() + ms >= until) throw unwelcome(host, holds.get(host)!);
      await clock.sleep(ms, signal);
    }
  };

  /** Null if the host asked to be left alone meanwhile. */
  const turn = async <T>(
    host: string,
    signal: AbortSignal,
    start: (sent: () => void) => Promise<T>,
  ): Promise<{ answer: T } | null> => {
    let answer: Promise<T> | undefined;
    await gate.add(async () => {
      // A clock that was put back must not make a long wait of a short one.
      const ms = Math.min(gap, free - clock.now());
      if (ms > 0) await clock.sleep(Math.ceil(ms), signal);
      signal.throwIfAborted();
      if (left(host) > 0) return;
      await new Promise<void>((sent) => {
        answer = start(sent);
        answer.then(
          () => sent(),
          () => sent(),
        );
      });
      free = clock.now() + gap;
    });
    return answer ? { answer: await answer } : null;
  };

  return {
    take: async (host, until, signal, start) => {
      for (;;) {
        await welcome(host, until, signal);
        const taken = await lanes.add(() => turn(host, signal, start), { signal });
        if (taken) return taken.answer;
      }
    },
    hold: (host, ms, status) => {
      holds.set(host, { until: Math.max(clock.now() + ms, holds.get(host)?.until ?? 0), status });
    },
    idle: async () => {
      await Promise.all([lanes.onIdle(), gate.onIdle()]);
    },
  };
};

const unwelcome = (host: string, { until, status }: { until: number; status: number }): PregaoError =>
  new PregaoError(
    "origin_status",
    `expected to be let in by ${host}, it answered ${status} and asked not to be asked before ${new Date(until).toISOString()}: run the same command again then`,
    { host, status, final: true },
  );
