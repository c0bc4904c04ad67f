import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** Just enough DER (X.690) for certificates: a tag, a length and what is in it. */
const der = (tag: number, ...parts: (Uint8Array | number[])[]): Buffer => {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const low = body.length & 0xff;
  const length = body.length < 128 ? [low] : body.length < 256 ? [0x81, low] : [0x82, body.length >> 8, low];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...parts: Uint8Array[]): Buffer => der(0x30, ...parts);
const octets = (bytes: Uint8Array): Buffer => der(0x04, bytes);
const bits = (bytes: Uint8Array, unused = 0): Buffer => der(0x03, [unused], bytes);
const yes = der(0x01, [0xff]);
const ascii = (tag: number, text: string): Buffer => der(tag, Buffer.from(text, "ascii"));
const oid = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const base128 = (n: number): number[] => (n < 128 ? [n] : [...base128(n >> 7).map((b) => b | 0x80), n & 0x7f]);
  return der(0x06, [first * 40 + second, ...rest.flatMap(base128)]);
};
/** GeneralizedTime to the second. */
const time = (ms: number): Buffer => ascii(0x18, new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, ""));
const name = (common: string): Buffer => sequence(der(0x31, sequence(oid("2.5.4.3"), ascii(0x0c, common))));
const extension = (id: string, value: Uint8Array, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [yes] : []), octets(value));

const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
const HOUR = 3_600_000;

export type Of = {
  name: string;
  /** May sign others. */
  ca?: boolean;
  /** Names that a server may show it for. */
  hosts?: string[];
  /** Where it says that its issuer's certificate is. */
  issuerAt?: string;
  /** From when and until when, ms since 1970: an hour back and ahead, if not said. */
  valid?: [number, number];
};

export type Certified = { name: string; key: string; pem: string; der: Buffer; issue: (of: Of) => Certified };

export const asPem = (bytes: Buffer): string =>
  ["-----BEGIN CERTIFICATE-----", ...bytes.toString("base64").match(/.{1,64}/g)!, "-----END CERTIFICATE-----", ""].join(
    "\n",
  );

/** A certificate (RFC 5280) with a key of its own, on P-256; without `by`, one that signs itself. */
const certified = (of: Of, by?: { name: string; key: KeyObject }): Certified => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const [from, until] = of.valid ?? [Date.now() - HOUR, Date.now() + HOUR];
  const extensions = [
    extension("2.5.29.19", of.ca ? sequence(yes) : sequence(), true),
    // keyCertSign for those that sign, digitalSignature for those that serve.
    extension("2.5.29.15", of.ca ? bits(Buffer.from([0x04]), 2) : bits(Buffer.from([0x80]), 7), true),
    ...(of.hosts ? [extension("2.5.29.17", sequence(...of.hosts.map((host) => ascii(0x82, host))))] : []),
    ...(of.issuerAt
      ? [extension("1.3.6.1.5.5.7.1.1", sequence(sequence(oid("1.3.6.1.5.5.7.48.2"), ascii(0x86, of.issuerAt))))]
      : []),
  ];
  const serial = randomBytes(8);
  serial[0] = 0x01;
  const body = sequence(
    der(0xa0, der(0x02, [2])),
    der(0x02, serial),
    ECDSA_SHA256,
    name(by?.name ?? of.name),
    sequence(time(from), time(until)),
    name(of.name),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const bytes = sequence(body, ECDSA_SHA256, bits(sign("sha256", body, by?.key ?? privateKey)));
  const pem = asPem(bytes);
  return {
    name: of.name,
    key: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    pem,
    der: bytes,
    issue: (other) => certified(other, { name: of.name, key: privateKey }),
  };
};

/** A root that signs itself, made anew: nobody trusts it who was not told to. */
export const root = (of: Partial<Of> = {}): Certified => certified({ name: "Root of a test", ca: true, ...of });
