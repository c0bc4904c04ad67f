import { inflateRawSync } from "node:zlib";

/** The oracle's own reading of COTAHIST, by the column positions of the official layout. */

export type Value = string | number | null;
export type Record01 = { [field: string]: Value };

type Kind = "text" | "day" | "expiry" | "number" | "amount";
export type FieldOf = { name: string; from: number; to: number; kind: Kind; decimals: number; required: boolean };

const field = (name: string, from: number, to: number, kind: Kind, decimals = 0, required = true): FieldOf => ({
  name,
  from,
  to,
  kind,
  decimals,
  required,
});

/** Positions count from 1, both ends inclusive, as the layout prints them. */
export const FIELDS: readonly FieldOf[] = [
  field("datpre", 3, 10, "day"),
  field("codbdi", 11, 12, "text"),
  field("codneg", 13, 24, "text"),
  field("tpmerc", 25, 27, "text"),
  field("nomres", 28, 39, "text", 0, false),
  field("especi", 40, 49, "text", 0, false),
  field("prazot", 50, 52, "text", 0, false),
  field("modref", 53, 56, "text", 0, false),
  field("preabe", 57, 69, "amount", 2),
  field("premax", 70, 82, "amount", 2),
  field("premin", 83, 95, "amount", 2),
  field("premed", 96, 108, "amount", 2),
  field("preult", 109, 121, "amount", 2),
  field("preofc", 122, 134, "amount", 2),
  field("preofv", 135, 147, "amount", 2),
  field("totneg", 148, 152, "number"),
  field("quatot", 153, 170, "amount", 0),
  field("voltot", 171, 188, "amount", 2),
  field("preexe", 189, 201, "amount", 2),
  field("indopc", 202, 202, "text", 0, false),
  field("datven", 203, 210, "expiry", 0, false),
  field("fatcot", 211, 217, "number"),
  field("ptoexe", 218, 230, "amount", 6),
  field("codisi", 231, 242, "text", 0, false),
  field("dismes", 243, 245, "text", 0, false),
];

const WIDTH = 245;

/** The one file in a zip, found by its central directory; anything else as it is. */
const unzip = (bytes: Buffer): Buffer => {
  if (bytes.toString("latin1", 0, 4) !== "PK\x03\x04") return bytes;
  const end = bytes.lastIndexOf("PK\x05\x06", undefined, "latin1");
  const entry = bytes.readUInt32LE(end + 16);
  const method = bytes.readUInt16LE(entry + 10);
  const packed = bytes.readUInt32LE(entry + 20);
  const local = bytes.readUInt32LE(entry + 42);
  const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
  const data = bytes.subarray(start, start + packed);
  return method === 0 ? data : inflateRawSync(data);
};

const dayExists = (eight: string): boolean => {
  if (!/^\d{8}$/.test(eight) || eight < "10000101") return false;
  const dashed = `${eight.slice(0, 4)}-${eight.slice(4, 6)}-${eight.slice(6)}`;
  const ms = Date.parse(`${dashed}T00:00:00Z`);
  return Number.isFinite(ms) && new Date(ms).toISOString().startsWith(dashed);
};

const spell = ({ kind, decimals }: FieldOf, raw: string): Value => {
  if (kind === "text") {
    let end = raw.length;
    while (raw[end - 1] === " ") end--;
    return end === 0 ? null : raw.slice(0, end);
  }
  if (kind === "expiry" && (raw === "99991231" || raw.trim() === "")) return null;
  const digits = [...raw].every((c) => c >= "0" && c <= "9");
  switch (kind) {
    case "number":
      return digits ? Number.parseInt(raw, 10) : raw;
    case "amount": {
      // What is no amount travels as it stands; in quotes if it would pass for one.
      if (!digits) return /^-?\d+(\.\d+)?$/.test(raw) ? `'${raw}'` : raw;
      const units = BigInt(raw);
      const scale = 10n ** BigInt(decimals);
      return decimals === 0 ? `${units}` : `${units / scale}.${String(units % scale).padStart(decimals, "0")}`;
    }
    default:
      return dayExists(raw) ? `${raw.slice(0, 4)}-${raw.slice(4, 6)}-${raw.slice(6)}` : raw;
  }
};

export type CotahistFile = {
  /** The header's day, `YYYY-MM-DD`. */
  generated: string;
  /** Records in file order, each with `origin_rows` as its last field. */
  records: Record01[];
};

/** Throws if the bytes are no whole file: nothing of it goes on then. */
export const readCotahist = (bytes: Uint8Array): CotahistFile => {
  const text = unzip(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).toString("latin1");
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  const [header = ""] = lines;
  const trailer = lines.at(-1) ?? "";
  if (lines.some((line) => line.length !== WIDTH)) throw new Error(`expected lines of ${WIDTH} characters`);
  if (!/^00COTAHIST\.\d{4}BOVESPA \d{8}/.test(header) || trailer.slice(0, 31) !== `99${header.slice(2, 31)}`)
    throw new Error("expected a header and a trailer that repeats it");
  if (Number(trailer.slice(31, 42)) !== lines.length) throw new Error("expected the trailer's total");
  const records = lines.slice(1, -1).map((line): Record01 => {
    if (!line.startsWith("01")) throw new Error("expected records of type 01");
    const record: Record01 = {};
    for (const f of FIELDS) record[f.name] = spell(f, line.slice(f.from - 1, f.to));
    if (!/^\d{4}-\d\d-\d\d$/.test(String(record.datpre)) || String(record.datpre) < "1986")
      throw new Error("expected sessions that are days since 1986");
    if (String(record.datpre).slice(0, 4) !== header.slice(11, 15))
      throw new Error("expected sessions of the header's year");
    return record;
  });
  const distinct = new Map<string, Set<string>>();
  for (const record of records) {
    const session = String(record.datpre);
    if (!distinct.has(session)) distinct.set(session, new Set());
    distinct.get(session)!.add(JSON.stringify(record));
  }
  for (const record of records) record.origin_rows = distinct.get(String(record.datpre))!.size;
  const day = header.slice(23, 31);
  return { generated: `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`, records };
};
