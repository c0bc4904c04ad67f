import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { refusal } from "./errors.ts";

export const algorithms = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5"] as const;
export type Algorithm = (typeof algorithms)[number];

/** An object's or a part's checksum as S3 keeps it: base64; a COMPOSITE one ends in `-<number of parts>`. */
export type Checksum = { algorithm: Algorithm; value: string; type: "FULL_OBJECT" | "COMPOSITE" };

export type Hasher = { update: (chunk: Uint8Array) => void; digest: () => Buffer };

/** Amazon knows these too; nothing here can compute them, and an unverified checksum is refused rather than believed. */
const unknown = ["XXHASH64", "XXHASH3", "XXHASH128"];

export const headerOf = (algorithm: Algorithm): string => `x-amz-checksum-${algorithm.toLowerCase()}`;
export const elementOf = (algorithm: Algorithm): string => `Checksum${algorithm}`;

/** Throws NotImplemented for an algorithm that S3 has and this has not, InvalidRequest for any other. */
export const algorithmOf = (name: string): Algorithm => {
  const upper = name.toUpperCase();
  const found = algorithms.find((a) => a === upper);
  if (found) return found;
  if (unknown.includes(upper))
    throw refusal("NotImplemented", {}, `The checksum algorithm ${upper} is not implemented here`);
  throw refusal(
    "InvalidRequest",
    {},
    "Checksum algorithm provided is unsupported. Please try again with any of the valid types.",
  );
};

type Tables = { low: Int32Array; high: Int32Array };
const tables = new Map<bigint, Tables>();

/** Tables for eight bytes at a time of a reflected CRC, split into 32-bit halves (`high` stays 0 for CRC32C). */
const tablesOf = (polynomial: bigint): Tables => {
  const made = tables.get(polynomial);
  if (made) return made;
  const low = new Int32Array(8 * 256);
  const high = new Int32Array(8 * 256);
  const first: bigint[] = [];
  for (let n = 0; n < 256; n++) {
    let crc = BigInt(n);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    first.push(crc);
  }
  for (let n = 0; n < 256; n++) {
    let crc = first[n]!;
    for (let k = 0; k < 8; k++) {
      low[k * 256 + n] = Number(BigInt.asIntN(32, crc));
      high[k * 256 + n] = Number(BigInt.asIntN(32, crc >> 32n));
      crc = (crc >> 8n) ^ first[Number(crc & 255n)]!;
    }
  }
  tables.set(polynomial, { low, high });
  return { low, high };
};

const crc32c = (): Hasher => {
  const { low: t } = tablesOf(0x82f63b78n);
  let crc = -1;
  return {
    update: (chunk) => {
      const whole = chunk.length & ~7;
      let i = 0;
      for (; i < whole; i += 8) {
        const a = crc ^ (chunk[i]! | (chunk[i + 1]! << 8) | (chunk[i + 2]! << 16) | (chunk[i + 3]! << 24));
        crc =
          t[1792 + (a & 255)]! ^
          t[1536 + ((a >>> 8) & 255)]! ^
          t[1280 + ((a >>> 16) & 255)]! ^
          t[1024 + (a >>> 24)]! ^
          t[768 + chunk[i + 4]!]! ^
          t[512 + chunk[i + 5]!]! ^
          t[256 + chunk[i + 6]!]! ^
          t[chunk[i + 7]!]!;
      }
      for (; i < chunk.length; i++) crc = t[(crc ^ chunk[i]!) & 255]! ^ (crc >>> 8);
    },
    digest: () => {
      const out = Buffer.alloc(4);
      out.writeInt32BE(~crc);
      return out;
    },
  };
};

const crc64nvme = (): Hasher => {
  const { low: l, high: h } = tablesOf(0x9a6c9329ac4bc9b5n);
  let low = -1;
  let high = -1;
  return {
    update: (chunk) => {
      const whole = chunk.length & ~7;
      let i = 0;
      for (; i < whole; i += 8) {
        const a = low ^ (chunk[i]! | (chunk[i + 1]! << 8) | (chunk[i + 2]! << 16) | (chunk[i + 3]! << 24));
        const b = high ^ (chunk[i + 4]! | (chunk[i + 5]! << 8) | (chunk[i + 6]! << 16) | (chunk[i + 7]! << 24));
        const i7 = 1792 + (a & 255);
        const i6 = 1536 + ((a >>> 8) & 255);
        const i5 = 1280 + ((a >>> 16) & 255);
        const i4 = 1024 + (a >>> 24);
        const i3 = 768 + (b & 255);
        const i2 = 512 + ((b >>> 8) & 255);
        const i1 = 256 + ((b >>> 16) & 255);
        const i0 = b >>> 24;
        low = l[i7]! ^ l[i6]! ^ l[i5]! ^ l[i4]! ^ l[i3]! ^ l[i2]! ^ l[i1]! ^ l[i0]!;
        high = h[i7]! ^ h[i6]! ^ h[i5]! ^ h[i4]! ^ h[i3]! ^ h[i2]! ^ h[i1]! ^ h[i0]!;
      }
      for (; i < chunk.length; i++) {
        const n = (low ^ chunk[i]!) & 255;
        low = ((low >>> 8) | (high << 24)) ^ l[n]!;
        high = (high >>> 8) ^ h[n]!;
      }
    },
    digest: () => {
      const out = Buffer.alloc(8);
      out.writeInt32BE(~high);
      out.writeInt32BE(~low, 4);
      return out;
    },
  };
};

export const hasher = (algorithm: Algorithm): Hasher => {
  if (algorithm === "CRC32C") return crc32c();
  if (algorithm === "CRC64NVME") return crc64nvme();
  if (algorithm === "CRC32") {
    let crc = 0;
    return {
      update: (chunk) => {
        crc = crc32(chunk, crc);
      },
      digest: () => {
        const out = Buffer.alloc(4);
        out.writeUInt32BE(crc);
        return out;
      },
    };
  }
  const hash = createHash(algorithm.toLowerCase());
  return { update: (chunk) => void hash.update(chunk), digest: () => hash.digest() };
};

/** The checksum of a multipart object out of those of its parts: of their raw digests, one after another. */
export const composite = (algorithm: Algorithm, parts: readonly string[]): Checksum => {
  const hash = hasher(algorithm);
  for (const part of parts) hash.update(Buffer.from(part, "base64"));
  return { algorithm, value: `${hash.digest().toString("base64")}-${parts.length}`, type: "COMPOSITE" };
};
