import { expect, test, vi } from "vitest";
import { isInner } from "../../packages/web/hosts.ts";
import { anything, quickWeb, refusal, serve } from "./origin.ts";

/** A public name that leads into this machine: whoever owns a name says where it leads. */
vi.mock("node:dns", async (original) => {
  const dns = await original<typeof import("node:dns") & { default: object }>();
  type Found = (error: Error | null, all: { address: string; family: number }[]) => void;
  const lookup = (name: string, options: { all: true }, found: Found): unknown =>
    name.endsWith(".example") ? found(null, [{ address: "127.0.0.1", family: 4 }]) : system(name, options, found);
  // The look-up that node:net takes, where it is given none.
  const system = dns.lookup as typeof lookup;
  Object.assign(dns.default, { lookup });
  return { ...dns, lookup };
});

test("an address is inner however IPv6 writes it, and no public one is", () => {
  for (const [inner, addresses] of [
    [
      true,
      [
        ...["127.0.0.1", "10.1.2.3", "169.254.169.254", "192.0.0.1", "192.0.0.255", "198.18.0.1", "198.19.255.255"],
        ...["::", "::1", "::7f00:1", "::127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::169.254.169.254"],
        ...["64:ff9b:1::1", "2002:7f00:1::1", "2002::1", "fec0::1", "fe80::1", "fe80::1%eth0", "fd00::1", "ff02::1"],
      ],
    ],
    // Networks of IPv6 alone reach public IPv4 by 64:ff9b::/96 (RFC 6052).
    [
      false,
      ["200.1.2.3", "192.0.1.1", "198.17.0.1", "198.20.0.1", "2600:1f00::1", "64:ff9b::808:808", "::ffff:8.8.8.8"],
    ],
  ] as const)
    for (const address of addresses) expect([address, isInner(address)]).toEqual([address, inner]);
});

test("a public name does not lead into this machine's network, asked for or redirected to", async () => {
  await using inside = await serve((_, response) => response.end("secret"));
  await using web = quickWeb();
  const url = `http://metadata.example:${inside.port}/`;
  const error = await refusal(web.get(anything(url)));
  expect(error).toMatchObject({ code: "origin_unreachable", reason: "NO_PUBLIC_ADDRESS", asked: 1 });
  expect(error.message).toContain("metadata.example leads into this machine's network alone");
  expect(inside.asked).toEqual([]);
  await using away = await serve((_, response) => response.writeHead(302, { location: url }).end());
  expect(await refusal(web.get(anything(away.url)))).toMatchObject({ reason: "NO_PUBLIC_ADDRESS", asked: 1 });
  expect(inside.asked).toEqual([]);
});

test("a name of this machine's, and a mirror by any name, may lead into it", async () => {
  await using inside = await serve((_, response) => response.end("x"));
  await using web = quickWeb();
  expect(await web.get(anything(`http://localhost:${inside.port}/`))).toMatchObject({ is: "bytes" });
  await using mirrored = quickWeb({ mirror: `http://proxy.example:${inside.port}` });
  expect(await mirrored.get(anything("https://origin.example/"))).toMatchObject({ is: "bytes" });
});
