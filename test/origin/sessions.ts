import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import { fixture, zip } from "../datasets/cotahist.ts";
import { portfolios } from "./portfolios.ts";

/**
 * COTAHIST lines of any session, from the two real files: their own sessions as they are, others re-dated. Nothing here
 * is read with the code under test.
 */

const RECORD = 247;

/** The text of a zip that holds one file, by its central directory. */
const textOf = (packed: Buffer): Buffer => {
  const directory = packed.readUInt32LE(packed.length - 22 + 16);
  const local = packed.readUInt32LE(directory + 42);
  const start = local + 30 + packed.readUInt16LE(local + 26) + packed.readUInt16LE(local + 28);
  return inflateRawSync(packed.subarray(start, start + packed.readUInt32LE(directory + 20)));
};

const linesOf = (file: URL): Map<string, string[]> => {
  const text = textOf(readFileSync(file)).toString("latin1");
  const found = new Map<string, string[]>();
  for (let at = RECORD; at < text.length; at += RECORD) {
    if (!text.startsWith("01", at)) continue;
    const day = `${text.slice(at + 2, at + 6)}-${text.slice(at + 6, at + 8)}-${text.slice(at + 8, at + 10)}`;
    const lines = found.get(day) ?? [];
    if (lines.length === 0) found.set(day, lines);
    lines.push(text.slice(at, at + RECORD - 2));
  }
  return found;
};

let known: Map<string, string[]> | undefined;
const real = (): Map<string, string[]> => {
  known ??= new Map([...linesOf(fixture.year), ...linesOf(fixture.day)]);
  return known;
};

/** The sessions of the real files: 2 to 17 January 2023, and 8 November 2024. */
export const realSessions: readonly string[] = [
  ...["02", "03", "04", "05", "06", "09", "10", "11", "12", "13", "16", "17"].map((day) => `2023-01-${day}`),
  "2024-11-08",
];

const tickerOf = (line: string): string => line.slice(12, 24).trimEnd();
const compact = (day: string): string => day.replaceAll("-", "");

/**
 * At most `rows` records of a session, in the file's order: first those of the members of Ibovespa in the cash market,
 * then others spread evenly. A session that no real file has gets the lines of one that a real file has, re-dated.
 */
export const linesOfSession = (session: string, rows: number): string[] => {
  const lines = real().get(session) ?? real().get(realSessions[Number(session.slice(8)) % 12]!)!;
  const chosen = lines.length <= rows ? lines : thinned(lines, rows);
  return chosen.map((line) => `01${compact(session)}${line.slice(10)}`);
};

const thinned = (lines: readonly string[], rows: number): string[] => {
  const members = new Set(portfolios.flatMap(({ rows }) => rows.map(({ ticker }) => ticker)));
  const isMember = (line: string) => line.slice(24, 27) === "010" && members.has(tickerOf(line));
  const first = new Set(lines.filter(isMember).slice(0, rows));
  const others = lines.filter((line) => !first.has(line));
  for (let left = rows - first.size, i = 0; i < left; i++) first.add(others[Math.floor((i * others.length) / left)]!);
  return lines.filter((line) => first.has(line));
};

/** A whole file of lines, as text: header, lines, trailer with their number. */
export const cotahistText = (lines: readonly string[], generated: string): string => {
  const named = `COTAHIST.${generated.slice(0, 4)}BOVESPA ${compact(generated)}`;
  const total = String(lines.length + 2).padStart(11, "0");
  return [`00${named}`.padEnd(245), ...lines, `99${named}${total}`.padEnd(245)].map((line) => `${line}\r\n`).join("");
};

/** The zip of a text, as B3 names what is inside: `COTAHIST_D17012023.TXT`. */
export const zipped = (name: string, text: string): Uint8Array =>
  zip({ name: `COTAHIST_${name}.TXT`, data: Buffer.from(text, "latin1") });
