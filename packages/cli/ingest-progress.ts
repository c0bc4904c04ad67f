import type { BackfillProgress } from "../../functions/backfill.ts";
import type { Download } from "../core/dataset.ts";
import { type Bar, bytes, count, plural } from "./output.ts";

/**
 * What these downloads are asked for: sessions, each once; of an origin that has the current one alone, whichever that is,
 * each download's. It is known before any of them is asked for, and however they are had otherwise it stays the same.
 */
export const sessionsAsked = (downloads: readonly Download[]): number =>
  new Set(downloads.flatMap(({ sessions }) => sessions)).size +
  downloads.filter((one) => one.sessions.length === 0).length;

/**
 * What a bar says while a dataset's downloads are carried out: how many of the sessions have ended, one way or another,
 * `before` having ended already; and of the download that is under way first the bytes that came, then the rows that were
 * sent.
 */
export const watched = (
  bar: Bar,
  dataset: string,
  downloads: readonly Download[],
  before: number,
): Required<BackfillProgress> => {
  const asked = new Set(downloads.flatMap(({ sessions }) => sessions));
  const ended = new Set<string>();
  let name = "";
  let rows = 0;
  const now = (text: string) => bar.at(before + ended.size, `${dataset} ${name} ${text}`);
  return {
    asks: (download) => {
      name = download.name;
      now("asked for");
    },
    bytes: (came, total) => now(bytes(came) + (total === null ? "" : ` of ${bytes(total)}`)),
    checked: (came, total) => now(`${bytes(came)} of ${bytes(total)} checked`),
    surveyed: (found) => {
      rows = found;
    },
    sent: (so) => now(`${count(so)} of ${plural(rows, "row")} sent`),
    ended: (outcome) => {
      // A download that was asked for none by name ends once, under its own name or that of what was had instead.
      if (asked.size === 0) ended.add(`download ${ended.size}`);
      else for (const session of outcome.sessions) if (asked.has(session)) ended.add(session);
      bar.at(before + ended.size);
    },
  };
};
