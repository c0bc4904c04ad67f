import { type Position, unsupported } from "./refusal.ts";

/**
 * What is known of a pattern: RE2's spelling of it, its groups, the shortest match, whether every group takes part in
 * every match, whether text must be one line, or ASCII alone, for the engines to agree.
 */
export type Pattern = {
  source: string;
  groups: number;
  least: number;
  certain: boolean;
  linewise: boolean;
  asciiwise: boolean;
};

const MAX_REPEAT = 1000;
const escaped = /[.\\+*?()[\]{}|^$/-]/;
/** The classes of ASCII, as Joni (Trino's) has them: every code point was asked. RE2's \s has no vertical tab. */
const classes: Readonly<Record<string, string>> = {
  d: "[0-9]",
  D: "[^0-9]",
  w: "[0-9A-Za-z_]",
  W: "[^0-9A-Za-z_]",
  s: "[\\t-\\r ]",
  S: "[^\\t-\\r ]",
};

/**
 * Reads a regular expression of the subset on which Joni's (Trino's) and RE2's (DuckDB's) matching agree: literal
 * characters, escaped punctuation, `.`, \d \w \s and their opposites, classes of characters and ranges, groups,
 * alternatives, greedy and lazy repetition, `^` at the beginning and `$` at the end, \b and a leading (?i) over ASCII.
 * Everything else is refused: \p{…}, look-around, back references, other flags, repetition of what may be empty.
 */
export const pattern = (source: string, at: Position): Pattern => {
  const chars = [...source];
  let index = 0;
  let groups = 0;
  let certain = true;
  let linewise = false;
  let asciiwise = false;
  let out = "";
  let depth = 0;
  let split = false;
  const no = (what: string): never => unsupported(`${what} in the regular expression ${JSON.stringify(source)}`, at);

  const take = (count = 1): void => {
    out += chars.slice(index, index + count).join("");
    index += count;
  };
  const escaping = (): void => {
    if (!escaped.test(chars[index + 1] ?? "")) no(`\\${chars[index + 1] ?? ""}`);
    take(2);
  };

  const set = (): void => {
    take();
    if (chars[index] === "^") take();
    let members = 0;
    while (chars[index] !== "]") {
      const char = chars[index];
      if (char === undefined) no("an open [");
      if (
        char === "[" ||
        char === "^" ||
        (char === "-" && members > 0 && chars[index + 1] !== "]") ||
        (char === "&" && chars[index + 1] === "&")
      )
        no(`${char} inside [ ]`);
      const named = char === "\\" ? classes[chars[index + 1] ?? ""] : undefined;
      if (named) {
        if (named.startsWith("[^")) no(`\\${chars[index + 1]} inside [ ]`);
        if (chars[index + 2] === "-" && chars[index + 3] !== "]") no("this range");
        out += named.slice(1, -1);
        index += 2;
      } else if (char === "\\") escaping();
      else take();
      if (!named && chars[index] === "-" && chars[index + 1] !== "]") {
        take();
        const end = chars[index];
        if (end === undefined || !/[A-Za-z0-9]/.test(end) || !/[A-Za-z0-9]/.test(char!) || end < char!)
          no("this range");
        take();
      }
      members++;
    }
    if (members === 0) no("an empty [ ]");
    take();
  };

  /** The shortest match of one atom; groups are counted on the way. */
  const atom = (): number => {
    const char = chars[index]!;
    if (char === "(") {
      take();
      if (chars[index] === "?") {
        if (chars[index + 1] !== ":") no("(?…");
        take(2);
      } else groups++;
      depth++;
      const least = alternatives();
      depth--;
      if (chars[index] !== ")") no("an open (");
      take();
      return least;
    }
    if (char === "[") {
      set();
      return 1;
    }
    if (char === "\\") {
      const named = classes[chars[index + 1] ?? ""];
      if (named) {
        out += named;
        index += 2;
      } else if (chars[index + 1] === "b") {
        asciiwise = true;
        take(2);
        return 0;
      } else escaping();
      return 1;
    }
    if (/[*+?{}\]^$]/.test(char)) no(char);
    if (char === ".") linewise = true;
    take();
    return 1;
  };

  const repeated = (least: number, grouped: boolean): number => {
    const quantifier = /^(?:[*+?]|\{(\d+)(,(\d*))?\})/.exec(chars.slice(index).join(""));
    if (!quantifier) return least;
    const [text, from, , to] = quantifier;
    if (Number(from ?? 0) > MAX_REPEAT || Number(to || 0) > MAX_REPEAT) no("this many repetitions");
    if (least === 0) no("a repetition of what may be empty");
    if (grouped) certain = false;
    take(text.length);
    if (chars[index] === "?") take();
    if (/[*+?{]/.test(chars[index] ?? "")) no("a repetition of a repetition");
    return text === "*" || text === "?" ? 0 : text === "+" ? least : least * Number(from);
  };

  const sequence = (): number => {
    let least = 0;
    while (index < chars.length && chars[index] !== "|" && chars[index] !== ")") {
      if (chars[index] === "$" && index === chars.length - 1) {
        take();
        linewise = true;
        continue;
      }
      const before = groups;
      const one = atom();
      least += repeated(one, groups > before);
    }
    return least;
  };

  const alternatives = (): number => {
    let least = sequence();
    while (chars[index] === "|") {
      if (depth === 0) split = true;
      take();
      certain = false;
      least = Math.min(least, sequence());
    }
    return least;
  };

  if (source.startsWith("(?i)")) {
    if (/[^\x00-\x7f]/.test(source)) no("(?i) beside letters that are not ASCII");
    take(4);
    asciiwise = true;
  }
  const anchored = chars[index] === "^";
  if (anchored) {
    take();
    linewise = true;
  }
  const least = alternatives();
  if (split && (anchored || chars.at(-1) === "$")) no("| beside ^ or $");
  if (index < chars.length) no(chars[index]!);
  return { source: out, groups, least, certain, linewise, asciiwise };
};
