import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test, vi } from "vitest";
import { openWeb } from "../../packages/web/index.ts";
import { openShelf } from "../../packages/web/issuers.ts";
import { asPem, type Certified, type Of, root } from "./certificates.ts";
import { anything, quickWeb, refusal, serve } from "./origin.ts";

/** A public name that leads into this machine: whoever owns a name says where it leads. */
vi.mock("node:dns", async (original) => {
  const dns = await original<typeof import("node:dns")>();
  type Found = (error: Error | null, all: { address: string; family: number }[]) => void;
  const lookup = (name: string, options: { all: true }, found: Found): unknown =>
    name === "issuers.example" ? found(null, [{ address: "127.0.0.1", family: 4 }]) : dns.lookup(name, options, found);
  return { ...dns, lookup };
});

const told = (_: IncomingMessage, response: ServerResponse): unknown => response.end("told");

/**
 * A server on localhost whose certificate is `links` away from a trusted root and that sends its own alone, as B3's does,
 * and a server that has the others, if `at` does not say otherwise.
 */
const incomplete = async (
  more: { leaf?: Partial<Of>; link?: Partial<Of>; links?: number; at?: (port: number) => string } = {},
) => {
  const files = new Map<string, Buffer>();
  const before: ((response: ServerResponse) => boolean)[] = [];
  const issuers = await serve((request, response) => {
    if (before.some((instead) => instead(response))) return;
    const file = files.get(request.url ?? "");
    if (file) response.writeHead(200, { "content-type": "application/pkix-cert" }).end(file);
    else response.writeHead(404).end();
  });
  const at = (n: number): string => `${more.at?.(issuers.port) ?? issuers.url}/${n}.crt`;
  const trusted = root();
  let by: Certified = trusted;
  for (let n = more.links ?? 1; n > 0; n--) {
    const last = by;
    by = last.issue({ name: `Link ${n}`, ca: true, issuerAt: at(n + 1), ...more.link });
    files.set(`/${n}.crt`, by.der);
  }
  const leaf = by.issue({ name: "localhost", hosts: ["localhost"], issuerAt: at(1), ...more.leaf });
  const origin = await serve(told, { key: leaf.key, cert: leaf.pem });
  return {
    trusted,
    issuers,
    /** What answers instead of the issuers' server, if it says so. */
    before,
    origin,
    files,
    leaf,
    trust: { roots: [trusted.pem], local: true },
    [Symbol.asyncDispose]: async () => {
      await origin[Symbol.asyncDispose]();
      await issuers[Symbol.asyncDispose]();
    },
  };
};

test("a certificate that the server leaves out is fetched from where its own says, once", async () => {
  await using at = await incomplete();
  await using web = quickWeb({ trust: at.trust });
  for (const path of ["/a", "/b"])
    expect(await web.get(anything(at.origin.url + path))).toMatchObject({ is: "bytes", bytes: Buffer.from("told") });
  expect(at.issuers.asked.map(({ path }) => path)).toEqual(["/1.crt"]);
  // Refused, looked at, and then trusted; and of the first two nothing was asked.
  expect(at.origin.counts.connections).toBe(4);
  expect(at.origin.asked.map(({ path }) => path)).toEqual(["/a", "/b"]);
});

test("as PEM, too, and more than one", async () => {
  await using at = await incomplete({ links: 3 });
  at.files.set("/2.crt", Buffer.from(asPem(at.files.get("/2.crt")!)));
  await using web = quickWeb({ trust: at.trust });
  expect(await web.get(anything(at.origin.url))).toMatchObject({ is: "bytes" });
  expect(at.issuers.asked.map(({ path }) => path)).toEqual(["/1.crt", "/2.crt", "/3.crt"]);
});

test("a whole chain needs nobody's help", async () => {
  await using at = await incomplete();
  const link = at.trusted.issue({ name: "Link", ca: true });
  const leaf = link.issue({ name: "localhost", hosts: ["localhost"], issuerAt: `${at.issuers.url}/1.crt` });
  await using origin = await serve(told, { key: leaf.key, cert: leaf.pem + link.pem });
  await using web = quickWeb({ trust: at.trust });
  expect(await web.get(anything(origin.url))).toMatchObject({ is: "bytes" });
  expect(at.issuers.asked).toEqual([]);
  expect(origin.counts.connections).toBe(1);
});

/** What is refused, and that not a byte of a request went to the server. */
const refused = async (at: Awaited<ReturnType<typeof incomplete>>, trust = at.trust) => {
  await using web = quickWeb({ trust });
  const error = await refusal(web.get(anything(at.origin.url)));
  expect(error).toMatchObject({ name: "PregaoError", code: "origin_tls", asked: 1 });
  expect(at.origin.asked).toEqual([]);
  return error.message;
};

const HOW = /NODE_EXTRA_CA_CERTS=issuer\.pem/;

test("an issuer that no root of ours vouches for is believed in nothing: it is no anchor", async () => {
  await using at = await incomplete();
  const message = await refused(at, { roots: [root({ name: "Another root" }).pem], local: true });
  expect(message).toMatch(HOW);
  expect(at.issuers.asked.map(({ path }) => path)).toEqual(["/1.crt", "/2.crt"]);
});

test("a certificate between the server's and a root is no anchor to OpenSSL either, though it is among the trusted", async () => {
  await using at = await incomplete();
  expect(await refused(at, { roots: [asPem(at.files.get("/1.crt")!)], local: true })).toMatch(HOW);
});

test("a root under the name of one of ours, with another key, is not ours", async () => {
  await using at = await incomplete();
  expect(await refused(at, { roots: [root().pem], local: true })).toMatch(HOW);
});

test("a chain whose end is nowhere is followed three links", async () => {
  await using at = await incomplete({ links: 4 });
  expect(await refused(at)).toMatch(/after 3 of them there was still no root/);
  expect(at.issuers.asked).toHaveLength(3);
});

for (const [name, wrong, said] of [
  ["is not there", () => null, /answers 404/],
  ["is a page", () => Buffer.from("<html>"), /is no certificate/],
  ["is somebody else's", () => root({ name: "Link 1" }).der, /is not the issuer's/],
  ["is endless", () => Buffer.alloc(17 * 1024), /at most 16384 bytes/],
] as const)
  test(`an issuer's certificate that ${name} mends nothing, and how to add it is said`, async () => {
    await using at = await incomplete();
    const file = wrong();
    if (file) at.files.set("/1.crt", file);
    else at.files.clear();
    const message = await refused(at);
    expect(message).toMatch(said);
    expect(message).toMatch(HOW);
    expect(message).toContain(`-connect localhost:${at.origin.port}`);
  });

for (const [name, hiccup] of [
  ["says 503", (response: ServerResponse) => response.writeHead(503).end()],
  ["hangs up", (response: ServerResponse) => response.destroy()],
  ["breaks off", (response: ServerResponse) => response.writeHead(200, { "content-length": 900 }).end("x")],
] as const)
  test(`a hiccup at the issuer's host, which ${name}, is asked again: it is no verdict on the origin`, async () => {
    await using at = await incomplete();
    let times = 0;
    at.before.push((response) => {
      const instead = times++ < 2;
      if (instead) hiccup(response);
      return instead;
    });
    await using web = quickWeb({ trust: at.trust });
    expect(await web.get(anything(at.origin.url))).toMatchObject({ is: "bytes" });
    expect(at.issuers.asked).toHaveLength(3);
    times = Number.NEGATIVE_INFINITY;
    await using other = quickWeb({ trust: at.trust, attempts: 2 });
    const error = await refusal(other.get(anything(at.origin.url)));
    expect(error).toMatchObject({ code: "origin_tls", asked: 2 });
    expect(error.message).toMatch(HOW);
    expect(at.issuers.asked).toHaveLength(5);
  });

test("an origin whose certificate cannot be looked at just now is looked at again", async () => {
  await using at = await incomplete();
  let connections = 0;
  // Refused, and then gone when its certificate is looked at: twice.
  const way = createServer((socket) => {
    socket.on("error", () => {});
    if (++connections % 2 === 0 && connections < 5) return socket.destroy();
    const to = connect(at.origin.port, "127.0.0.1").on("error", () => socket.destroy());
    socket.pipe(to).pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(way, "listening");
  await using web = quickWeb({ trust: at.trust });
  const got = await web.get(anything(`https://localhost:${(way.address() as AddressInfo).port}/`));
  way.close();
  expect(got).toMatchObject({ is: "bytes" });
});

test("an issuer's certificate is asked for once by a process, whichever host it signed for; another one anew", async () => {
  await using at = await incomplete();
  await using second = await serve(told, { key: at.leaf.key, cert: at.leaf.pem });
  await using web = quickWeb({ trust: at.trust });
  for (const url of [at.origin.url, second.url]) expect(await web.get(anything(url))).toMatchObject({ is: "bytes" });
  expect(at.issuers.asked).toHaveLength(1);
  // The authority has another certificate under its address now: what is kept signed nothing of this host's.
  const link = at.trusted.issue({ name: "Link 1", ca: true });
  at.files.set("/1.crt", link.der);
  const leaf = link.issue({ name: "localhost", hosts: ["localhost"], issuerAt: `${at.issuers.url}/1.crt` });
  await using third = await serve(told, { key: leaf.key, cert: leaf.pem });
  expect(await web.get(anything(third.url))).toMatchObject({ is: "bytes" });
  expect(at.issuers.asked).toHaveLength(2);
});

test("what is kept of issuers is bounded, and the oldest goes", () => {
  const kept = openShelf<number>(2);
  for (const n of [1, 2, 3]) kept.put(String(n), n);
  expect(["1", "2", "3"].map((key) => kept.of(key))).toEqual([undefined, 2, 3]);
  kept.put("2", 4);
  kept.put("5", 5);
  expect(["2", "3", "5"].map((key) => kept.of(key))).toEqual([4, undefined, 5]);
});

test("an issuer that may not sign others makes no chain", async () => {
  await using at = await incomplete({ link: { ca: false } });
  expect(await refused(at)).toMatch(/is not the issuer's/);
});

test("what a certificate fetched so mends is its absence, nothing else: expired, or another's name", async () => {
  const day = 86_400_000;
  await using expired = await incomplete({ leaf: { valid: [Date.now() - 2 * day, Date.now() - day] } });
  expect(await refused(expired)).toMatch(/CERT_HAS_EXPIRED/);
  await using link = await incomplete({ link: { valid: [Date.now() - 2 * day, Date.now() - day] } });
  expect(await refused(link)).toMatch(/CERT_HAS_EXPIRED/);
  await using other = await incomplete({ leaf: { hosts: ["other.example"] } });
  expect(await refused(other)).toMatch(/ERR_TLS_CERT_ALTNAME_INVALID/);
});

test("a self-signed server is refused at once, and nobody asked for its issuer", async () => {
  await using at = await incomplete();
  const self = root({ name: "localhost", hosts: ["localhost"], ca: false });
  await using origin = await serve(told, { key: self.key, cert: self.pem });
  await using web = quickWeb({ trust: at.trust });
  expect(await refusal(web.get(anything(origin.url)))).toMatchObject({ code: "origin_tls", asked: 1 });
  expect(at.issuers.asked).toEqual([]);
});

for (const [name, address] of [
  ["an address of this machine", (port: number) => `http://127.0.0.1:${port}`],
  ["a name of it", (port: number) => `http://localhost:${port}`],
  ["the cloud's metadata", () => "http://169.254.169.254"],
  ["a public address without a name", () => "http://203.0.113.7"],
  ["IPv6", (port: number) => `http://[::ffff:127.0.0.1]:${port}`],
] as const)
  test(`a certificate cannot send us to ${name}`, async () => {
    await using at = await incomplete({ at: address });
    expect(await refused(at, { ...at.trust, local: false })).toMatch(/which is no public name/);
    expect(at.issuers.asked).toEqual([]);
  });

test("a certificate cannot send us to this machine under a public name either", async () => {
  await using at = await incomplete({ at: (port) => `http://issuers.example:${port}` });
  expect(await refused(at, { ...at.trust, local: false })).toMatch(/NO_PUBLIC_ADDRESS/);
  expect(at.issuers.asked).toEqual([]);
});

test("an issuer that is only to be had over https, or a file, is not fetched", async () => {
  for (const at of ["https://issuers.example", "ldap://issuers.example", "file:///etc"]) {
    await using server = await incomplete({ at: () => at });
    expect(await refused(server)).toMatch(/none of them says where its issuer's is/);
  }
});

test("a redirect is no certificate", async () => {
  await using away = await serve((_, response) => response.writeHead(302, { location: "/2.crt" }).end());
  await using at = await incomplete({ at: () => away.url });
  expect(await refused(at)).toMatch(/answers 302/);
  expect(away.asked).toHaveLength(1);
});

test("an issuer that does not answer is waited for no longer than others, and not at all when it is over", async () => {
  await using silent = await serve(() => {});
  await using at = await incomplete({ at: () => silent.url });
  await using impatient = quickWeb({ trust: at.trust, idleMs: 100, attempts: 2 });
  expect(await refusal(impatient.get(anything(at.origin.url)))).toMatchObject({ code: "origin_tls", asked: 2 });
  const asked = Promise.withResolvers<void>();
  await using waiting = await serve(() => asked.resolve());
  await using other = await incomplete({ at: () => waiting.url });
  const web = openWeb({ trust: other.trust, mirror: "" });
  const got = refusal(web.get(anything(other.origin.url)));
  await asked.promise;
  await web.close();
  expect(await got).toMatchObject({ code: "closed" });
});

test("the remedy that the error names is one, and leaves a root to be proven", async () => {
  await using at = await incomplete({ at: () => "http://localhost" });
  const dir = await mkdtemp(join(tmpdir(), "pregao-issuers-"));
  const ask = async (...trusted: string[]): Promise<string> => {
    const file = join(dir, "issuer.pem");
    await writeFile(file, trusted.join(""));
    const script = `import { openWeb } from ${JSON.stringify(new URL("../../packages/web/index.ts", import.meta.url).href)};
      const request = { url: ${JSON.stringify(at.origin.url)}, most: 100, check: () => {} };
      console.log(await openWeb({ mirror: "" }).get(request).then((got) => got.is, (error) => error.code));`;
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: file };
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env });
    return stdout.trim();
  };
  try {
    const link = asPem(at.files.get("/1.crt")!);
    expect(await ask(link, at.trusted.pem)).toBe("bytes");
    expect(await ask(link)).toBe("origin_tls");
  } finally {
    await rm(dir, { recursive: true });
  }
});

test("a mirror's certificate is verified as an origin's is", async () => {
  await using at = await incomplete();
  await using web = quickWeb({ trust: at.trust, mirror: at.origin.url });
  expect(await web.get(anything("https://origin.example/a"))).toMatchObject({
    is: "bytes",
    url: "https://origin.example/a",
  });
  await using other = quickWeb({ mirror: at.origin.url });
  expect(await refusal(other.get(anything("https://origin.example/a")))).toMatchObject({ code: "origin_tls" });
});
