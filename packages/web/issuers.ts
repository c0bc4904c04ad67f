import { X509Certificate } from "node:crypto";
import http from "node:http";
import { isIP, type LookupFunction } from "node:net";
import tls from "node:tls";
import { PregaoError } from "../core/errors.ts";
import { ask } from "./ask.ts";
import { bare, isLocal, publicOnly } from "./hosts.ts";
import { AGENT, type Manners } from "./manners.ts";

/** A certificate has one or two KiB. */
const CERTIFICATE_BYTES = 16 * 1024;
/** Between a server's certificate and a root there are one or two. */
const LINKS = 3;
const ISSUER_MS = 10_000;

/** What OpenSSL says of a chain with a link left out. */
export const LINK_MISSING = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_GET_ISSUER_CERT",
]);

/** What is trusted: PEM certificates that verify themselves. `local`: issuers may be fetched from this machine (tests). */
export type Trust = { roots: readonly string[]; local?: boolean };

/** Node's own roots, and what NODE_EXTRA_CA_CERTS adds to them. */
export const nodesTrust = (): Trust => ({ roots: tls.getCACertificates("default") });

/** How a person adds what is missing, once for all runs. */
const remedy = (host: string, port: number): string =>
  `Add it yourself: openssl s_client -connect ${host}:${port} -servername ${host} </dev/null | openssl x509 -noout -ext authorityInfoAccess, download the address after "CA Issuers", openssl x509 -in FILE -out issuer.pem (-inform der before, if it is binary), and run again with NODE_EXTRA_CA_CERTS=issuer.pem`;

/** What was fetched, by URL: the newest so many. */
export type Shelf<T> = { of: (url: string) => T | undefined; put: (url: string, one: T) => void };

export const openShelf = <T>(most: number): Shelf<T> => {
  const kept = new Map<string, T>();
  return {
    of: (url) => kept.get(url),
    put: (url, one) => {
      kept.delete(url);
      kept.set(url, one);
      for (const [oldest] of kept) if (kept.size > most) kept.delete(oldest);
    },
  };
};

/** How issuers are asked for. */
export type Asking = {
  trust: Trust;
  manners: Manners;
  /** How the server's own name is looked up, if not as the system does. */
  lookup: LookupFunction | undefined;
  /** Those that were fetched: one that did sign is not asked for again. */
  shelf: Shelf<X509Certificate>;
  signal: AbortSignal;
};

/**
 * The certificates that a server leaves out between its own and a root of `trust`, as PEM: each is fetched from where the
 * one before it says that its issuer is (Authority Information Access, RFC 5280, 4.2.2.1), as browsers do. They are
 * trusted no more than if the server had sent them: the handshake is done again, and OpenSSL must find its way from
 * the server's certificate to one of the roots.
 * @throws PregaoError `origin_tls` that says how to add them by hand; with `final: false` if another attempt may mend it,
 * for somebody did not answer.
 */
export const missingIssuers = async (url: URL, asking: Asking): Promise<string[]> => {
  const { trust, shelf, signal } = asking;
  const host = bare(url.hostname);
  const port = Number(url.port || 443);
  const fail = (what: string, more: { final?: boolean } = {}): PregaoError =>
    new PregaoError(
      "origin_tls",
      `expected ${host} to send the certificates between its own and a root, they are left out, and ${what}. ${remedy(host, port)}`,
      { host, reason: "UNABLE_TO_VERIFY_LEAF_SIGNATURE", ...more },
    );
  // What NODE_EXTRA_CA_CERTS adds may be a link itself.
  const roots = trust.roots.map(certificateIn).filter((one) => one !== null && issued(one, one));
  const found: string[] = [];
  let last = await certificateOf(host, port, asking).catch((error: Error) => {
    throw signal.aborted
      ? signal.reason
      : fail(`its certificate could not be looked at (${error.message})`, { final: false });
  });
  while (!roots.some((root) => root && issued(last, root))) {
    if (found.length === LINKS) throw fail(`after ${LINKS} of them there was still no root that this machine trusts`);
    const address = issuerAddress(last);
    if (!address) throw fail("none of them says where its issuer's is");
    if (!trust.local && (isIP(bare(address.hostname)) || isLocal(address.hostname)))
      throw fail(`one says that its issuer's is at ${address.host}, which is no public name`);
    const kept = shelf.of(address.href);
    if (kept && issued(last, kept)) last = kept;
    else {
      const bytes = await fetchIssuer(address, asking).catch((error: Error) => {
        throw signal.aborted
          ? signal.reason
          : fail(`one could not be fetched (${error.message})`, mayMend(error) ? { final: false } : {});
      });
      const issuer = certificateIn(bytes);
      if (!issuer) throw fail(`${address.href} is no certificate`);
      if (!issued(last, issuer))
        throw fail(`the certificate at ${address.href} is not the issuer's that it is said to be`);
      shelf.put(address.href, issuer);
      last = issuer;
    }
    found.push(last.toString());
  }
  return found;
};

/** Whether who has an issuer's certificate was not well, or the way there: what it did say is its answer. */
const mayMend = (error: Error): boolean => {
  if (!(error instanceof PregaoError) || error.details.final) return false;
  const { status } = error.details as { status?: number };
  return status === undefined ? error.code !== "too_large" : status >= 500 || [408, 425, 429].includes(status);
};

const issued = (certificate: X509Certificate, by: X509Certificate): boolean =>
  by.ca && certificate.checkIssued(by) && certificate.verify(by.publicKey);

const certificateIn = (bytes: Uint8Array | string): X509Certificate | null => {
  try {
    return new X509Certificate(bytes);
  } catch {
    return null;
  }
};

/** The first http address under which a certificate says that its issuer's is. */
const issuerAddress = (certificate: X509Certificate): URL | null => {
  const access = certificate.toLegacyObject().infoAccess as Record<string, string[]> | undefined;
  for (const text of access?.["CA Issuers - URI"] ?? []) {
    const url = URL.parse(text);
    if (url?.protocol === "http:" && !url.username) return url;
  }
  return null;
};

/**
 * The certificate that a server shows. This handshake alone goes on without a verdict, to be read: nothing is asked or
 * told over it, and what it shows is believed in nothing.
 */
const certificateOf = (host: string, port: number, { manners, lookup, signal }: Asking): Promise<X509Certificate> =>
  new Promise((resolve, reject) => {
    const ms = Math.min(ISSUER_MS, manners.connectMs);
    const named = { ...(isIP(host) ? {} : { servername: host }), ...(lookup ? { lookup } : {}) };
    const socket = tls.connect({ host, port, rejectUnauthorized: false, ...named });
    const end = (error: Error | null, certificate?: X509Certificate): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
      socket.destroy();
      if (certificate) resolve(certificate);
      else reject(error ?? new Error("it shows none"));
    };
    const aborted = (): void => end(new Error("aborted"));
    const timer = setTimeout(() => end(new Error(`no handshake in ${ms / 1000} s`)), ms);
    signal.addEventListener("abort", aborted);
    socket.once("secureConnect", () => end(null, socket.getPeerX509Certificate()));
    socket.once("error", (error) => end(error));
  });

const fetchIssuer = async (url: URL, { trust, manners, signal }: Asking): Promise<Uint8Array> => {
  const agent = new http.Agent(trust.local ? {} : { lookup: publicOnly });
  const { status, bytes } = await ask({
    url,
    of: url.href,
    headers: { "user-agent": AGENT, accept: "application/pkix-cert, */*;q=0.5" },
    most: CERTIFICATE_BYTES,
    manners: {
      ...manners,
      connectMs: Math.min(ISSUER_MS, manners.connectMs),
      idleMs: Math.min(ISSUER_MS, manners.idleMs),
      wholeMs: Math.min(ISSUER_MS, manners.wholeMs),
    },
    agent,
    signal,
  });
  if (status !== 200) throw new PregaoError("origin_status", `${url.href} answers ${status}`, { status });
  return bytes;
};
