import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publish } from "../../packages/cli/publish.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { sendFile, testPlace } from "../place.ts";
import { archived, compare, expected, type Input } from "./index.ts";
import { corrected, fileOf, filesOf, marketLines } from "./market.ts";
import { inPieces, openRiver, outgoing, sendBodies, sendFile as sendBytes } from "./river.ts";

const real = new URL(bovespa.demo!.file).pathname;
let place: Awaited<ReturnType<typeof testPlace>>;
beforeAll(async () => {
  place = await testPlace();
});
afterAll(() => place.remove());

test("a real session, as a person ingests it: every table, row by row and column by column", async () => {
  await sendFile(place, bovespa, real);
  const input = await archived(place.aws, readFileSync(real));
  expect(await compare(place, expected([input]))).toEqual([]);
  await publish(place, bovespa, { invalid: true, ticker: "PETR4" });
  await place.stack!.idle();
  // What was published besides is no row of any table, and a letter that the oracle was not told of.
  const found = await compare(place, expected([input]));
  expect(new Set(found.map((d) => d.table))).toEqual(new Set(["bovespa-dlq"]));
  expect(found.every((d) => d.expected === null)).toBe(true);
});

test("files of all sorts, their corrections, messages by hand and nonsense, all at once: tables and dead letters", async () => {
  const days = ["2021-12-30", "2022-01-03", "2022-01-04"];
  const lines = marketLines({ seed: 21, sessions: days, papers: 50 });
  const dirty = marketLines({ seed: 22, sessions: ["1989-12-28", "2022-01-03"], papers: 9, dirty: true });
  const files = [
    ...filesOf(lines, "2022-01-04"),
    ...filesOf(corrected(lines, 23), "2022-01-05"),
    ...filesOf(dirty, "2022-01-03"),
  ];
  const byHand = inPieces(
    await outgoing(fileOf(lines.slice(0, 9), "2022-01-01"), { scraped_at: "2022-02-01 00:00:00.000", version: "9" }),
  );
  // They come as rows of 500, of which the rest never comes, and as rows that say nothing of it; some are cut short.
  const bodies = byHand.flatMap((m, i) =>
    ["500", "null"].map((rows) => ({
      ...m,
      body: m.body.replace(/"origin_rows":\d+/, `"origin_rows":${rows}`).slice(0, i === 4 ? 700 : undefined),
    })),
  );
  const river = await openRiver({ batch: 50 });
  try {
    await Promise.all([...files.map((file) => sendBytes(river, file)), sendBodies(river, bodies)]);
    await river.stack.idle();
    const inputs: Input[] = [
      ...(await Promise.all(files.map((file) => archived(river.aws, file)))),
      ...bodies.map(({ body }) => ({ message: body })),
    ];
    const must = expected(inputs);
    expect(new Set(must.letters.map((l) => l.reason)).size).toBeGreaterThan(3);
    expect(must.tables.bovespa_espera.size).toBeGreaterThan(0);
    expect(await compare(river, must)).toEqual([]);
  } finally {
    await river.close();
  }
});
