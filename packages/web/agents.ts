import type { X509Certificate } from "node:crypto";
import http from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import tls from "node:tls";
import { PregaoError } from "../core/errors.ts";
import { type Answer, ask, type Question } from "./ask.ts";
import { isLocal, publicOnly } from "./hosts.ts";
import { LINK_MISSING, missingIssuers, nodesTrust, openShelf, type Trust } from "./issuers.ts";

/** Issuers' certificates that are kept, one or two KiB each. */
const ISSUERS = 32;

/** One request and its answer, over connections that verify whom they lead to. */
export type Exchange = (question: Omit<Question, "agent">) => Promise<Answer>;

/**
 * Certificates that a server leaves out are fetched, once for each request at most, and kept. Under a public name of its
 * own an origin is asked at public addresses alone; a mirror, and what is named as local, wherever that is.
 * `trust`: instead of Node's own roots.
 */
export const openExchange = (trust?: Trust): Exchange => {
  const of = (lookup: { lookup?: LookupFunction }) => ({
    lookup: lookup.lookup,
    plain: new http.Agent(lookup),
    secure: new https.Agent({ ...lookup, ...(trust ? { ca: [...trust.roots] } : {}) }),
    /** By host and port, where certificates had to be added. */
    mended: new Map<string, https.Agent>(),
  });
  const anywhere = of({});
  const outside = of({ lookup: publicOnly });
  const shelf = openShelf<X509Certificate>(ISSUERS);

  return async (question) => {
    const { url, manners, signal } = question;
    const { lookup, plain, secure, mended } = url.href !== question.of || isLocal(url.hostname) ? anywhere : outside;
    const once = (): Promise<Answer> => {
      const agent = url.protocol === "http:" ? plain : (mended.get(url.host) ?? secure);
      return ask({ ...question, agent });
    };
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof PregaoError) || !LINK_MISSING.has(String(error.details.reason))) throw error;
      const { roots, ...rest } = trust ?? nodesTrust();
      const issuers = await missingIssuers(url, { trust: { roots, ...rest }, manners, lookup, shelf, signal });
      const secureContext = tls.createSecureContext({ ca: [...roots, ...issuers] });
      mended.set(url.host, new https.Agent({ ...(lookup ? { lookup } : {}), secureContext }));
      return await once();
    }
  };
};
