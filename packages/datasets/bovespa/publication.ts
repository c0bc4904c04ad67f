import type { Download, OriginRequest, Publication } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";

const FOLDER = "https://bvmf.bmfbovespa.com.br/InstDados/SerHist/COTAHIST_";
/** B3's largest yearly zip is 89 MB. */
const MOST = 256 * 1024 ** 2;

/** A daily file as B3 names it: `D08112024`. */
const daily = (session: string): Download => {
  const [year, month, day] = session.split("-");
  return { name: `D${day}${month}${year}`, sessions: [session], otherwise: [] };
};

const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 0x03 && bytes[3] === 0x04;

const request = ({ name }: Download): OriginRequest => {
  const url = `${FOLDER}${name}.ZIP`;
  return {
    url,
    most: MOST,
    absent: ({ status, bytes }) =>
      status === 404 || (status === 200 && /^\s*(<|$)/.test(Buffer.from(bytes.subarray(0, 64)).toString("latin1"))),
    check: (bytes) => {
      if (!isZip(bytes))
        throw new PregaoError("not_zip", `expected a zip from ${url}, came ${bytes.length} other bytes`);
    },
  };
};

/** COTAHIST as B3 publishes it: a zip for each session, each month and each year. */
export const publication: Publication = {
  means: "B3 publishes a session's file at about 20:30 in São Paulo, and sometimes again, rewritten, the same night",
  history: 20,
  downloads: (sessions) => sessions.map(daily),
  next: (download, answers) => (answers.length ? null : request(download)),
  bytes: (_, [bytes]) => bytes!,
};
