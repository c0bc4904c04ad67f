import { PregaoError } from "../core/errors.ts";

/** How an origin is asked. All of one `Web` together keep to it, whatever host they ask. */
export type Manners = {
  /** Requests a second, redirects and repeated ones among them: each is sent that long after the one before. */
  perSecond: number;
  /** Requests at once, their answers included. */
  concurrency: number;
  /** Times that one thing is asked for before what came is reported. */
  attempts: number;
  /** The first wait after an answer that is none; each doubles, up to a minute. */
  backoffMs: number;
  /** For a name, a connection and a handshake. */
  connectMs: number;
  /** In each such span 1 KiB must come, or the end: what drips slower is given up. */
  idleMs: number;
  /** For one answer as a whole. */
  wholeMs: number;
  /** Redirects that are followed from one address. */
  redirects: number;
};

/** For a public site that nobody pays us to ask: B3's largest file, 89 MB, has ten minutes. */
export const manners: Manners = {
  perSecond: 1,
  concurrency: 2,
  attempts: 5,
  backoffMs: 1_000,
  connectMs: 15_000,
  idleMs: 30_000,
  wholeMs: 10 * 60_000,
  redirects: 5,
};

/** @throws PregaoError `manners` if a figure is none that can be kept to. */
export const mannersOf = (given: Partial<Manners>): Manners => {
  const all = { ...manners, ...given };
  for (const [name, value] of Object.entries(all) as [keyof Manners, number][]) {
    const zero = name === "redirects" || name === "backoffMs";
    const whole = name === "redirects" || name === "concurrency" || name === "attempts";
    if (!(zero ? value >= 0 : value > 0) || (whole && !Number.isInteger(value)))
      throw new PregaoError(
        "manners",
        `expected ${name} to be a ${whole ? "whole " : ""}number${zero ? ", zero or more" : " above zero"}, came ${value}`,
      );
  }
  return all;
};

/** Who asks, in each request. The version is package.json's, as a test makes sure: a bundle has no package.json. */
export const AGENT = "pregao/0.1.0 (market data of B3, for its reader)";
