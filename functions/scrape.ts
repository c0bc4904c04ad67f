import type { Context } from "aws-lambda";
import { deadline } from "../packages/aws/retry.ts";
import { openWeb } from "../packages/web/index.ts";
import { fileAt } from "./download.ts";
import { log } from "./log.ts";
import { type Looked, look, type Tick } from "./look.ts";
import { type Scraped, scrapeAnswer } from "./messages.ts";
import { datasetNamed, openRiver } from "./river.ts";

export { messagesOf, type Progress, type Scraped, scrape } from "./messages.ts";

/** The largest file by URL, which is in memory twice while it comes: B3's largest yearly zip is 89 MB. */
const MOST = 256 * 1024 ** 2;

/** Scrapes one URL, or what a clock looks for. It throws unless every message was accepted: then it is to be repeated. */
export const handler = async (
  event: { dataset: string; url: string } | Tick,
  context: Context,
): Promise<Scraped | Looked> => {
  const { aws, datasets } = openRiver();
  const dataset = datasetNamed(datasets, event.dataset);
  const until = deadline(context);
  const web = openWeb();
  try {
    if ("url" in event) {
      const file = await fileAt(event.url, { web, until }, MOST);
      const scraped = await scrapeAnswer(aws, dataset, file, {}, until);
      const { sessions, ...metadata } = scraped;
      log("INFO", "scrape", "origin sent", { ...metadata, sessions: Object.keys(sessions).length });
      if (scraped.accepted.rows !== scraped.rows)
        throw new Error(`${scraped.rows - scraped.accepted.rows} of ${scraped.rows} rows not accepted by the queue`);
      return scraped;
    }
    return await look(aws, dataset, { ...event, now: Date.now(), until, web });
  } catch (error) {
    const { message: detail, code } = error as Error & { code?: string };
    const last = "last" in event && event.last;
    const what = last ? "the day's last look for a file failed" : "a look for a file failed; another follows";
    if (!("url" in event)) log(last ? "ERROR" : "WARN", "scrape", what, { dataset: dataset.name, code, detail });
    throw error;
  } finally {
    await web.close();
  }
};
