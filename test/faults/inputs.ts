import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";
import type { Outgoing } from "../../packages/aws/queues.ts";
import { prepare } from "../../packages/cli/publish.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { corrected, fileOf, market, marketLines } from "../oracle/market.ts";
import { sessionsOf } from "../synthetic.ts";
import { dice } from "./faults.ts";

/** What one seed sends: the same seed, the same files, and messages of the same kinds. */
export type Inputs = {
  files: Uint8Array[];
  messages: Outgoing[];
  /** Lines given to the stream past the consumer, which it cannot convert. */
  unconvertible: string[];
};

/** The text of the one entry of a zip, by its local header. */
const unzipped = (zip: Buffer): string => {
  const start = 30 + zip.readUInt16LE(26) + zip.readUInt16LE(28);
  return inflateRawSync(zip.subarray(start)).toString("latin1");
};

let real: string[] | undefined;
const realLines = (): string[] => {
  real ??= unzipped(readFileSync(new URL(bovespa.demo!.file))).split("\r\n");
  return real;
};

/** Some hundred rows of a real session, as a whole file. */
const slice = (from: number, count: number): Uint8Array => {
  const lines = realLines();
  const records = lines.slice(1, -2);
  const at = from % (records.length - count);
  const [header = ""] = lines;
  const trailer = `99${header.slice(2, 31)}${String(count + 2).padStart(11, "0")}`.padEnd(245);
  return Buffer.from([header, ...records.slice(at, at + count), trailer, ""].join("\r\n"), "latin1");
};

/** So many rows a session that one row less is not held for a person: 1 %. */
const CORRECTABLE_PAPERS = 40;

export const inputsOf = async (seed: number): Promise<Inputs> => {
  const next = dice(seed, "inputs");
  const below = (n: number) => Math.floor(next() * n);
  const days = () => {
    const year = 2015 + below(10);
    const all = sessionsOf(year);
    const at = below(all.length - 3);
    return all.slice(at, at + 1 + below(3));
  };
  const files: Uint8Array[] = [];
  for (let i = 1 + below(2); i > 0; i--)
    files.push(market({ seed: below(1e6), sessions: days(), papers: 3 + below(8), dirty: next() < 0.4 }));
  if (next() < 0.35) {
    const sessions = days().slice(0, 1);
    const lines = marketLines({ seed: below(1e6), sessions, papers: CORRECTABLE_PAPERS });
    files.push(fileOf(lines, "2025-01-02"), fileOf(corrected(lines, below(1e6)), "2025-01-03"));
  }
  if (next() < 0.2) files.push(slice(below(12_000), 100 + below(200)));
  const ticker = `TESTE${1 + below(9)}`;
  const messages = [
    ...(await prepare(bovespa, { ticker, count: String(1 + below(4)) })).messages,
    ...(next() < 0.5 ? (await prepare(bovespa, { ticker, invalid: true })).messages : []),
  ];
  const unconvertible = next() < 0.4 ? [`{"datpre":"2024-11-08","codneg":"T${seed}`] : [];
  return { files, messages, unconvertible };
};
