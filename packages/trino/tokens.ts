import { type Position, refuse } from "./refusal.ts";

/** One token. `text` is the value: of a string or a quoted name without its quotes, of a word as it was written. */
export type Token = {
  kind: "word" | "quoted" | "string" | "integer" | "decimal" | "double" | "symbol" | "end";
  text: string;
  /** The word in capitals, the symbol itself; empty for values. */
  key: string;
  at: Position;
};

const patterns: readonly [Token["kind"] | "space", RegExp][] = [
  ["space", /(?:[ \t\r\n]+|--[^\r\n]*|\/\*[\s\S]*?\*\/)/y],
  ["double", /(?:\d+(?:\.\d*)?|\.\d+)[eE][+-]?\d+(?![A-Za-z0-9_])/y],
  ["decimal", /(?:\d+\.\d*|\.\d+)(?![A-Za-z0-9_])/y],
  ["integer", /\d+(?![A-Za-z0-9_.])/y],
  ["word", /[A-Za-z_][A-Za-z0-9_]*/y],
  ["quoted", /"(?:[^"]|"")*"/y],
  ["string", /'(?:[^']|'')*'/y],
  ["symbol", /(?:<>|!=|<=|>=|\|\||->|=>|[-+*/%=<>(),.;?[\]])/y],
];

const value = (kind: string, text: string): string =>
  kind === "quoted"
    ? text.slice(1, -1).replaceAll('""', '"')
    : kind === "string"
      ? text.slice(1, -1).replaceAll("''", "'")
      : text;

/** Trino's lexical grammar (SqlBase.g4). Throws a Refusal with the position of what is no token. */
export const tokenize = (statement: string): Token[] => {
  const tokens: Token[] = [];
  let index = 0;
  let line = 1;
  let start = 0;
  const position = (): Position => ({ line, column: index - start + 1 });
  while (index < statement.length) {
    let length = 0;
    for (const [kind, pattern] of patterns) {
      pattern.lastIndex = index;
      const text = pattern.exec(statement)?.[0];
      if (text === undefined) continue;
      length = text.length;
      if (kind !== "space") {
        const key = kind === "word" ? text.toUpperCase() : kind === "symbol" ? (text === "!=" ? "<>" : text) : "";
        tokens.push({ kind, text: value(kind, text), key, at: position() });
      }
      break;
    }
    if (length === 0) refuse("syntax", `unexpected ${JSON.stringify(statement[index])}`, position());
    for (const char of statement.slice(index, index + length)) {
      index += char.length;
      if (char === "\n") {
        line++;
        start = index;
      }
    }
  }
  tokens.push({ kind: "end", text: "", key: "", at: position() });
  return tokens;
};
