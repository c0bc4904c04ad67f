import { PregaoError } from "../core/errors.ts";

/**
 * Where addresses are asked, and what an answer's addresses mean. With a mirror, `https://host/path` is asked at
 * `<mirror>/host/path`; all else is asked where it says. Everybody but the socket knows the origin's own address alone.
 */
export type Mirror = {
  /** The address that is asked. */
  asked: (url: URL) => URL;
  /** The origin's address that a `Location` means, in the answer of `url`. @throws if it is none. */
  meant: (location: string, url: URL) => URL;
};

const direct: Mirror = { asked: (url) => url, meant: (location, url) => new URL(location, url) };

/** @throws PregaoError `mirror` if that is no address under which others can be asked. */
export const openMirror = (mirror: string | undefined): Mirror => {
  if (!mirror) return direct;
  const base = URL.parse(mirror);
  if (!base || !/^https?:$/.test(base.protocol) || base.username || base.password || base.search || base.hash)
    throw new PregaoError(
      "mirror",
      `expected a mirror like https://proxy.example/b3, under which https://HOST/PATH is at https://proxy.example/b3/HOST/PATH, came ${JSON.stringify(mirror.slice(0, 200))}`,
    );
  const path = base.pathname.replace(/\/+$/, "");
  const asked = (url: URL): URL =>
    url.protocol === "https:" ? new URL(`${base.origin}${path}/${url.host}${url.pathname}${url.search}`) : url;
  /** `/host/path` under the mirror as the origin's address; null if it is none of the mirror's. */
  const own = (url: URL): URL | null => {
    if (url.origin !== base.origin || !url.pathname.startsWith(`${path}/`)) return null;
    return URL.parse(`https://${url.pathname.slice(path.length + 1)}${url.search}`);
  };
  return {
    asked,
    meant: (location, url) => {
      if (url.protocol !== "https:") return new URL(location, url);
      const absolute = URL.parse(location);
      if (absolute) return own(absolute) ?? absolute;
      // A path is the mirror's only if it has the mirror's shape: copies pass on what the origin said, too.
      const under = location.startsWith(`${path}/${url.host}/`);
      return (under && own(new URL(location, base))) || new URL(location, url);
    },
  };
};
