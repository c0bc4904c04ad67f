import { type Looked, look } from "../../functions/look.ts";
import { ingest } from "../../packages/cli/ingest.ts";
import { chosen, type IngestOptions } from "../../packages/cli/ingest-choice.ts";
import type { Ingested } from "../../packages/cli/ingest-screen.ts";
import type { Dataset, Publication } from "../../packages/core/dataset.ts";
import { openWeb, type Web } from "../../packages/web/index.ts";
import { type Recorded, recorded } from "../origin/server.ts";
import { testPlace } from "../place.ts";
import { sessionsOf } from "../synthetic.ts";

/** Attempts of a web that does not wait: what is asked for again is asked for once more. */
export const ATTEMPTS = 2;
const impatient = { perSecond: 1000, attempts: ATTEMPTS, backoffMs: 1, idleMs: 120, wholeMs: 20_000 };
/** More than any answer of the recorded origin has: an endless one ends sooner. */
const MOST = 4 * 1024 ** 2;

/** A day of the recorded portfolios, and a session whose file is good. */
export const PORTFOLIO_DAY = "2026-07-21";
export const [GOOD, ...sessions] = sessionsOf(2023) as [string, ...string[]];
/** A daily file as B3 names it: `D08112024`. */
export const fileOf = (session: string): string => `D${session.split("-").reverse().join("")}`;

const withPublication = (dataset: Dataset, change: (publication: Publication) => Publication): Dataset =>
  dataset.raw?.publication
    ? { ...dataset, raw: { ...dataset.raw, publication: change(dataset.raw.publication) } }
    : dataset;

const modest = (dataset: Dataset): Dataset =>
  withPublication(dataset, (publication) => ({
    ...publication,
    next: (download, answers) => {
      const request = publication.next(download, answers);
      return request && { ...request, most: Math.min(request.most, MOST) };
    },
  }));

/** When the recorded portfolio is the newest that must be there, and another may come. */
const NOW = Date.parse("2026-07-22T09:00:00-03:00");

export type Ended = { exit: number; whole: boolean; ingested: Ingested[]; screen: string };

/** A river of its own, and an origin that has `days` of sessions from {@link GOOD} on, and answers as it is told. */
export const openBad = async (days: number, options: Parameters<typeof recorded>[0] = {}) => {
  const origin: Recorded = await recorded({ sessions: [GOOD, ...sessions].slice(0, days), rows: 30, ...options });
  const place = await testPlace();
  const datasets = place.datasets.map(modest);
  const open = (): Web => openWeb({ mirror: origin.mirror, ...impatient });

  /** `pregao ingest`, as it ends for whoever typed it. */
  const command = async (names: string[], options: IngestOptions): Promise<Ended> => {
    process.exitCode = 0;
    try {
      await ingest({ ...place, datasets }, chosen(datasets, names, options, NOW), options, open);
      const document = place.output.documents.at(-1) as Pick<Ended, "whole" | "ingested">;
      return { exit: Number(process.exitCode), screen: place.output.screens.at(-1)!, ...document };
    } finally {
      process.exitCode = 0;
    }
  };

  /** The day's last look of the clock, at half past eleven in São Paulo, for that day's session alone. */
  const lastLook = async (name: string, day: string): Promise<Looked> => {
    const dataset = withPublication(datasets.find((one) => one.name === name)!, (publication) => ({
      ...publication,
      history: Math.min(publication.history, 1),
    }));
    const web = open();
    const now = Date.parse(`${day}T23:30:00-03:00`);
    return look(place.aws, dataset, { last: true, now, until: Date.now() + 30_000, web }).finally(web.close);
  };

  return {
    origin,
    place,
    command,
    lastLook,
    close: async () => {
      await origin.close();
      await place.remove();
    },
  };
};
