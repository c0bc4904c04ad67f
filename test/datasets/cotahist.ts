import { readFileSync } from "node:fs";
import { crc32, deflateRawSync } from "node:zlib";
import type { Bytes, Survey, WireRecord } from "../../packages/core/dataset.ts";
import { cotahist } from "../../packages/datasets/bovespa/origin.ts";

/** COTAHIST files for tests: the real ones, and small ones made line by line, independent of the code under test. */

export const fixture = {
  day: new URL("../../packages/datasets/bovespa/fixtures/COTAHIST_D08112024.ZIP", import.meta.url),
  year: new URL("../fixtures/cotahist/COTAHIST_A2023.ZIP", import.meta.url),
  edited: new URL("../fixtures/cotahist/COTAHIST_D29022016_EXCEPTION.TXT", import.meta.url),
  truncated: new URL("../fixtures/cotahist/COTAHIST_D04012016_TRUNCATED.TXT", import.meta.url),
};

export const bytesOf = (data: Uint8Array | URL): Bytes => {
  const all = data instanceof Uint8Array ? data : new Uint8Array(readFileSync(data));
  return { size: all.length, read: async (start, end) => all.slice(start, end) };
};

export const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));

/** The fields of a line, as characters; positions as B3's layout prints them. */
const places = {
  datpre: [3, "20241108"],
  codbdi: [11, "02"],
  codneg: [13, "PETR4       "],
  tpmerc: [25, "010"],
  nomres: [28, "PETROBRAS   "],
  especi: [40, "PN      N2"],
  prazot: [50, "   "],
  modref: [53, "R$  "],
  preabe: [57, "0000000003600"],
  premax: [70, "0000000003700"],
  premin: [83, "0000000003500"],
  premed: [96, "0000000003650"],
  preult: [109, "0000000003660"],
  preofc: [122, "0000000003659"],
  preofv: [135, "0000000003661"],
  totneg: [148, "00080"],
  quatot: [153, "000000000000012300"],
  voltot: [171, "000000000044895000"],
  preexe: [189, "0000000000000"],
  indopc: [202, "0"],
  datven: [203, "99991231"],
  fatcot: [211, "0000001"],
  ptoexe: [218, "0000000000000"],
  codisi: [231, "BRPETRACNPR6"],
  dismes: [243, "200"],
} as const;
export type Fields = Partial<Record<keyof typeof places, string>>;
export const positions = Object.entries(places).map(([name, [from, usual]]) => ({ name, from, width: usual.length }));

export const line = (fields: Fields = {}): string =>
  `01${Object.entries(places)
    .map(([name, [, usual]]) => (fields[name as keyof Fields] ?? usual).padEnd(usual.length))
    .join("")}`;

type Shape = { end?: string; header?: string; trailer?: string; total?: number };
export const text = (
  lines: string[],
  { end = "\r\n", header, trailer, total = lines.length + 2 }: Shape = {},
): string => {
  const named = "COTAHIST.2024BOVESPA 20241108";
  const all = [
    header ?? `00${named}`.padEnd(245),
    ...lines,
    trailer ?? `99${named}${String(total).padStart(11, "0")}`.padEnd(245),
  ];
  return all.map((each) => each + end).join("");
};
export const file = (lines: string[], shape: Shape = {}): Uint8Array => latin1(text(lines, shape));

type Entry = { name?: string; data: Uint8Array; flags?: number; method?: number; crc?: number; size?: number };
/** A zip, by the book, but for what a test wants otherwise. */
export const zip = (...entries: Entry[]): Uint8Array => {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const {
    name = "COTAHIST_D08112024.TXT",
    data,
    flags = 0,
    method = 8,
    crc = crc32(data),
    size = data.length,
  } of entries) {
    const packed = method === 8 ? deflateRawSync(data) : Buffer.from(data);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(crc, 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(size, 18);
    common.writeUInt16LE(name.length, 22);
    const head = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, tail, Buffer.from(name)]));
    local.push(head);
    offset += head.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return new Uint8Array(Buffer.concat([...local, directory, end]));
};

export type Read = { survey: Survey; groups: { subject: string; records: WireRecord[] }[]; chunks: number[] };

/** Both passes. */
export const read = async (data: Uint8Array | URL | Bytes): Promise<Read> => {
  const bytes = "read" in data ? data : bytesOf(data);
  const survey = await cotahist.survey(bytes);
  const groups: Read["groups"] = [];
  const chunks: number[] = [];
  for await (const chunk of cotahist.groups(bytes, survey)) {
    groups.push(...chunk);
    chunks.push(chunk.reduce((sum, group) => sum + group.records.length, 0));
  }
  return { survey, groups, chunks };
};

const tickers = ["PETR4", "VALE3", "ITUB4", "ABCD11", "XP"];
/** Lines of five tickers in turn, each another row. */
export const some = (count: number, fields: (i: number) => Fields = () => ({})): string[] =>
  Array.from({ length: count }, (_, i) =>
    line({ codneg: tickers[i % tickers.length]!, totneg: String(i).padStart(5, "0"), ...fields(i) }),
  );
