import type { Download, OriginRequest, Publication } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import { saysNothing } from "../nothing.ts";
import { isZip } from "../zip.ts";

const FOLDER = "https://bvmf.bmfbovespa.com.br/InstDados/SerHist/COTAHIST_";
/** B3's largest yearly zip is 89 MB. */
const MOST = 256 * 1024 ** 2;

const year = (session: string) => session.slice(0, 4);
const month = (session: string) => session.slice(0, 7);

/** A daily file as B3 names it: `D08112024`. */
const daily = (session: string): Download => {
  const [y, m, d] = session.split("-");
  return { name: `D${d}${m}${y}`, sessions: [session], otherwise: [] };
};

/** `M112024`, for two sessions of a month or more: one has its own file, which is smaller. */
const monthly = (sessions: readonly string[]): Download =>
  sessions.length === 1
    ? daily(sessions[0]!)
    : { name: nameOfMonth(sessions[0]!), sessions, otherwise: sessions.map(daily) };

const nameOfMonth = (session: string): string => {
  const [y, m] = session.split("-");
  return `M${m}${y}`;
};
const nameOfYear = (session: string): string => `A${year(session)}`;

/** `A2024`, where the year's sessions would take two files or more. */
const yearly = (sessions: readonly string[]): Download => {
  const months = groups(sessions, month).map(monthly);
  return months.length === 1 ? months[0]! : { name: nameOfYear(sessions[0]!), sessions, otherwise: months };
};

/** Sessions of the same key together, in their order. */
const groups = (sessions: readonly string[], keyOf: (session: string) => string): string[][] => [
  ...Map.groupBy(sessions, keyOf).values(),
];

const request = ({ name }: Download): OriginRequest => {
  const url = `${FOLDER}${name}.ZIP`;
  return {
    url,
    most: MOST,
    absent: saysNothing,
    check: (bytes) => {
      if (!isZip(bytes))
        throw new PregaoError("not_zip", `expected a whole zip from ${url}, came ${bytes.length} bytes that are none`);
    },
  };
};

/** COTAHIST as B3 publishes it: a zip for each session, each month and each year. */
export const publication: Publication = {
  means: "B3 publishes a session's file at about 20:30 in São Paulo, and sometimes again, rewritten, the same night",
  history: 20,
  downloads: (sessions) => groups(sessions, year).map(yearly),
  larger: (session) =>
    [nameOfMonth, nameOfYear].map((nameOf) => ({ name: nameOf(session), sessions: [session], otherwise: [] })),
  next: (download, answers) => (answers.length ? null : request(download)),
  bytes: (_, [bytes]) => bytes!,
};
