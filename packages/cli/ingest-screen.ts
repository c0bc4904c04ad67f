import type { Outcome } from "../../functions/backfill.ts";
import type { Scraped } from "../../functions/messages.ts";
import type { Dataset } from "../core/dataset.ts";
import type { Account } from "./account.ts";
import { count, plural } from "./output.ts";

/** One file, or pages that are one, and what became of it. */
export type Fetched = Outcome & { account?: Account };

/** What one dataset's origin was asked for, and what came of it. */
export type Ingested = {
  dataset: string;
  /** How many sessions were asked for, with the first and the last; null: the current one, whichever it is. */
  asked: { sessions: number; from: string; to: string } | null;
  parts: string[];
  /** Sessions of them that were there before. */
  there: number;
  downloads: Fetched[];
  /** Sessions that must be published by now, and are not there. */
  missing: string[];
  /** Sessions that are not there yet; `means` says when they are. */
  early: string[];
  means: string;
  /** The command that goes on from here; null: there is nothing left. */
  next: string | null;
};

/** Whether a download did what it was to do; one whose session the origin does not have is judged by its session. */
const isDone = ({ asked }: Ingested, { is, error }: Fetched): boolean =>
  is === "absent" ? asked !== null : is !== "failed" && error === undefined;

/** Whether it is all there that must be, and something is: a run that brings nothing and finds nothing is no good one. */
export const isWhole = (one: Ingested): boolean =>
  one.missing.length === 0 &&
  one.downloads.every((download) => isDone(one, download)) &&
  (one.there > 0 || one.downloads.some(({ is }) => is === "sent" || is === "unchanged"));

/** Files and sessions that a screen names one by one. */
const NAMED = 8;

export const ingestScreen = (all: readonly Ingested[], datasets: readonly Dataset[], waited: boolean): string =>
  [...all.flatMap(linesOf), "", nextOf(all, datasets, waited), ""].join("\n");

const linesOf = (one: Ingested): string[] => {
  const of = (is: Fetched["is"]) => one.downloads.filter((d) => d.is === is);
  const sent = of("sent");
  // A larger file is asked for once, for however many sessions.
  const named = new Set(sent.map((d) => d.name));
  const same = new Set(of("unchanged").flatMap(({ name }) => (named.has(name) ? [] : [name])));
  const account = summed(sent.flatMap((d) => d.account ?? []));
  return [
    titleOf(one),
    ...(one.there > 0 ? [`  ${thereLine(one)}`] : []),
    ...(same.size > 0 ? [`  as before, and not sent again: ${listed([...same])}`] : []),
    ...(sent.length > NAMED
      ? [`  ${sentLine(`${count(sent.length)} files`, sent)}`]
      : sent.map((d) => `  ${sentLine(d.name, [d])}`)),
    ...(sent.length > 0 && !account ? ["  all accepted by the queue"] : []),
    ...(account ? accountLines(account) : []),
    ...(one.early.length > 0 ? [`  not there yet: ${listed(one.early)}. ${one.means}`] : []),
    ...(one.missing.length > 0 ? [`  missing: ${missingLine(one)}`] : []),
    ...faultLines(one),
  ];
};

/** Downloads that ended badly, those of one reason together. */
const faultLines = (one: Ingested): string[] => {
  const named = new Map<string, string[]>();
  for (const download of one.downloads)
    if (download.error && !isDone(one, download)) {
      const reason = reasonOf(download);
      named.set(reason, [...(named.get(reason) ?? []), download.name]);
    }
  return [...named].map(([reason, names]) => `  ${listed(names)}: ${reason}`);
};

const reasonOf = ({ is, error }: Fetched): string =>
  is === "absent" ? `the origin says that it has nothing (${error?.message})` : (error?.message ?? "");

const thereLine = ({ asked, there, downloads }: Ingested): string => {
  if (asked !== null) return `${plural(there, "session")} ${there === 1 ? "was" : "were"} there before`;
  return downloads.length === 0 ? "was there before" : `${count(there)} ${there === 1 ? "was" : "were"} there before`;
};

const missingLine = ({ missing, downloads }: Ingested): string => {
  const days = missing.length === 1 ? "a day of trading" : `${count(missing.length)} days of trading`;
  const said = new Set(
    downloads.flatMap(({ is, sessions, error }) =>
      is === "absent" && error && sessions.some((session) => missing.includes(session)) ? [error.message] : [],
    ),
  );
  return `${listed(missing)}, ${days} of which the origin says that it has nothing (${[...said].join("; ")})`;
};

const titleOf = ({ dataset, asked, parts }: Ingested): string => {
  const what = parts.length > 0 ? ` ${parts.join(", ")}` : "";
  if (asked === null) return `${dataset}${what}, the current one`;
  const days =
    asked.sessions === 1 ? asked.from : `${plural(asked.sessions, "session")} from ${asked.from} to ${asked.to}`;
  return `${dataset}${what}, ${days}`;
};

const sentLine = (name: string, sent: readonly Fetched[]): string => {
  const all = sent.flatMap((d) => d.scraped ?? []);
  const sessions = [...new Set(all.flatMap((s) => Object.keys(s.sessions)))].sort();
  const days =
    sessions.length === 1
      ? sessions[0]
      : `${plural(sessions.length, "session")} (${sessions[0]} to ${sessions.at(-1)})`;
  const sum = (of: (s: Scraped) => number) => all.reduce((total, s) => total + of(s), 0);
  const rows = plural(
    sum((s) => s.rows),
    "row",
  );
  const messages = plural(
    sum((s) => s.messages),
    "message",
  );
  const before = all.every(({ fresh }) => !fresh) ? ", as they came before" : "";
  return `${name}: ${rows} of ${days} in ${messages}${before}`;
};

const listed = (names: readonly string[]): string =>
  names.length <= NAMED
    ? names.join(", ")
    : `${names.slice(0, NAMED - 1).join(", ")} and ${count(names.length - NAMED + 1)} more`;

const nextOf = (all: readonly Ingested[], datasets: readonly Dataset[], waited: boolean): string => {
  const next = all.find((one) => one.next !== null)?.next;
  if (next) return `Next: ${next}`;
  const rejected = all.find((one) => one.downloads.some((d) => (d.account?.rejected ?? 0) > 0));
  if (rejected) return `Next: pregao dlq list ${rejected.dataset}`;
  const table = datasets.find((d) => d.name === all[0]?.dataset)?.tables[0]?.name;
  return waited && table ? `Next: pregao query "SELECT count(*) FROM ${table}"` : "Next: pregao status";
};

/** The accounts of several origins as one; null: there is none. */
const summed = (accounts: readonly Account[]): Account | null => {
  const [first, ...others] = accounts;
  if (!first) return null;
  return others.reduce((a, b) => {
    const tables = { ...a.tables };
    for (const [name, n] of Object.entries(b.tables)) tables[name] = (tables[name] ?? 0) + n;
    return {
      sent: a.sent + b.sent,
      repeated: a.repeated + b.repeated,
      raw: a.raw + b.raw,
      rejected: a.rejected + b.rejected,
      tables,
      superseded: a.superseded + b.superseded,
      commit: Math.max(a.commit, b.commit),
    };
  }, first);
};

/** The account of an origin as lines whose numbers add up. */
export const accountLines = (account: Account): string[] => {
  const tables = Object.entries(account.tables).filter(([, n]) => n > 0);
  return [
    `  ${count(account.sent)} sent = ${count(account.raw)} in raw + ${count(account.rejected)} rejected${account.repeated ? ` + ${count(account.repeated)} repeated` : ""}`,
    `  ${count(account.raw)} in raw = ${[...tables.map(([name, n]) => `${count(n)} in ${name}`), `${count(account.superseded)} superseded`].join(" + ")}`,
  ];
};

/** What became of one file that a person gave. */
export const fileScreen = (dataset: Dataset, scraped: Scraped, account: Account | null): string => {
  const sessions = Object.keys(scraped.sessions);
  const lines = [
    `${scraped.source}: ${plural(scraped.rows, "row")} of ${plural(sessions.length, "session")} (${sessions[0]} to ${sessions.at(-1)}) in ${plural(scraped.messages, "message")}`,
    ...(scraped.fresh ? [] : [`  these bytes were archived before: the same messages again, ${again(account)}`]),
  ];
  if (!account) return [...lines, `  all accepted by the queue`, "", "Next: pregao status", ""].join("\n");
  return [
    ...lines,
    ...accountLines(account),
    "",
    account.rejected > 0
      ? `Next: pregao dlq list ${dataset.name}`
      : `Next: pregao query "SELECT count(*) FROM ${dataset.tables[0]!.name}"`,
    "",
  ].join("\n");
};

/** What bytes that came before bring: rows that are there already change nothing, refused records are letters once more. */
const again = (account: Account | null): string => {
  if (account === null) return "what is in the tables stays, what was refused is refused again";
  if (account.rejected === 0) return "which change nothing";
  return `of which ${plural(account.rejected, "record")} ${account.rejected === 1 ? "is" : "are"} refused again`;
};
