import { z } from "zod";
import { show } from "../../core/issue.ts";
import { csvDocument } from "./csv.ts";
import { htmlDocument } from "./html.ts";
import { jsonDocument } from "./json.ts";
import { type Document, fault, mistaken, type Portfolio, portfolioOf, type Said } from "./portfolio.ts";

/** More than any answer has: IBRA's 150 papers are 20 KB. */
export const MOST_ANSWER = 1024 ** 2;
/** The pages that are asked for at most; two of 120 rows hold the broadest index. */
export const MOST_PAGES = 20;
/** All of them in an archive, whose JSON escapes each of their quotes. */
export const MOST = 2 * MOST_PAGES * MOST_ANSWER;

/** An answer as it is archived: what was asked, and its text, to the character. `url` is null for a person's file. */
export type Answer = { url: string | null; request: { index: string | null; session?: string | null }; body: string };

/** The archived bytes of some answers: JSON, one to a line. The same answers make the same bytes. */
export const archived = (answers: readonly Answer[]): Uint8Array =>
  new TextEncoder().encode(answers.map((answer) => `${JSON.stringify(answer)}\n`).join(""));

/** The text of an answer's bytes. B3's JSON is UTF-8 and its CSV latin-1; what is not UTF-8 is taken for latin-1. */
export const textOf = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  }
};

const envelope = z.strictObject({
  url: z.string().nullable(),
  request: z.looseObject({ index: z.string().nullable(), session: z.string().nullish() }),
  body: z.string(),
});

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
};

const isEnvelope = (line: string): boolean => {
  const value = parsed(line);
  return typeof value === "object" && value !== null && "body" in value && "request" in value;
};

/** The answers in an origin's bytes. Bytes that are no archive of answers are one themselves, of which nothing is said. */
const answersOf = (bytes: Uint8Array): Answer[] => {
  const text = textOf(bytes);
  const lines = text.split("\n");
  if (!isEnvelope(lines[0]!)) return [{ url: null, request: { index: null }, body: text }];
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line, i) => {
    const answer = envelope.safeParse(parsed(line));
    if (!answer.success)
      throw fault("origin_answer", `answer ${i + 1}`, "an archived answer as JSON", show(line.slice(0, 60)));
    return answer.data as Answer;
  });
};

const ZIP = "PK\u0003\u0004";
const BINARY = /[\u0000-\u0008\u000e-\u001f]/;
const FORMATS = "a portfolio as JSON, CSV or HTML";
const OTHER_FILE = "Nothing of it was sent: name the portfolio's own file, or the dataset that this file is of";

/** The format of an answer's text is told by how it begins: B3's media types do not. */
const documentOf = (body: string): Document => {
  const text = body.trimStart();
  if (text.startsWith(ZIP))
    throw fault("origin_zip", "", FORMATS, "a zip, which is the form of B3's quotes", OTHER_FILE);
  if (BINARY.test(text)) throw fault("origin_binary", "", FORMATS, "bytes that are no text", OTHER_FILE);
  if (text === "") throw fault("origin_empty", "", "a portfolio", "nothing at all: B3 answers so when it has none");
  if (text.startsWith("<")) return htmlDocument(text);
  if (text.startsWith("{")) return jsonDocument(text);
  const inner = text.startsWith('"') ? parsed(text) : undefined;
  if (typeof inner === "string" && inner.trimStart().startsWith("{")) return jsonDocument(text);
  return csvDocument(csvOf(typeof inner === "string" ? inner : text));
};

/** The download's CSV is latin-1 in base64; a saved one is itself. */
export const csvOf = (text: string): string => {
  const packed = text.trim();
  if (packed.length % 4 || !/^[A-Za-z0-9+/]+={0,2}$/.test(packed)) return text;
  return textOf(Buffer.from(packed, "base64"));
};

/** Answers that state the same are said to be of the same. */
const same = (answers: readonly Answer[], what: "index" | "session"): string | null => {
  const said = new Set(answers.map(({ request }) => request[what] ?? null));
  if (said.size > 1) throw fault("origin_page", "", `answers of one ${what}`, show([...said]));
  return [...said][0] ?? null;
};

/**
 * The portfolio in an origin's bytes: archived answers, or a file. `said` is known of it beside its bytes.
 * @throws PregaoError unless it is one portfolio of one day, whole
 */
export const portfolioIn = (bytes: Uint8Array, said: Said = { indice: null, data: null }): Portfolio => {
  if (bytes.byteLength > MOST) throw fault("too_large", "", `at most ${MOST} bytes`, `${bytes.byteLength}`);
  const answers = answersOf(bytes);
  const indice = same(answers, "index");
  const data = same(answers, "session");
  // Beside its bytes only a person says something.
  for (const [code, option, asked, stated] of [
    ["origin_index", "--only", said.indice, indice],
    ["origin_date", "--session", said.data, data],
  ] as const)
    if (asked !== null && stated !== null && asked !== stated)
      throw fault(code, "", `a portfolio of ${asked}, as ${option} says`, `one of ${stated}`, mistaken(option, stated));
  return portfolioOf(
    answers.map(({ body }) => documentOf(body)),
    {
      indice: indice ?? said.indice,
      data: data ?? said.data,
      byPerson: answers.every(({ url }) => url === null),
    },
  );
};
