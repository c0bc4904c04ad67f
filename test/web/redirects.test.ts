import { describe, expect, test } from "vitest";
import { anything, quickWeb, refusal, serve } from "./origin.ts";

/** A server that sends each path on to what the map says; what is not in it is there. */
const chain = (to: Record<string, string>) =>
  serve((request, response) => {
    const location = to[request.url ?? ""];
    if (location) response.writeHead(302, { location }).end("<a>moved</a>");
    else response.end(`at ${request.url}`);
  });

test("redirects are followed to the bytes, and the address that gave them is told", async () => {
  await using origin = await chain({ "/a": "/b?x=1#part", "/b?x=1": "c/d" });
  await using web = quickWeb();
  expect(await web.get(anything(`${origin.url}/a`))).toEqual({
    is: "bytes",
    bytes: Buffer.from("at /c/d"),
    url: `${origin.url}/c/d`,
  });
});

describe("a redirect that leads nowhere is reported at once, with the way there", () => {
  for (const [name, to, way] of [
    ["in a circle", { "/a": "/b", "/b": "/c", "/c": "/b" }, "/a → /b → /c → /b"],
    ["to itself", { "/a": "/a#again" }, "/a → /a"],
  ] as const)
    test(name, async () => {
      await using origin = await chain(to);
      await using web = quickWeb();
      const error = await refusal(web.get(anything(`${origin.url}/a`)));
      expect(error).toMatchObject({ code: "origin_redirects", asked: 1 });
      expect(error.message.replaceAll(origin.url, "")).toContain(`circle: ${way}`);
      expect(origin.asked).toHaveLength(Object.keys(to).length);
    });

  test("on and on: as many as are permitted, and no more", async () => {
    await using origin = await serve((request, response) => {
      const n = Number(request.url!.slice(1));
      if (n < 5 || n >= 100) response.writeHead(308, { location: `/${n + 1}` }).end();
      else response.end("there");
    });
    await using web = quickWeb();
    expect(await web.get(anything(`${origin.url}/0`))).toMatchObject({ is: "bytes", url: `${origin.url}/5` });
    expect(await refusal(web.get(anything(`${origin.url}/100`)))).toMatchObject({ code: "origin_redirects", asked: 1 });
    expect(origin.asked).toHaveLength(6 + 6);
  });

  for (const location of ["ftp://example.com/a", "http://me:secret@example.com/", "http://[", "javascript:alert(1)"])
    test(`to what is no address: ${location}`, async () => {
      await using origin = await chain({ "/a": location });
      await using web = quickWeb();
      const error = await refusal(web.get(anything(`${origin.url}/a`)));
      expect(error).toMatchObject({ code: "origin_redirects", status: 302, asked: 1 });
    });

  test("from https to http, or into this machine's network", async () => {
    await using origin = await serve((request, response) => {
      const location = request.url!.endsWith("/plain") ? "http://origin.example/a" : "https://169.254.169.254/latest";
      response.writeHead(301, { location }).end();
    });
    await using web = quickWeb({ mirror: origin.url });
    for (const [path, said] of [
      ["plain", "a redirect from https to http://origin.example/a"],
      ["inner", "a redirect to https://169.254.169.254/latest, no public name"],
    ]) {
      const error = await refusal(web.get(anything(`https://origin.example/${path}`)));
      expect(error).toMatchObject({ code: "origin_redirects", asked: 1 });
      expect(error.message).toContain(said);
    }
    expect(origin.asked).toHaveLength(2);
  });
});

test("a redirect that does not say whereto is an answer that is none", async () => {
  await using origin = await serve((_, response) => response.writeHead(302).end());
  await using web = quickWeb({ attempts: 2 });
  expect(await refusal(web.get(anything(origin.url)))).toMatchObject({ code: "origin_status", status: 302, asked: 2 });
});

test("each request of a way is one of those that the rate counts", async () => {
  await using origin = await chain({ "/a": "/b", "/b": "/c" });
  await using web = quickWeb({ perSecond: 10 });
  await web.get(anything(`${origin.url}/a`));
  expect(origin.asked).toHaveLength(3);
});
