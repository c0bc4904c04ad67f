import { once } from "node:events";
import { connect, createServer } from "node:net";
import { expect, test } from "vitest";
import type { Clock } from "../../packages/web/index.ts";
import { root } from "./certificates.ts";
import { anything, quickWeb, refusal, serve } from "./origin.ts";

/**
 * A server on a clock that goes on only when somebody waits for it, and only once the server has seen all that was sent
 * before: so what it counts is exact, however busy the machine is. Without a wait before each but the first, it is stuck.
 */
const counting = async (status: (time: number) => number = () => 200) => {
  const began = Date.parse("2026-11-20T23:30:00Z");
  const arrivals: number[] = [];
  let now = began;
  let seen = Promise.withResolvers<void>();
  const server = await serve((_, response, time) => {
    arrivals.push(now - began);
    seen.resolve();
    seen = Promise.withResolvers();
    response.writeHead(status(time)).end("x");
  });
  let waits = 0;
  const clock: Clock = {
    now: () => now,
    sleep: async (ms) => {
      if (ms === 0) return;
      waits++;
      while (arrivals.length < waits) await seen.promise;
      now += ms;
    },
  };
  return Object.assign(server, { arrivals, clock });
};

test("requests arrive a whole span apart, all of them, whoever asks at once", async () => {
  await using server = await counting();
  await using web = quickWeb({ clock: server.clock, perSecond: 4, concurrency: 5 });
  await Promise.all(Array.from({ length: 20 }, (_, n) => web.get(anything(`${server.url}/${n}`))));
  expect(server.arrivals).toEqual(Array.from({ length: 20 }, (_, n) => n * 250));
});

test("repeated requests and redirects are counted as requests are", async () => {
  await using server = await counting((time) => (time % 2 ? 503 : 200));
  await using web = quickWeb({ clock: server.clock, perSecond: 1, concurrency: 1, backoffMs: 0 });
  for (const path of ["/a", "/b"]) await web.get(anything(server.url + path)).catch(() => {});
  const gaps = server.arrivals.slice(1).map((at, n) => at - server.arrivals[n]!);
  expect(server.arrivals).toHaveLength(4);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1000);
});

test("never more at once than may be, and as many", async () => {
  for (const concurrency of [1, 2, 4]) {
    const open: (() => void)[] = [];
    const end = (): void => open.shift()?.();
    await using server = await serve((_, response, time) => {
      open.push(() => response.end("x"));
      // Answered a while after all came that may: one more would be seen meanwhile.
      if (time >= concurrency) setTimeout(end, 20);
      if (time === 12) for (let n = 1; n < concurrency; n++) setTimeout(end, 20);
    });
    await using web = quickWeb({ concurrency });
    await Promise.all(Array.from({ length: 12 }, (_, n) => web.get(anything(`${server.url}/${n}`))));
    expect([server.most.concurrent, server.asked.length]).toEqual([concurrency, 12]);
  }
});

test("a host that asks to be left alone is, also by a request whose turn had come", async () => {
  const waits: number[] = [];
  let now = 0;
  const refused = Promise.withResolvers<void>();
  const clock: Clock = {
    now: () => now,
    sleep: async (ms) => {
      // The second request's turn comes once the first was told to go away.
      await refused.promise;
      waits.push(ms);
      now += ms;
    },
  };
  const arrivals: number[] = [];
  await using server = await serve((_, response, time) => {
    arrivals.push(now);
    if (time === 1) response.writeHead(429, { "retry-after": "60" }).end();
    else response.end("x");
  });
  await using web = quickWeb({ clock, perSecond: 1, attempts: 1 });
  const first = refusal(web.get(anything(`${server.url}/a`))).then(() => refused.resolve());
  const second = web.get(anything(`${server.url}/b`));
  await Promise.all([first, second]);
  expect(waits).toEqual([1000, 59_000]);
  expect(arrivals).toEqual([0, 60_000]);
});

test("a host that asks to be left alone keeps no lane from another: its requests wait before they take one", async () => {
  const held = Promise.withResolvers<void>();
  const clock: Clock = {
    now: () => 0,
    sleep: (_, signal) => {
      held.resolve();
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  };
  await using busy = await serve((_, response) => response.writeHead(429, { "retry-after": "300" }).end());
  await using other = await serve((_, response) => response.end("x"));
  await using web = quickWeb({ clock, concurrency: 1, attempts: 1 });
  await refusal(web.get(anything(busy.url)));
  const waiting = refusal(web.get(anything(busy.url)));
  await held.promise;
  expect(await web.get(anything(other.url))).toMatchObject({ is: "bytes" });
  await web.close();
  expect(await waiting).toMatchObject({ code: "closed" });
  expect(busy.asked).toHaveLength(1);
}, 3000);

test("a clock that is put back makes no long wait of a short one", async () => {
  const waits: number[] = [];
  let now = Date.parse("2026-11-20T23:30:00Z");
  const clock: Clock = {
    now: () => now,
    sleep: async (ms) => {
      waits.push(ms);
      now += ms;
    },
  };
  await using server = await serve((_, response) => response.end("x"));
  await using web = quickWeb({ clock, perSecond: 1 });
  await web.get(anything(server.url));
  now -= 3_600_000;
  await web.get(anything(server.url));
  expect(waits).toEqual([1000]);
});

const gapsOf = (asked: { at: number }[]): number[] => asked.slice(1).map(({ at }, n) => at - asked[n]!.at);
/** What a busy machine may take from a gap between its ends. */
const JITTER_MS = 40;

test("by the wall's clock, too: so many requests take as long as they must", async () => {
  await using server = await serve((_, response) => response.end("x"));
  await using web = quickWeb({ clock: undefined, perSecond: 25, concurrency: 4 });
  await Promise.all(Array.from({ length: 11 }, (_, n) => web.get(anything(`${server.url}/${n}`))));
  expect(server.asked.at(-1)!.at - server.asked[0]!.at).toBeGreaterThan(10 * 40 - JITTER_MS);
});

test("the wait grows from attempt to attempt, as the server sees it", async () => {
  await using server = await serve((_, response) => response.writeHead(520).end());
  await using web = quickWeb({ clock: undefined, backoffMs: 60, attempts: 4, random: () => 0.999 });
  await refusal(web.get(anything(server.url)));
  const gaps = gapsOf(server.asked);
  expect(gaps).toHaveLength(3);
  for (const [n, gap] of gaps.entries()) expect(gap).toBeGreaterThan(60 * 2 ** n - JITTER_MS);
});

test("a connection that takes long does not bring its request nearer to the next", async () => {
  const trusted = root();
  const leaf = trusted.issue({ name: "localhost", hosts: ["localhost"] });
  await using server = await serve((_, response) => response.end("x"), { key: leaf.key, cert: leaf.pem });
  let connections = 0;
  // The way to the first is long, to all others short.
  const way = createServer((socket) => {
    const on = (): void => {
      const to = connect(server.port, "127.0.0.1");
      socket
        .on("error", () => to.destroy())
        .pipe(to.on("error", () => socket.destroy()))
        .pipe(socket);
    };
    if (connections++ === 0) setTimeout(on, 250);
    else on();
  }).listen(0, "127.0.0.1");
  await once(way, "listening");
  const { port } = way.address() as { port: number };
  await using web = quickWeb({ clock: undefined, perSecond: 5, trust: { roots: [trusted.pem] } });
  await Promise.all(["/a", "/b"].map((path) => web.get(anything(`https://localhost:${port}${path}`))));
  way.close();
  expect(server.asked.map(({ path }) => path)).toEqual(["/a", "/b"]);
  expect(gapsOf(server.asked)[0]).toBeGreaterThan(200 - JITTER_MS);
});
