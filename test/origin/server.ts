import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Behaviour, honest, status } from "./behaviours.ts";
import { type Asked, csvBase64, json, newest, type Portfolio, shell, smaller } from "./portfolios.ts";
import { cotahistText, linesOfSession, realSessions, zipped } from "./sessions.ts";

/** What the origin has at an address. `null` bytes: nothing, 404. */
export type Truth = {
  address: string;
  status: number;
  type: string;
  bytes: Uint8Array;
  etag?: string;
  modified?: string;
};

/** One request: `url` is the origin's own, `at` in ms since the server began; `status` 0 until it is answered, or if it never is. */
export type Request = {
  url: string;
  /** `D17012023`, or `GetPortfolioDay IBOV pt-br 1/120 segment 1`. */
  what: string;
  headers: IncomingMessage["headers"];
  at: number;
  status: number;
};

export type Recorded = {
  /** For PREGAO_MIRROR and `--mirror`. */
  mirror: string;
  /** Every request, in the order of arrival. */
  asked: Request[];
  /** Requests that were open at the same time, at most. */
  most: { concurrent: number };
  /** Resolves once `times` requests whose `what` or `url` contains `match` have arrived, since the server began. */
  seen: (match: string, times?: number) => Promise<void>;
  /**
   * Answers requests whose `what` or `url` contains `match` in these ways, one request each, the last from then on; the
   * newest rule that matches holds. `answer(match, honest)` is as if nothing had been said.
   */
  answer: (match: string, ...behaviours: Behaviour[]) => void;
  /** A session's daily file is there from now on, and the month's and the year's hold it; again: it is rewritten, each time otherwise. */
  publish: (session: string, lines?: string[]) => void;
  /** An index's portfolio of the day, from now on. */
  hold: (portfolio: Portfolio) => void;
  /** Bytes at an address of the origin, `https://…`. */
  put: (address: string, bytes: Uint8Array, more?: { type?: string; modified?: string }) => void;
  close: () => Promise<void>;
};

export const COTAHIST = "https://bvmf.bmfbovespa.com.br/InstDados/SerHist/COTAHIST_";
export const PORTFOLIO = "https://sistemaswebb3-listados.b3.com.br/indexProxy/indexCall/";
export const PAGE = "https://sistemaswebb3-listados.b3.com.br/indexPage/day/";

/**
 * B3's servers, recorded: a mirror on 127.0.0.1 that answers `<mirror>/<host>/<path>` with what the real samples hold.
 *
 * - COTAHIST: a daily zip for each of `sessions` (default: those of the real files, {@link realSessions}), of at most
 *   `rows` real records (default 60; Infinity: all, 8,700 a day), the month's and the year's zips with the same lines;
 *   ETag, Last-Modified, and 304 for what has not changed.
 * - Portfolios of the day: IBOV of 2026-07-21 (78 members) by JSON in pages, in the language and the segments that are
 *   asked for, as CSV in base64, and as the page without a table; IBXX and SMLL of the same day, made from it.
 *   Another index: 200 with nothing. No validators.
 * - Anything else: 404.
 *
 * Every bad answer of B3 is in ./bad.ts, what they are made of in ./behaviours.ts:
 *
 *     const origin = await recorded({ sessions: ["2023-01-02", "2023-01-03"] });
 *     origin.answer("D02012023", status(520), bad.truncated.behaviour, honest); // two bad answers, then the truth
 *     origin.answer("GetPortfolioDay IBOV", bad.negativePages.behaviour);
 *     openWeb({ mirror: origin.mirror });
 *     expect(origin.asked.map(({ what, status }) => [what, status])).toEqual([…]);
 *
 * `latencyMs` is how long each answer takes (default 0); `pageRows` the most rows of a page, however many are asked for.
 */
export const recorded = async ({
  sessions = realSessions,
  rows = 60,
  portfolios = [newest, smaller(newest, "IBXX", 40), smaller(newest, "SMLL", 12)],
  latencyMs = 0,
  pageRows = 9999,
}: {
  sessions?: readonly string[];
  rows?: number;
  portfolios?: readonly Portfolio[];
  latencyMs?: number;
  pageRows?: number;
} = {}): Promise<Recorded> => {
  const began = performance.now();
  const daily = new Map<string, Session>();
  const held = new Map(portfolios.map((portfolio) => [portfolio.index, portfolio]));
  const others = new Map<string, Truth>();
  const files = new Map<string, Truth>();
  const rules: { match: string; behaviours: Behaviour[] }[] = [];
  const asked: Request[] = [];
  const most = { concurrent: 0 };
  const waiting = new Set<() => void>();
  let open = 0;

  const publish = (session: string, lines?: string[]) => {
    const times = (daily.get(session)?.times ?? 0) + 1;
    daily.set(session, { times, lines: lines ?? rewritten(linesOfSession(session, rows), times - 1) });
    files.clear();
  };
  for (const session of sessions) publish(session);

  const truthOf = (address: string): Truth => {
    if (others.has(address)) return others.get(address)!;
    if (address.startsWith(COTAHIST) && address.endsWith(".ZIP")) {
      const name = address.slice(COTAHIST.length, -4);
      const file = files.get(name) ?? cotahistFile(address, name, daily);
      if (file) files.set(name, file);
      return file ?? absent(address);
    }
    if (address.startsWith(PORTFOLIO)) return portfolioAnswer(address, held, pageRows);
    if (address.startsWith(PAGE))
      return { address, status: 200, type: "text/html; charset=utf-8", bytes: Buffer.from(shell) };
    return absent(address);
  };

  const carryOut = async (req: IncomingMessage, res: ServerResponse) => {
    const address = `https:/${req.url}`;
    const one: Request = {
      url: address,
      what: named(address),
      headers: req.headers,
      at: performance.now() - began,
      status: 0,
    };
    asked.push(one);
    open++;
    most.concurrent = Math.max(most.concurrent, open);
    res.once("close", () => {
      open--;
    });
    for (const wake of waiting) wake();
    if (latencyMs) await new Promise((done) => setTimeout(done, latencyMs));
    const { writeHead } = res;
    res.writeHead = ((code: number, ...rest: never[]) => {
      one.status = code;
      return writeHead.call(res, code, ...rest);
    }) as typeof res.writeHead;
    const rule = rules.find(({ match }) => matches(one, match));
    const behaviour = rule ? (rule.behaviours.length > 1 ? rule.behaviours.shift()! : rule.behaviours[0]!) : honest;
    await behaviour({ truth: truthOf(address), req, res });
  };
  const server = createServer((req, res) => {
    carryOut(req, res).catch((error: Error) => res.destroyed || res.destroy(error));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));

  return {
    mirror: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    most,
    publish,
    answer: (match, ...behaviours) =>
      rules.unshift({ match, behaviours: behaviours.length ? behaviours : [status(404)] }),
    hold: (portfolio) => held.set(portfolio.index, portfolio),
    put: (address, bytes, { type = "application/octet-stream", modified } = {}) => {
      others.set(address, {
        address,
        status: 200,
        type,
        bytes,
        etag: etagOf(bytes),
        ...(modified ? { modified } : {}),
      });
    },
    seen: (match, times = 1) =>
      new Promise((done) => {
        const look = () => {
          if (asked.filter((one) => matches(one, match)).length < times) return;
          waiting.delete(look);
          done();
        };
        waiting.add(look);
        look();
      }),
    close: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
};

type Session = { times: number; lines: string[] };

const matches = ({ what, url }: Request, match: string): boolean => what.includes(match) || url.includes(match);

const named = (address: string): string => {
  if (address.startsWith(COTAHIST)) return address.slice(COTAHIST.length).replace(/\.ZIP$/, "");
  const [method, asked] = askedOf(address) ?? [];
  if (!asked) return address;
  const pages = asked.pageNumber === undefined ? "" : ` ${asked.pageNumber}/${asked.pageSize} segment ${asked.segment}`;
  return `${method} ${asked.index} ${asked.language}${pages}`;
};

/** B3's parameters are a JSON text in base64, the rest of the path. */
const askedOf = (address: string): [method: string, asked: Asked] | null => {
  if (!address.startsWith(PORTFOLIO)) return null;
  const [, method, parameters] = /^(\w+)\/(.+)$/.exec(address.slice(PORTFOLIO.length)) ?? [];
  try {
    return [method!, JSON.parse(Buffer.from(decodeURIComponent(parameters!), "base64").toString("latin1"))];
  } catch {
    return null;
  }
};

const absent = (address: string): Truth => ({
  address,
  status: 404,
  type: "text/html",
  bytes: Buffer.from("<!DOCTYPE html><html><head><title>404 - File or directory not found.</title></head></html>"),
});

const etagOf = (bytes: Uint8Array): string => `"${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}:0"`;

/** The same rows, but for the trades of the first, `times` more. */
const rewritten = (lines: string[], times: number): string[] =>
  lines.map((line, i) => {
    const trades = String(Number(line.slice(147, 152)) + times).padStart(5, "0");
    return i === 0 ? `${line.slice(0, 147)}${trades}${line.slice(152)}` : line;
  });

/** A file of the sessions that its name says: `D17012023`, `M012023`, `A2023`; null if there is none of them. */
const cotahistFile = (address: string, name: string, daily: ReadonlyMap<string, Session>): Truth | null => {
  const [, kind, day = "", month = "", year] =
    /^([DMA])(?:(\d\d)(?=\d{6}$))?(?:(\d\d)(?=\d{4}$))?(\d{4})$/.exec(name) ?? [];
  const prefix = [year, month, day].filter(Boolean).join("-");
  const found = [...daily].filter(([session]) => session.startsWith(prefix)).sort(([a], [b]) => (a < b ? -1 : 1));
  if (!kind || prefix.length !== { D: 10, M: 7, A: 4 }[kind] || found.length === 0) return null;
  const lines = found.flatMap(([, { lines }]) => lines);
  // Of the rows' own newest day, also where a file holds another session's.
  const day8 = lines
    .map((line) => line.slice(2, 10))
    .sort()
    .at(-1)!;
  const text = cotahistText(lines, `${day8.slice(0, 4)}-${day8.slice(4, 6)}-${day8.slice(6)}`);
  // Each rewriting comes 100 minutes after the one before; the first at 20:31 in São Paulo.
  const changed = found.map(([session, { times }]) => Date.parse(`${session}T23:31:00Z`) + (times - 1) * 6_000_000);
  const bytes = zipped(name, text);
  return {
    address,
    status: 200,
    type: "application/x-zip-compressed",
    bytes,
    etag: etagOf(bytes),
    modified: new Date(Math.max(...changed)).toUTCString(),
  };
};

const portfolioAnswer = (address: string, held: ReadonlyMap<string, Portfolio>, pageRows: number): Truth => {
  const [method, said] = askedOf(address) ?? [];
  const asked = said && { ...said, pageSize: Math.min(said.pageSize, pageRows) };
  const portfolio = asked && held.get(asked.index);
  const answer = (type: string, text: string): Truth => ({ address, status: 200, type, bytes: Buffer.from(text) });
  if (!portfolio) return answer("application/json", "");
  if (method === "GetPortfolioDay") return answer("application/json", JSON.stringify(json(portfolio, asked)));
  if (method === "GetTheoricalPortfolio")
    return answer("application/json", JSON.stringify(json(portfolio, asked, false)));
  if (method === "GetDownloadPortfolioDay") return answer("text/plain", csvBase64(portfolio));
  return absent(address);
};
