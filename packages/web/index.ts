import type { OriginRequest } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { openExchange } from "./agents.ts";
import { type Answer, elsewhere, named } from "./ask.ts";
import { backoff, PATIENCE_MS, retryAfter } from "./backoff.ts";
import { type Clock, LONGEST_MS, realClock } from "./clock.ts";
import type { Trust } from "./issuers.ts";
import { AGENT, type Manners, mannersOf } from "./manners.ts";
import { openMirror } from "./mirror.ts";
import { openPace } from "./pace.ts";
import { follow } from "./redirects.ts";

export type { Clock } from "./clock.ts";
export { httpDate } from "./dates.ts";
export { type Manners, manners } from "./manners.ts";

/** What an answer said of its version, as it was sent: with them the next request asks for changes alone. */
export type Validators = { etag?: string; modified?: string };

export type Got =
  /** `url` is where redirects led; what is named after an address takes the request's own. */
  | ({ is: "bytes"; bytes: Uint8Array; url: string } & Validators)
  | { is: "unchanged" }
  /** The origin says that there is no such file (yet). */
  | { is: "absent"; why: string };

export type GetOptions = {
  /** Asks only for what is other than this. */
  known?: Validators;
  /** When there must be an answer, ms since 1970: nothing is asked or waited for beyond. */
  until?: number;
  /** Bytes of the body so far, and in all if the origin said so; from 0 again when it is asked again. */
  progress?: (done: number, total: number | null) => void;
  signal?: AbortSignal;
};

export type Web = {
  /**
   * Bytes that passed the request's `check`, or why there are none. What another attempt may mend is asked for again,
   * ever later; what comes at last is reported, with how often it was asked for.
   * @throws PregaoError `origin_status`, `origin_unreachable`, `origin_slow`, `origin_length`, `origin_encoding`,
   * `too_large`, `origin_redirects`, `origin_tls`, `origin_url`, or what `check` threw; `details.asked`, and
   * `details.status` if an answer had one. The signal's reason if it was aborted.
   */
  get: (request: OriginRequest, options?: GetOptions) => Promise<Got>;
  /** Breaks off what is under way. */
  close: () => Promise<void>;
};

export type WebOptions = Partial<Manners> & {
  /** Where `https://host/path` is asked instead, as `<mirror>/host/path`; PREGAO_MIRROR by default. */
  mirror?: string;
  /** In [0, 1). */
  random?: () => number;
  clock?: Clock;
  /** Instead of Node's own roots. */
  trust?: Trust;
};

/** Another attempt does not mend these, unless their `final` says so. */
const FINAL = new Set(["origin_redirects", "origin_tls", "too_large"]);

/** A status that may be another one later. What is neither 200 nor a 4xx is a server that is not well. */
const passes = (status: number): boolean => status < 400 || status >= 500 || [408, 425, 429].includes(status);

/** The origin's HTTP at arm's length: one of them for all that a process asks, so that its manners hold for all of it. */
export const openWeb = (options: WebOptions = {}): Web => {
  const {
    mirror: copy = process.env.PREGAO_MIRROR,
    random = Math.random,
    clock = realClock,
    trust,
    ...given
  } = options;
  const manners = mannersOf(given);
  const mirror = openMirror(copy);
  const pace = openPace(manners, clock);
  const exchange = openExchange(trust);
  const closing = new AbortController();

  const attempt = async (
    request: OriginRequest,
    options: GetOptions,
    signal: AbortSignal,
    reached: (far: Reached) => void,
  ): Promise<Got> => {
    const { until = Number.POSITIVE_INFINITY, progress } = options;
    const known = validators(options.known?.etag, options.known?.modified);
    const headers = {
      "user-agent": AGENT,
      accept: "*/*",
      "accept-encoding": "gzip, br",
      ...(known.etag ? { "if-none-match": known.etag } : {}),
      ...(known.modified ? { "if-modified-since": known.modified } : {}),
    };
    /** Whom the pace knows a host as. */
    const hostOf = (url: URL): string => url.host + elsewhere(mirror.asked(url), url.href);
    const { answer, url } = await follow(new URL(request.url), manners.redirects, mirror, (at) => {
      const question = { url: mirror.asked(at), of: at.href, headers, most: request.most, manners, signal };
      return pace.take(hostOf(at), until, signal, (left) => {
        reached("begun");
        const sent = (): void => {
          reached("sent");
          left();
        };
        return exchange({ ...question, sent, ...(progress ? { progress } : {}) });
      });
    });
    const wait = passes(answer.status) ? retryAfter(answer.headers["retry-after"], clock.now()) : null;
    if (wait && answer.status !== 200) pace.hold(hostOf(url), wait, answer.status);
    const from = named({ url: mirror.asked(url), of: url.href });
    return judged(request, answer, { url: url.href, from }, Boolean(known.etag || known.modified), wait);
  };

  const get = async (request: OriginRequest, options: GetOptions = {}): Promise<Got> => {
    const { until = Number.POSITIVE_INFINITY } = options;
    const of = checkedUrl(request.url);
    const from = named({ url: mirror.asked(of), of: of.href });
    const late = until === Number.POSITIVE_INFINITY ? null : abortAt(until - clock.now());
    const signal = AbortSignal.any([closing.signal, late, options.signal].filter((one) => one instanceof AbortSignal));
    let last: PregaoError | null = null;
    for (let attempts = 1; ; attempts++) {
      let far: Reached = "waiting";
      let came: PregaoError | null = null;
      try {
        signal.throwIfAborted();
        if (clock.now() < until)
          return await attempt(request, options, signal, (now) => {
            far = now;
          });
      } catch (error) {
        if (signal.aborted && signal.reason !== late?.reason) throw signal.reason;
        if (error instanceof PregaoError) came = error;
        else if (!signal.aborted) throw error;
      }
      const asked = far === "waiting" ? attempts - 1 : attempts;
      if (!came) throw reported(outOfTime(of.href, from, far, last), asked);
      last = came;
      const { status, wait = 0, final } = last.details as { status?: number; wait?: number; final?: boolean };
      const ms = Math.max(backoff(attempts, manners.backoffMs, random()), wait);
      const ends = final ?? (FINAL.has(last.code) || (status && status !== 200 && !passes(status)));
      if (ends || attempts >= manners.attempts || wait > PATIENCE_MS || clock.now() + ms >= until)
        throw reported(last, asked);
      // What ends the wait ends the loop, which says why.
      await clock.sleep(ms, signal).catch(() => {});
    }
  };

  return {
    get,
    close: async () => {
      closing.abort(new PregaoError("closed", "nothing more is asked of the origin: it was closed"));
      await pace.idle();
    },
  };
};

const abortAt = (ms: number): AbortSignal => AbortSignal.timeout(Math.ceil(Math.min(Math.max(0, ms), LONGEST_MS)));

/** What an answer is. `wait`: how long the origin asked to be left alone. @throws PregaoError if it is none. */
const judged = (
  request: OriginRequest,
  answer: Answer,
  { url, from }: { url: string; from: string },
  conditional: boolean,
  wait: number | null,
): Got => {
  const { status, headers, bytes } = answer;
  if (status === 304 && conditional) return { is: "unchanged" };
  if (request.absent?.({ status, bytes })) return { is: "absent", why: whyAbsent(status, bytes) };
  if (status !== 200)
    throw new PregaoError("origin_status", `expected 200 from ${from}, came ${status}${advice(status, wait)}`, {
      url,
      status,
      ...(wait === null ? {} : { wait }),
    });
  request.check(bytes);
  return { is: "bytes", bytes, url, ...validators(headers.etag, headers["last-modified"]) };
};

/** Those that can be sent back as they came: a server that sends others gets none. */
const validators = (etag: string | undefined, modified: string | undefined): Validators => {
  const fit = (text: string | undefined): text is string => text !== undefined && /^[\x20-\x7e]{1,512}$/.test(text);
  return { ...(fit(etag) ? { etag } : {}), ...(fit(modified) ? { modified } : {}) };
};

const whyAbsent = (status: number, bytes: Uint8Array): string => {
  if (status !== 200) return String(status);
  return bytes.length ? "200 with another page" : "200 with nothing";
};

const advice = (status: number, wait: number | null): string => {
  if (wait !== null) return `, and to be left alone for ${Math.ceil(wait / 1000)} s`;
  if (passes(status)) return "";
  return ". Look at the address in a browser: the origin may have moved it, or does not answer programs";
};

/** How far an attempt has come: until it has begun, nothing was asked. */
type Reached = "waiting" | "begun" | "sent";

/** What is said when the time is up: of what came before, if nothing was asked since. */
const outOfTime = (url: string, from: string, far: Reached, last: PregaoError | null): PregaoError => {
  const what = {
    waiting: `expected time for ${from} to be asked, there was none left`,
    begun: `expected a connection to ${from}, there was none when the time was up`,
    sent: `expected a whole answer from ${from}, it was not whole when the time was up`,
  }[far];
  if (last && far === "waiting") return last;
  const before = last ? `; the time before: ${last.message}` : "";
  return new PregaoError("origin_slow", what + before, { ...last?.details, url });
};

const reported = (error: PregaoError, asked: number): PregaoError => {
  const { wait, final, ...details } = error.details;
  return new PregaoError(error.code, asked > 1 ? `${error.message} (asked ${asked} times)` : error.message, {
    ...details,
    asked,
  });
};

/** @throws PregaoError `origin_url` unless it is an address over HTTP that names no user. */
const checkedUrl = (text: string): URL => {
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol) && !url.username && !url.password) return url;
  throw new PregaoError(
    "origin_url",
    `expected an address like https://HOST/PATH, without a user, came ${JSON.stringify(text.slice(0, 200))}`,
  );
};
