/**
 * Ids (32 hexadecimal digits, digests) with some bits about each: 18 bytes for each place, so that the millions of rows
 * of a year are a few dozen MiB. What is no such id is never there, and cannot be added.
 */
export type Ids = {
  size: () => number;
  /** Adds an id and sets bits of it. True if it was not there. */
  add: (id: string, bits?: number) => boolean;
  /** Sets bits of an id that is there; the bits that it had, or null if it is not there. */
  mark: (id: string, bits: number) => number | null;
  bits: (id: string) => number | null;
  each: (visit: (id: string, bits: number) => void) => void;
};

export const isId = (text: string): boolean => /^[0-9a-f]{32}$/.test(text);

/** At most this full: a digest's first bits are evenly spread, so a look finds its place within a few. */
const FULL = 0.7;
const USED = 0x8000;

export const newIds = (expected = 0): Ids => {
  let places = 1024;
  while (places * FULL < expected) places *= 2;
  let words = new Uint32Array(places * 4);
  let flags = new Uint16Array(places);
  let count = 0;

  const parsed = new Uint32Array(4);
  const parse = (id: string): boolean => {
    if (!isId(id)) return false;
    for (let i = 0; i < 4; i++) parsed[i] = Number.parseInt(id.slice(i * 8, i * 8 + 8), 16);
    return true;
  };
  /** The place of the parsed id, or the free one where it would be. */
  const place = (): number => {
    const mask = places - 1;
    for (let at = parsed[0]! & mask; ; at = (at + 1) & mask) {
      if (flags[at] === 0) return at;
      const p = at * 4;
      if (
        words[p] === parsed[0] &&
        words[p + 1] === parsed[1] &&
        words[p + 2] === parsed[2] &&
        words[p + 3] === parsed[3]
      )
        return at;
    }
  };
  const grow = (): void => {
    const [oldWords, oldFlags] = [words, flags];
    places *= 2;
    words = new Uint32Array(places * 4);
    flags = new Uint16Array(places);
    for (let at = 0; at < oldFlags.length; at++) {
      if (oldFlags[at] === 0) continue;
      parsed.set(oldWords.subarray(at * 4, at * 4 + 4));
      const to = place();
      words.set(parsed, to * 4);
      flags[to] = oldFlags[at]!;
    }
  };
  const spelled = (at: number): string => {
    let id = "";
    for (let i = 0; i < 4; i++) id += words[at * 4 + i]!.toString(16).padStart(8, "0");
    return id;
  };

  return {
    size: () => count,
    add: (id, bits = 0) => {
      if (count + 1 > places * FULL) grow();
      if (!parse(id)) throw new Error(`expected an id of 32 hexadecimal digits, came ${JSON.stringify(id)}`);
      const at = place();
      const fresh = flags[at] === 0;
      if (fresh) {
        words.set(parsed, at * 4);
        count++;
      }
      flags[at]! |= USED | bits;
      return fresh;
    },
    mark: (id, bits) => {
      if (!parse(id)) return null;
      const at = place();
      const before = flags[at]!;
      if (before === 0) return null;
      flags[at]! |= bits;
      return before & ~USED;
    },
    bits: (id) => {
      if (!parse(id)) return null;
      const found = flags[place()]!;
      return found === 0 ? null : found & ~USED;
    },
    each: (visit) => {
      for (let at = 0; at < places; at++) if (flags[at] !== 0) visit(spelled(at), flags[at]! & ~USED);
    },
  };
};
