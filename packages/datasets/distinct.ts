/**
 * Which of millions of rows may be equal, in 8 bytes a row: a fast hash of 53 bits each, sorted. Equal rows have equal
 * hashes; the few others that do too are told apart by whoever asks, by content.
 */
export type Hashes = {
  add: (hash: number) => void;
  /** A test for hashes that were added more than once; null when there is none. Call it once, after the last `add`. */
  repeated: () => ((hash: number) => boolean) | null;
};

export const newHashes = (): Hashes => {
  let all = new Float64Array(1 << 14);
  let count = 0;
  return {
    add: (hash) => {
      if (count === all.length) {
        const larger = new Float64Array(all.length * 2);
        larger.set(all);
        all = larger;
      }
      all[count++] = hash;
    },
    repeated: () => {
      const sorted = all.subarray(0, count).sort();
      // The repeated ones, once each, move to the front.
      let found = 0;
      for (let i = 1; i < count; i++) {
        const hash = sorted[i] as number;
        if (hash === sorted[i - 1] && (found === 0 || sorted[found - 1] !== hash)) sorted[found++] = hash;
      }
      if (found === 0) return null;
      const repeated = all.slice(0, found);
      all = new Float64Array(0);
      return (hash) => {
        let low = 0;
        let high = found - 1;
        while (low <= high) {
          const middle = (low + high) >> 1;
          const at = repeated[middle] as number;
          if (at === hash) return true;
          if (at < hash) low = middle + 1;
          else high = middle - 1;
        }
        return false;
      };
    },
  };
};

/** 53 bits of a row's bytes, at least 4 of them, as an integer in a double. Not for content that must be told apart by it. */
export const hashOf = (view: DataView, start: number, end: number): number => {
  let a = 0x9e3779b1;
  let b = 0x85ebca6b;
  for (let p = start; p < end; p += 4) {
    // The last word overlaps the one before it rather than leave the row.
    const word = view.getInt32(Math.min(p, end - 4), true);
    a = Math.imul(a ^ word, 0x01000193);
    a ^= a >>> 15;
    b = Math.imul(b + word, 0xc2b2ae35 | 0);
    b = (b << 13) | (b >>> 19);
  }
  a = Math.imul(a ^ (a >>> 16), 0x21f0aaad);
  b = Math.imul(b ^ (b >>> 15), 0x735a2d97);
  return ((a ^ (a >>> 15)) & 0x1fffff) * 4_294_967_296 + ((b ^ (b >>> 15)) >>> 0);
};
