import { describe, expect, test } from "vitest";
import { PregaoError } from "../../packages/core/errors.ts";
import { anything, quickClock, quickWeb, refusal, serve } from "./origin.ts";

describe("an end from outside", () => {
  test("aborting one request leaves the others", async () => {
    const begun = Promise.withResolvers<void>();
    await using origin = await serve((request, response) =>
      request.url === "/a" ? begun.resolve() : response.end("b"),
    );
    await using web = quickWeb();
    const abort = new AbortController();
    const a = refusal(web.get(anything(`${origin.url}/a`), { signal: abort.signal }));
    const b = web.get(anything(`${origin.url}/b`));
    await begun.promise;
    abort.abort(new PregaoError("interrupted", "stopped"));
    expect(await a).toMatchObject({ code: "interrupted" });
    expect(await b).toMatchObject({ is: "bytes" });
  });

  test("closing breaks off what is asked, what waits its turn, and what comes after", async () => {
    const begun = Promise.withResolvers<void>();
    await using origin = await serve(() => begun.resolve());
    const web = quickWeb({ concurrency: 1 });
    const all = ["/a", "/b", "/c"].map((path) => refusal(web.get(anything(origin.url + path))));
    await begun.promise;
    await web.close();
    for (const one of all) expect(await one).toMatchObject({ code: "closed" });
    expect(await refusal(web.get(anything(origin.url)))).toMatchObject({ code: "closed" });
    expect(origin.asked).toHaveLength(1);
  });

  test("nothing is asked, and no answer awaited, beyond the time there is", async () => {
    await using origin = await serve(() => {});
    const clock = quickClock();
    await using web = quickWeb({ clock });
    const error = await refusal(web.get(anything(origin.url), { until: clock.now() + 50 }));
    expect(error).toMatchObject({ code: "origin_slow", asked: 1 });
    expect(error.message).toContain("not whole when the time was up");
    expect(origin.asked).toHaveLength(1);
    expect(await refusal(web.get(anything(origin.url), { until: clock.now() }))).toMatchObject({
      code: "origin_slow",
      asked: 0,
    });
    expect(origin.asked).toHaveLength(1);
  });

  test("a wait that would end beyond it is not begun: what came is reported", async () => {
    await using origin = await serve((_, response) => response.writeHead(503).end());
    const clock = quickClock();
    await using web = quickWeb({ clock, backoffMs: 20_000 });
    const error = await refusal(web.get(anything(origin.url), { until: clock.now() + 40_000 }));
    expect(error).toMatchObject({ code: "origin_status", status: 503, asked: 2 });
  });

  test("an answer that the time cuts in the middle was asked for, as often as the server says, and not whole", async () => {
    await using origin = await serve((_, response, time) => {
      if (time === 1) response.writeHead(503).end();
      else response.writeHead(200, { "content-length": 100 }).write("only this");
    });
    const clock = quickClock();
    await using web = quickWeb({ clock, backoffMs: 0 });
    const error = await refusal(web.get(anything(origin.url), { until: clock.now() + 300 }));
    expect(error).toMatchObject({ code: "origin_slow", asked: origin.asked.length, status: 503 });
    expect(origin.asked).toHaveLength(2);
    expect(error.message).toMatch(/not whole when the time was up.* 503 .*\(asked 2 times\)$/);
  });

  test("what waits for its turn when the time is up was not asked for", async () => {
    const begun = Promise.withResolvers<void>();
    await using origin = await serve(() => begun.resolve());
    const clock = quickClock();
    await using web = quickWeb({ clock, concurrency: 1 });
    const first = refusal(web.get(anything(`${origin.url}/a`), { until: clock.now() + 300 }));
    await begun.promise;
    const second = await refusal(web.get(anything(`${origin.url}/b`), { until: clock.now() + 50 }));
    expect(second).toMatchObject({ code: "origin_slow", asked: 0 });
    expect(second.message).toContain("there was none left");
    expect(await first).toMatchObject({ asked: 1 });
  });
});
