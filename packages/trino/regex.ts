import { type Position, unsupported } from "./refusal.ts";

/** What is known of a pattern: its groups, the shortest match, whether every group takes part in every match. */
export type Pattern = { groups: number; least: number; certain: boolean; linewise: boolean };

const MAX_REPEAT = 1000;
const escaped = /[.\\+*?()[\]{}|^$/-]/;

/**
 * Reads a regular expression of the subset on which Java's (Trino's) and RE2's (DuckDB's) matching agree: literal
 * characters, escaped punctuation, `.`, classes of characters and ranges, groups, alternatives, greedy and lazy
 * repetition, `^` at the beginning and `$` at the end. Everything else is refused: \d and \w (ASCII or Unicode?),
 * look-around, back references, flags, repetition of what may be empty.
 */
export const pattern = (source: string, at: Position): Pattern => {
  const chars = [...source];
  let index = 0;
  let groups = 0;
  let certain = true;
  let linewise = false;
  const no = (what: string): never => unsupported(`${what} in the regular expression ${JSON.stringify(source)}`, at);

  const escaping = (): void => {
    index++;
    if (!escaped.test(chars[index] ?? "")) no(`\\${chars[index] ?? ""}`);
    index++;
  };

  const set = (): void => {
    index++;
    if (chars[index] === "^") index++;
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
      if (char === "\\") escaping();
      else index++;
      if (chars[index] === "-" && chars[index + 1] !== "]") {
        index++;
        const end = chars[index];
        if (end === undefined || !/[A-Za-z0-9]/.test(end) || !/[A-Za-z0-9]/.test(char!) || end < char!)
          no("this range");
        index++;
      }
      members++;
    }
    if (members === 0) no("an empty [ ]");
    index++;
  };

  /** The shortest match of one atom; groups are counted on the way. */
  const atom = (): number => {
    const char = chars[index]!;
    if (char === "(") {
      index++;
      if (chars[index] === "?") {
        if (chars[index + 1] !== ":") no("(?…");
        index += 2;
      } else groups++;
      const least = alternatives();
      if (chars[index] !== ")") no("an open (");
      index++;
      return least;
    }
    if (char === "[") {
      set();
      return 1;
    }
    if (char === "\\") {
      escaping();
      return 1;
    }
    if (/[*+?{}\]^$]/.test(char)) no(char);
    if (char === ".") linewise = true;
    index++;
    return 1;
  };

  const repeated = (least: number, grouped: boolean): number => {
    const quantifier = /^(?:[*+?]|\{(\d+)(,(\d*))?\})/.exec(chars.slice(index).join(""));
    if (!quantifier) return least;
    const [text, from, , to] = quantifier;
    if (Number(from ?? 0) > MAX_REPEAT || Number(to || 0) > MAX_REPEAT) no("this many repetitions");
    if (least === 0) no("a repetition of what may be empty");
    if (grouped) certain = false;
    index += text.length;
    if (chars[index] === "?") index++;
    if (/[*+?{]/.test(chars[index] ?? "")) no("a repetition of a repetition");
    return text === "*" || text === "?" ? 0 : text === "+" ? least : least * Number(from);
  };

  const sequence = (): number => {
    let least = 0;
    while (index < chars.length && chars[index] !== "|" && chars[index] !== ")") {
      if (chars[index] === "$" && index === chars.length - 1) {
        index++;
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
      index++;
      certain = false;
      least = Math.min(least, sequence());
    }
    return least;
  };

  if (chars[0] === "^") {
    index++;
    linewise = true;
  }
  if (chars.length > 1 && (chars[0] === "^" || chars.at(-1) === "$") && chars.includes("|")) no("| beside ^ or $");
  const least = alternatives();
  if (index < chars.length) no(chars[index]!);
  return { groups, least, certain, linewise };
};
