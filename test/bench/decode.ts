import { readFileSync } from "node:fs";
import type { Bytes } from "../../packages/core/dataset.ts";
import { BLOCK_ROWS, decodeBlock, newBlock } from "../../packages/datasets/bovespa/decode.ts";
import { cotahist } from "../../packages/datasets/bovespa/origin.ts";
import { unzipped } from "../../packages/datasets/zip.ts";

const STRIDE = 247;
const yearly = new URL("../fixtures/cotahist/COTAHIST_A2023.ZIP", import.meta.url);

/** Seconds of the fastest and the middle of `times` runs. */
const timed = async (times: number, run: () => unknown): Promise<{ best: number; median: number }> => {
  const seconds: number[] = [];
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await run();
    seconds.push((performance.now() - start) / 1000);
  }
  seconds.sort((a, b) => a - b);
  return { best: seconds[0]!, median: seconds[times >> 1]! };
};

const rate = (bytes: number, seconds: number): number => Math.round(bytes / seconds / 1e6);

/**
 * The decoder alone: uncompressed bytes to validated columns, one core, on the real yearly file's lines repeated to 206
 * MB that are really there; apart from it, unzipping, the first pass (check, decode, hash) and records. MB are 10^6.
 */
export const decode = async () => {
  const zip = new Uint8Array(readFileSync(yearly));
  const file: Bytes = { size: zip.length, read: async (start, end) => zip.subarray(start, end) };
  const pieces: Uint8Array[] = [];
  for await (const piece of unzipped(file)) pieces.push(Uint8Array.from(piece));
  const text = Buffer.concat(pieces);
  const lines = text.subarray(STRIDE, text.length - STRIDE);
  const times = Math.ceil(200e6 / lines.length);
  const bytes = Buffer.concat(Array.from({ length: times }, () => lines));
  const rows = bytes.length / STRIDE;

  const block = newBlock();
  let flagged = 0;
  const run = () => {
    flagged = 0;
    for (let row = 0; row < rows; row += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, rows - row);
      const { flags } = decodeBlock(bytes.subarray(row * STRIDE, (row + count) * STRIDE), count, STRIDE, block);
      for (let i = 0; i < count; i++) flagged += flags[i]!;
    }
  };
  run();
  const decoding = await timed(7, run);

  const unzipping = await timed(5, async () => {
    for await (const _ of unzipped(file));
  });
  const plain: Bytes = { size: text.length, read: async (start, end) => text.subarray(start, end) };
  const survey = await cotahist.survey(plain);
  const surveying = await timed(5, () => cotahist.survey(plain));
  let records = 0;
  const making = await timed(5, async () => {
    records = 0;
    for await (const chunk of cotahist.groups(plain, survey))
      for (const group of chunk) records += group.records.length;
  });
  return {
    decode: {
      mb: Math.round(bytes.length / 1e6),
      rows,
      flagged,
      mb_per_s: rate(bytes.length, decoding.median),
      mb_per_s_best: rate(bytes.length, decoding.best),
      rows_per_s: Math.round(rows / decoding.median),
      goal_mb_per_s: 500,
    },
    unzip: { mb_per_s: rate(text.length, unzipping.median) },
    survey: { rows: survey.rows, seconds: surveying.median, mb_per_s: rate(text.length, surveying.median) },
    records: { records, seconds: making.median, per_s: Math.round(records / making.median), goal_seconds: 0.5 },
  };
};

if (import.meta.main) console.log(JSON.stringify(await decode(), null, 2));
