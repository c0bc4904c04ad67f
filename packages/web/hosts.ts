import { lookup } from "node:dns";
import { BlockList, isIP, type LookupFunction } from "node:net";

/**
 * Addresses that no public name leads to: this machine, its network, clouds' metadata, and what nobody may be asked at
 * (RFC 6890).
 */
const inner = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 3],
] as const) {
  inner.addSubnet(net, bits, "ipv4");
  // NAT64 (RFC 6052) writes every IPv4 address so, where a network has IPv6 alone: the public ones are no others there.
  inner.addSubnet(`64:ff9b::${net}`, 96 + bits, "ipv6");
}
for (const [net, bits] of [
  ["::", 96],
  ["64:ff9b:1::", 48],
  ["2002::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const)
  inner.addSubnet(net, bits, "ipv6");

/** A URL's host without the brackets of IPv6. */
export const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, "");

/** Whether an IP address is this machine's or its network's; of IPv6, also what is written of IPv4. */
export const isInner = (address: string): boolean => inner.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");

/** Whether a host is named as one of this machine or its network. */
export const isLocal = (hostname: string): boolean => {
  const host = bare(hostname).toLowerCase().replace(/\.$/, "");
  if (isIP(host)) return isInner(host);
  return !host.includes(".") || /\.(localhost|local|internal|lan|home\.arpa)$/.test(host);
};

/** The error's code of a name that leads inside alone. */
export const NO_PUBLIC_ADDRESS = "NO_PUBLIC_ADDRESS";

/** A look-up that knows public addresses alone: where a name leads is said by whoever owns it. */
export const publicOnly: LookupFunction = (name, options, callback) =>
  lookup(name, { ...options, all: true }, (error, all) => {
    const open = (all ?? []).filter(({ address }) => !isInner(address));
    const [first] = open;
    if (error || !first)
      callback(error ?? Object.assign(new Error(`${name} is inside`), { code: NO_PUBLIC_ADDRESS }), "");
    else if (options.all) callback(null, open);
    else callback(null, first.address, first.family);
  });
