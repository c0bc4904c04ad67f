import { type Position, Refusal, refuse, unsupported } from "./refusal.ts";
import type { Expression, Name, Path } from "./syntax.ts";
import { type Token, tokenize } from "./tokens.ts";

/** Words that cannot be names unless quoted (SqlBase.g4: every keyword that is not in nonReserved). */
const reserved = new Set(
  `ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG CURRENT_DATE CURRENT_PATH CURRENT_ROLE
  CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE DESCRIBE DISTINCT DROP ELSE END ESCAPE
  EXCEPT EXECUTE EXISTS EXTRACT FALSE FOR FROM FULL GROUP GROUPING HAVING IN INNER INSERT INTERSECT INTO IS JOIN
  JSON_ARRAY JSON_EXISTS JSON_OBJECT JSON_QUERY JSON_TABLE JSON_VALUE LEFT LIKE LISTAGG LOCALTIME LOCALTIMESTAMP NATURAL
  NORMALIZE NOT NULL ON OR ORDER OUTER PREPARE RECURSIVE RIGHT ROLLUP SELECT SKIP TABLE THEN TRIM TRUE UESCAPE UNION
  UNNEST USING VALUES WHEN WHERE WITH`.split(/\s+/),
);
/** Not reserved, but after a relation or an expression they start the next clause rather than name it. */
const clauses = new Set(["LIMIT", "OFFSET", "FETCH", "WINDOW", "TABLESAMPLE", "MATCH_RECOGNIZE"]);

export type Cursor = ReturnType<typeof openCursor>;

/**
 * Reads a statement's tokens one after another. Every error names what was expected, what came, and where. `values`
 * are what its `?` stand for, in their order: null reads a statement that is only prepared.
 */
export const openCursor = (statement: string, values: readonly Expression[] | null = []) => {
  const tokens = tokenize(statement);
  let index = 0;
  const marks = tokens.filter(({ key }) => key === "?");
  if (values !== null && marks.length !== values.length)
    refuse(
      "parameters",
      `Incorrect number of parameters: expected ${marks.length} but found ${values.length}`,
      tokens[0]!.at,
    );
  const peek = (ahead = 0): Token => tokens[Math.min(index + ahead, tokens.length - 1)]!;
  const next = (): Token => {
    const token = peek();
    if (index < tokens.length - 1) index++;
    return token;
  };
  const at = (): Position => peek().at;
  /** True when the coming tokens are these words or symbols. */
  const is = (...keys: string[]): boolean => keys.every((key, ahead) => peek(ahead).key === key);
  const accept = (...keys: string[]): boolean => {
    if (!is(...keys)) return false;
    index += keys.length;
    return true;
  };
  const fail = (expected: string): never => {
    const token = peek();
    const came = token.kind === "end" ? "the end of the statement" : JSON.stringify(token.text);
    return refuse("syntax", `expected ${expected}, came ${came}`, token.at);
  };
  const expect = (...keys: string[]): void => {
    if (!accept(...keys)) fail(keys.join(" "));
  };
  const isName = (): boolean => {
    const token = peek();
    return token.kind === "quoted" || (token.kind === "word" && !reserved.has(token.key));
  };
  const name = (expected = "a name"): Name => {
    if (!isName()) fail(expected);
    const token = next();
    if (token.text === "") refuse("syntax", "expected a name between the quotes, came nothing", token.at);
    return { text: token.text, quoted: token.kind === "quoted", at: token.at };
  };
  /** An alias: after AS any name, without AS one that does not start a clause. */
  const alias = (): Name | null => {
    if (accept("AS")) return name("a name after AS");
    return isName() && !(peek().kind === "word" && clauses.has(peek().key)) ? name() : null;
  };
  const path = (): Path => {
    const names = [name()];
    while (accept(".")) names.push(name());
    return names;
  };
  /** One or more of `item`, separated by commas. */
  const list = <T>(item: () => T): T[] => {
    const items = [item()];
    while (accept(",")) items.push(item());
    return items;
  };
  const names = (): Name[] => {
    expect("(");
    const all = list(() => name());
    expect(")");
    return all;
  };
  const integer = (expected: string): string => {
    if (peek().kind !== "integer") fail(expected);
    return next().text;
  };
  const string = (expected: string): string => {
    if (peek().kind !== "string") fail(expected);
    return next().text;
  };
  /** The value of the `?` that comes. Athena takes them in WHERE only: `where` says how deep in one the cursor is. */
  let where = 0;
  const parameter = (): Expression => {
    const token = next();
    if (where === 0) unsupported("a parameter (?) outside WHERE", token.at);
    return values === null ? { kind: "null", at: token.at } : { ...values[marks.indexOf(token)]!, at: token.at };
  };
  const inWhere = <T>(read: () => T): T => {
    where++;
    try {
      return read();
    } finally {
      where--;
    }
  };
  /** What `read` gives, or null and nothing read when it is a syntax error. */
  const attempt = <T>(read: () => T): T | null => {
    const mark = index;
    try {
      return read();
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "syntax") throw error;
      index = mark;
      return null;
    }
  };
  return {
    /** Where the first `?` of the statement stands. */
    mark: marks[0]?.at ?? null,
    attempt,
    peek,
    next,
    at,
    is,
    accept,
    expect,
    fail,
    isName,
    name,
    alias,
    path,
    list,
    names,
    integer,
    string,
    parameter,
    inWhere,
  };
};
