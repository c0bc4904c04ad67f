import { afterAll, beforeAll, expect, test } from "vitest";
import { digest } from "../../functions/river.ts";
import { depth, type Outgoing, send } from "../../packages/aws/queues.ts";
import { messages } from "../../packages/core/message.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { ask, testPlace } from "../place.ts";
import { random } from "../synthetic.ts";
import { eachLetter } from "./answers.ts";
import { compare, contentOf, expected, type Input } from "./index.ts";
import { shuffled } from "./river.ts";

/** 100,000 rows of one session, as a file states it, and among them 10,000 of each kind of mistake. */
const session = "2024-11-08";
const VALID = 100_000;
const OF_EACH = 10_000;
/** Tickers; each has so many valid rows of it, one a term. */
const TICKERS = 200;
const origin = { sha256: "5".repeat(64), version: session, scraped_at: "2024-11-09 01:11:00.000" };
const raw = bovespa.raw!;

const valid = (ticker: string, i: number) => ({
  ...raw.sample(ticker, session, i),
  tpmerc: "030",
  prazot: String(i + 1).padStart(3, "0"),
  origin_rows: VALID,
});

/** Mistakes in a record: those that the dataset names, and others that its columns must see. */
const mistakes = (ticker: string) => [
  ...raw.mistakes(ticker, session),
  ...(
    [
      ["invalid_field", { nomres: "NUL\u0000" }],
      ["invalid_field", { codisi: "BR\ud800" }],
      ["invalid_field", { datpre: "2024-02-30" }],
      ["invalid_field", { preult: "1e3" }],
      ["invalid_field", { totneg: 100_000 }],
      ["invalid_field", { quatot: 1 }],
      ["invalid_field", { especi: "" }],
      ["invalid_field", { origin_rows: 0 }],
      ["price_order", { preult: "0.01" }],
    ] as const
  ).map(([code, change]) => ({ code, record: { ...raw.sample(ticker, session, 0), ...change } })),
];

/** Messages of one ticker each, in which the valid rows and the others stand in any order. */
const mixed = (next: () => number): Outgoing[] =>
  Array.from({ length: TICKERS }, (_, t) => `POIS${t}`).flatMap((ticker) => {
    const bad = mistakes(ticker).flatMap(({ record }) =>
      // No two are the same record: each must be found.
      Array.from({ length: OF_EACH / TICKERS }, (_, i) => ({ ...record, dismes: String(i).padStart(3, "0") })),
    );
    const good = Array.from({ length: VALID / TICKERS }, (_, i) => valid(ticker, i));
    return messages(
      bovespa,
      { source: "f", origin },
      { subject: ticker, records: shuffled([...good, ...bad], next) },
      digest,
    );
  });

/** Bodies that are refused as a whole, with the reason. */
const unreadable = (i: number): { reason: string; body: string }[] => {
  const { body } = messages(
    bovespa,
    { source: `f${i}`, origin },
    { subject: "POIS0", records: [valid("POIS0", i)] },
    digest,
  )[0]!;
  const event = JSON.parse(body) as Record<string, unknown>;
  const deep = `${"[".repeat(40)}${"]".repeat(40)}`;
  // An envelope is wrong in one of three ways: an attribute is missing, a key there twice, a record nests too deep.
  const wrong = [
    JSON.stringify({ ...event, subject: undefined }),
    body.replace('"codbdi":', '"codbdi":"96","codbdi":'),
    body.replace('"nomres":', `"nomres":${deep},"x":`),
  ];
  return [
    { reason: "not_json", body: body.slice(0, -2) },
    { reason: "envelope", body: wrong[i % wrong.length]! },
    { reason: "type", body: JSON.stringify({ ...event, type: "br.pregao.bovespa.v999" }) },
    { reason: "empty", body: JSON.stringify({ ...event, source: `e${i}`, data: { origin, records: [] } }) },
  ];
};

let place: Awaited<ReturnType<typeof testPlace>>;
beforeAll(async () => {
  place = await testPlace();
});
afterAll(() => place.remove());

test("10,000 of each kind of mistake among 100,000: exactly those are dead letters, with their reason, all others are refined", async () => {
  const next = random(1);
  const wholes = Array.from({ length: OF_EACH }, (_, i) => unreadable(i)).flat();
  const sent = shuffled(
    [...mixed(next), ...wholes.map(({ body }, i) => ({ id: String(i), group: `POIS${i % TICKERS}`, body }))],
    next,
  );
  const outcomes = await send(place.aws, "bovespa", sent);
  expect(outcomes.filter((o) => o.outcome !== "accepted")).toEqual([]);
  await place.stack!.idle();
  expect(await depth(place.aws, "bovespa")).toMatchObject({ visible: 0, inFlight: 0 });

  const must = expected(sent.map(({ body }): Input => ({ message: body })));
  expect(must.arrived).toHaveLength(VALID);
  const records: Record<string, number> = {};
  for (const { reason, records: of } of must.letters) records[reason] = (records[reason] ?? 0) + of.length;
  const wanted: Record<string, number> = {};
  for (const { code } of mistakes("POIS0")) wanted[code] = (wanted[code] ?? 0) + OF_EACH;
  for (const { reason } of unreadable(0)) wanted[reason] = (wanted[reason] ?? 0) + OF_EACH;
  expect(records).toEqual(wanted);

  // What is compared of a letter is short; its body is not kept.
  const left = new Map<string, number>();
  for (const letter of must.letters) left.set(contentOf(letter), (left.get(contentOf(letter)) ?? 0) + 1);
  const ids = new Set<string>();
  const invented: string[] = [];
  await eachLetter(place.aws, "bovespa", ({ id, content }) => {
    if (ids.has(id)) return;
    ids.add(id);
    const count = left.get(content);
    if (!count) invented.push(content);
    else if (count === 1) left.delete(content);
    else left.set(content, count - 1);
  });
  expect({ invented, missing: [...left.keys()] }).toEqual({ invented: [], missing: [] });
  expect(ids.size).toBe(must.letters.length);

  expect(await compare(place, must, { letters: false })).toEqual([]);
  expect(await ask(place, "SELECT estado, linhas_vistas FROM bovespa_sessoes")).toEqual([
    { estado: "completa", linhas_vistas: String(VALID) },
  ]);
});
