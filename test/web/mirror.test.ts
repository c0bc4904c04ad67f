import { afterEach, expect, test, vi } from "vitest";
import { openMirror } from "../../packages/web/mirror.ts";
import { root } from "./certificates.ts";
import { anything, quickWeb, refusal, serve } from "./origin.ts";

afterEach(() => vi.unstubAllEnvs());

test("an https address is asked at the mirror, and goes by its own name everywhere else", async () => {
  await using origin = await serve((request, response) =>
    request.url?.endsWith("/missing") ? response.writeHead(404).end() : response.end("x"),
  );
  await using web = quickWeb({ mirror: `${origin.url}/b3/` });
  const url = "https://origin.example:8443/a/b.ZIP?c=d%20e";
  expect(await web.get(anything(url))).toMatchObject({ is: "bytes", url });
  expect(origin.asked[0]).toMatchObject({ path: "/b3/origin.example:8443/a/b.ZIP?c=d%20e" });
  const error = await refusal(web.get(anything("https://origin.example/missing")));
  expect(error).toMatchObject({ status: 404, url: "https://origin.example/missing" });
  expect(error.message).toContain(`https://origin.example/missing (asked at 127.0.0.1:${origin.port}), came 404`);
});

test("an error of the mirror's is not told as the origin's: where it was asked is said, if it is elsewhere", async () => {
  const closed = await serve(() => {});
  await closed[Symbol.asyncDispose]();
  const url = "https://origin.example/a";
  await using gone = quickWeb({ mirror: closed.url, attempts: 1 });
  const here = `(asked at 127.0.0.1:${closed.port})`;
  expect((await refusal(gone.get(anything(url)))).message).toBe(
    `expected an answer from ${url} ${here}, came no answer (ECONNREFUSED)`,
  );
  await using direct = quickWeb({ attempts: 1 });
  expect((await refusal(direct.get(anything(`${closed.url}/a`)))).message).not.toContain("asked at");

  await using origin = await serve((request, response) => {
    if (request.url?.endsWith("/short")) response.writeHead(200, { "content-length": 9 }).end("x");
    else if (request.url?.endsWith("/busy")) response.writeHead(429, { "retry-after": "3600" }).end();
    else response.writeHead(200, { "content-encoding": "zstd" }).end("xxxx");
  });
  await using web = quickWeb({ mirror: origin.url, attempts: 1 });
  for (const [path, most] of [
    ["short", 100],
    ["long", 1],
    ["zstd", 100],
    ["busy", 100],
    ["after", 100],
  ] as const) {
    const error = await refusal(web.get(anything(`https://origin.example/${path}`, { most })));
    expect(error.message).toContain(`(asked at 127.0.0.1:${origin.port})`);
  }
});

test("a mirror that cannot prove who it is is named, not the origin", async () => {
  const self = root({ name: "localhost", hosts: ["localhost"], ca: false });
  await using origin = await serve(() => {}, { key: self.key, cert: self.pem });
  await using web = quickWeb({ mirror: origin.url });
  const error = await refusal(web.get(anything("https://origin.example/a")));
  expect(error.code).toBe("origin_tls");
  expect(error.message).toContain(
    `(asked at localhost:${origin.port}) to prove with its certificate that it is localhost`,
  );
});

test("an http address is asked where it says: only what is https has a mirror", async () => {
  await using origin = await serve((_, response) => response.end("x"));
  await using web = quickWeb({ mirror: "http://127.0.0.1:9" });
  expect(await web.get(anything(`${origin.url}/a`))).toMatchObject({ is: "bytes", url: `${origin.url}/a` });
});

test("PREGAO_MIRROR is the mirror unless another is named", async () => {
  await using origin = await serve((_, response) => response.end("x"));
  vi.stubEnv("PREGAO_MIRROR", origin.url);
  await using web = quickWeb({ mirror: undefined });
  expect(await web.get(anything("https://origin.example/a"))).toMatchObject({ is: "bytes" });
  expect(origin.asked[0]!.path).toBe("/origin.example/a");
});

test("what a redirect means is the origin's, whether the copy passes it on or says it as its own", () => {
  const mirror = openMirror("http://127.0.0.1:8080/b3");
  const url = new URL("https://a.example/x/y");
  for (const [location, meant] of [
    ["/z", "https://a.example/z"],
    ["z", "https://a.example/x/z"],
    ["https://b.example/z", "https://b.example/z"],
    ["//b.example/z", "https://b.example/z"],
    ["http://127.0.0.1:8080/b3/b.example/z?q", "https://b.example/z?q"],
    ["/b3/a.example/z", "https://a.example/z"],
    // Not the mirror's shape: the origin's own path.
    ["/b3/z", "https://a.example/b3/z"],
    ["http://127.0.0.1:8080/other", "http://127.0.0.1:8080/other"],
  ] as const)
    expect([location, mirror.meant(location, url).href]).toEqual([location, meant]);
});

for (const mirror of ["b3.example", "ftp://b3.example", "https://b3.example/?x=1", "https://me:secret@b3.example/"])
  test(`a mirror that is none is refused before anything is asked: ${mirror}`, () => {
    expect(() => quickWeb({ mirror })).toThrow(expect.objectContaining({ code: "mirror" }));
  });
