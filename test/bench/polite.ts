import { manners, openWeb, type WebOptions } from "../../packages/web/index.ts";
import { anything, serve } from "../web/origin.ts";

const gapsOf = (at: number[]): number[] => at.slice(1).map((ms, n) => Math.round(ms - at[n]!));

/** The most that came in any span of so many ms. */
const busiest = (at: number[], span: number): number =>
  Math.max(...at.map((from) => at.filter((ms) => ms >= from && ms < from + span).length));

/** So many files asked for at once, of a server that takes its time: what it counted. */
const counted = async (options: WebOptions, requests: number, answerMs: number) => {
  await using server = await serve((_, response) => setTimeout(() => response.end("x"), answerMs));
  const web = openWeb({ ...options, mirror: "" });
  await Promise.all(Array.from({ length: requests }, (_, n) => web.get(anything(`${server.url}/${n}`))));
  await web.close();
  const at = server.asked.map((asked) => asked.at);
  const { perSecond, concurrency } = { ...manners, ...options };
  return {
    requests,
    per_second: { permitted: perSecond, busiest_second: busiest(at, 1000) },
    gap_ms: { permitted: 1000 / perSecond, least: Math.min(...gapsOf(at)) },
    concurrency: { permitted: concurrency, most: server.most.concurrent },
  };
};

/** The waits between attempts at what is never there, as the server saw them. */
const waits = async (options: WebOptions, headers: Record<string, string> = {}) => {
  await using server = await serve((_, response) => response.writeHead(503, headers).end());
  const web = openWeb({ ...options, mirror: "" });
  await web.get(anything(server.url)).catch(() => {});
  await web.close();
  return gapsOf(server.asked.map(({ at }) => at));
};

/** Politeness against a counting server: rates, requests at once, and waits. Counted where they arrive. */
export const polite = async () => {
  const backoffMs = 200;
  const attempts = 6;
  const steps = Array.from({ length: attempts - 1 }, (_, n) => backoffMs * 2 ** n);
  return {
    by_default: await counted({}, 6, 300),
    fast: await counted({ perSecond: 20, concurrency: 4 }, 100, 150),
    crowded: await counted({ perSecond: 50, concurrency: 2 }, 40, 100),
    backoff_ms: {
      between: steps.map((step) => [step / 2, step]),
      came: await waits({ backoffMs, attempts, perSecond: Number.POSITIVE_INFINITY }),
    },
    retry_after_ms: {
      asked_for: 2000,
      came: await waits({ backoffMs, attempts: 2, perSecond: Number.POSITIVE_INFINITY }, { "retry-after": "2" }),
    },
  };
};
