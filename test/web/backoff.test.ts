import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { backoff, PATIENCE_MS, retryAfter } from "../../packages/web/backoff.ts";
import { anything, quickClock, quickWeb, refusal, serve } from "./origin.ts";

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe("the wait between attempts", () => {
  test("lies between half of its step and the step, which doubles up to a minute and no further", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 0, max: 60_000 }), random, (n, first, r) => {
        const step = Math.min(60_000, n > 40 ? (first ? 60_000 : 0) : first * 2 ** (n - 1));
        const wait = backoff(n, first, r);
        expect(wait).toBeGreaterThanOrEqual(Math.floor(step / 2));
        expect(wait).toBeLessThanOrEqual(Math.ceil(step));
      }),
    );
  });

  test("is never shorter after more failures, chance being equal", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 0, max: 60_000 }), random, (n, first, r) => {
        expect(backoff(n + 1, first, r)).toBeGreaterThanOrEqual(backoff(n, first, r));
      }),
    );
  });

  test("is not the same for two that failed together", () => {
    expect(new Set([0, 0.25, 0.5, 0.75].map((r) => backoff(3, 1000, r))).size).toBe(4);
  });
});

describe("Retry-After", () => {
  const now = Date.parse("2026-11-20T23:30:00Z");

  test("is read in seconds and as a date", () => {
    fc.assert(
      fc.property(fc.nat(999_999_999), (s) => {
        expect(retryAfter(String(s), now)).toBe(s * 1000);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: -1e6, max: 1e6 }), (s) => {
        expect(retryAfter(new Date(now + s * 1000).toUTCString(), now)).toBe(Math.max(0, s * 1000));
      }),
    );
  });

  test("that cannot be read is none, whatever it is", () => {
    for (const text of [
      undefined,
      "",
      "-1",
      "1.5",
      "0x10",
      "soon",
      "2026-11-20",
      "1e3",
      "Mon, nonsense",
      "Fri, 20 Nov 2026 23:31:00",
      "Fri, 20 Nov 2026 23:31:00 -0300",
      "9".repeat(20),
    ])
      expect([text, retryAfter(text, now)]).toEqual([text, null]);
    fc.assert(
      fc.property(fc.string(), (text) => {
        const ms = retryAfter(text, now);
        expect(ms === null || (Number.isFinite(ms) && ms >= 0)).toBe(true);
      }),
    );
  });

  test("is waited for: no attempt comes before it, and our own wait if that is longer", async () => {
    const clock = quickClock();
    await using origin = await serve((_, response, time) => {
      const at = new Date(clock.now() + 90_000).toUTCString();
      response.writeHead(503, { "retry-after": ["7", at, "0", "1"][time - 1] ?? "no" }).end();
    });
    await using web = quickWeb({ clock, backoffMs: 2000, random: () => 0 });
    await refusal(web.get(anything(origin.url)));
    // Of our own: 1, 2, 4, 8 s.
    expect(clock.waits).toEqual([7_000, 90_000, 4_000, 8_000]);
  });

  test("holds all requests to that host, and to no other", async () => {
    const clock = quickClock();
    const began = clock.now();
    await using busy = await serve((_, response, time) =>
      time === 1 ? response.writeHead(429, { "retry-after": "60" }).end() : response.end(`${clock.now()}`),
    );
    await using other = await serve((_, response) => response.end(`${clock.now()}`));
    await using web = quickWeb({ clock, attempts: 1 });
    const at = async (url: string): Promise<number> => {
      const got = await web.get(anything(url));
      return got.is === "bytes" ? Number(Buffer.from(got.bytes).toString()) - began : Number.NaN;
    };
    expect(await refusal(web.get(anything(busy.url)))).toMatchObject({ status: 429 });
    expect(await at(other.url)).toBe(0);
    expect(await at(busy.url)).toBe(60_000);
  });

  test("beyond our patience is reported and not waited for, and nothing more is asked of that host", async () => {
    const clock = quickClock();
    await using origin = await serve((_, response) =>
      response.writeHead(429, { "retry-after": String(PATIENCE_MS / 1000 + 1) }).end(),
    );
    await using web = quickWeb({ clock });
    expect(await refusal(web.get(anything(origin.url)))).toMatchObject({
      code: "origin_status",
      status: 429,
      asked: 1,
    });
    const error = await refusal(web.get(anything(`${origin.url}/other`)));
    expect(error).toMatchObject({ code: "origin_status", status: 429 });
    expect(error.message).toContain("not to be asked before 2026-11-20T23:40:01.000Z");
    expect(clock.waits).toEqual([]);
    expect(origin.asked).toHaveLength(1);
  });
});
