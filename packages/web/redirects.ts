import { PregaoError } from "../core/errors.ts";
import { type Answer, elsewhere } from "./ask.ts";
import { isLocal } from "./hosts.ts";
import type { Mirror } from "./mirror.ts";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** What an error shows of an address. */
const shown = (url: URL): string => (url.href.length > 200 ? `${url.href.slice(0, 200)}…` : url.href);

/**
 * Follows an address to where it leads, at most `most` redirects: never from https to http, never in a circle, never
 * from a public name into this machine's network (by its spelling; `publicOnly` sees to where a name leads). The answer, and the origin's address that gave it.
 * @throws PregaoError `origin_redirects`, and whatever `hop` throws.
 */
export const follow = async (
  from: URL,
  most: number,
  mirror: Mirror,
  hop: (url: URL) => Promise<Answer>,
): Promise<{ answer: Answer; url: URL }> => {
  const at = elsewhere(mirror.asked(from), from.href);
  const way: URL[] = [];
  for (let url = from; ; ) {
    way.push(url);
    const answer = await hop(url);
    const location = answer.headers.location;
    if (!REDIRECTS.has(answer.status) || !location) return { answer, url };
    const fail = (what: string): PregaoError =>
      new PregaoError("origin_redirects", `expected ${shown(from)}${at} to lead to an answer, came ${what}`, {
        url: from.href,
        status: answer.status,
        way: way.map(shown),
      });
    const next = meant(mirror, location, url);
    if (!next) throw fail(`a redirect to ${JSON.stringify(location.slice(0, 200))}, which is no address`);
    if (way.some(({ href }) => href === next.href))
      throw fail(`redirects in a circle: ${[...way, next].map(shown).join(" → ")}`);
    if (next.protocol !== "https:" && next.protocol !== url.protocol)
      throw fail(`a redirect from ${url.protocol.slice(0, -1)} to ${shown(next)}`);
    if (isLocal(next.hostname) && !isLocal(url.hostname)) throw fail(`a redirect to ${shown(next)}, no public name`);
    if (way.length > most) throw fail(`more than ${most} redirects: ${[...way, next].map(shown).join(" → ")}`);
    url = next;
  }
};

/** Null for what is no address over HTTP, or names a user: none is ever sent. */
const meant = (mirror: Mirror, location: string, url: URL): URL | null => {
  try {
    const next = mirror.meant(location, url);
    next.hash = "";
    return /^https?:$/.test(next.protocol) && !next.username && !next.password ? next : null;
  } catch {
    return null;
  }
};
