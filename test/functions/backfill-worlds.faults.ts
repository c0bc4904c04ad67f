import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { backfill, knownOf } from "../../functions/backfill.ts";
import { sessionsBetween, wanted } from "../../packages/core/backfill.ts";
import { PregaoError } from "../../packages/core/errors.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import type { Web } from "../../packages/web/index.ts";
import { cotahist } from "../synthetic.ts";
import { type Origins, openOrigins } from "./origins.fixture.ts";

const publication = bovespa.raw!.publication!;

let river: Origins;
beforeAll(async () => {
  river = await openOrigins([]);
});
afterAll(() => river?.close());

/** What the origin has under a name: nothing, a failure, or a file of some of the sessions that it should have. */
type File = { is: "absent" } | { is: "fails" } | { is: "there"; sessions: string[] };

/** Six sessions of three months, and a file of each kind. */
const universe = (year: number): string[] => [
  ...sessionsBetween(`${year}-03-01`, `${year}-03-31`).slice(0, 3),
  ...sessionsBetween(`${year}-05-02`, `${year}-05-31`).slice(0, 2),
  ...sessionsBetween(`${year}-08-01`, `${year}-08-31`).slice(0, 1),
];
const nameOf = {
  D: (s: string) => `D${s.slice(8)}${s.slice(5, 7)}${s.slice(0, 4)}`,
  M: (s: string) => `M${s.slice(5, 7)}${s.slice(0, 4)}`,
  A: (s: string) => `A${s.slice(0, 4)}`,
};
const filesOf = (sessions: readonly string[]): Map<string, string[]> => {
  const files = new Map<string, string[]>();
  for (const of of Object.values(nameOf))
    for (const session of sessions) files.set(of(session), [...(files.get(of(session)) ?? []), session]);
  return files;
};
const fileOf = (sessions: string[]): fc.Arbitrary<File> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<File>({ is: "absent" }) },
    { weight: 1, arbitrary: fc.constant<File>({ is: "fails" }) },
    {
      weight: 5,
      arbitrary: fc.subarray(sessions, { minLength: 1 }).map((sessions): File => ({ is: "there", sessions })),
    },
  );

const webOf = (files: ReadonlyMap<string, File>): Web => ({
  get: async ({ url }, { known } = {}) => {
    const file = files.get(/COTAHIST_(\w+)\./.exec(url)![1]!)!;
    if (file.is === "absent") return { is: "absent", why: "404" };
    if (file.is === "fails") throw new PregaoError("origin_status", "expected 200, came 520");
    const etag = file.sessions.join();
    if (known?.etag === etag) return { is: "unchanged" };
    return { is: "bytes", bytes: new Uint8Array(cotahist({ sessions: file.sessions, perSession: 2 })), etag, url };
  },
  close: async () => {},
});

test("whatever of its files an origin has, each session ends once, as what it is, and is sent no second time", async () => {
  let year = 1995;
  await fc.assert(
    fc.asyncProperty(
      fc.infiniteStream(fc.nat()),
      fc.subarray([0, 1, 2, 3, 4, 5], { minLength: 1 }),
      fc.context(),
      async (seeds, chosen, context) => {
        // Notes are kept: each world has a year of its own.
        const all = universe(++year);
        const sessions = chosen.map((at) => all[at]!);
        const files = new Map(
          [...filesOf(all)].map(([name, holds]) => [
            name,
            fc.sample(fileOf(holds), { numRuns: 1, seed: seeds.next().value })[0]!,
          ]),
        );
        const web = webOf(files);
        const plan = async () =>
          wanted(publication, sessions, {
            ...(await knownOf(river.aws, bovespa, sessions)),
            parts: [],
            now: Date.now(),
          });
        const outcomes = await backfill(river.aws, bovespa, await plan(), { web });
        context.log(
          JSON.stringify([
            Object.fromEntries(files),
            sessions,
            outcomes.map(({ name, is, sessions }) => [name, is, sessions]),
          ]),
        );

        expect(outcomes.flatMap((one) => one.sessions).sort(), "each session ends once").toEqual(sessions);
        for (const { name, is, sessions: ended, error } of outcomes) {
          const file = files.get(name)!;
          if (is === "sent") expect(file.is === "there" ? file.sessions : []).toEqual(expect.arrayContaining(ended));
          if (is === "absent")
            for (const session of ended)
              for (const of of Object.values(nameOf)) {
                const one = files.get(of(session))!;
                expect(one.is === "there" ? one.sessions : [one.is], "nobody had it").not.toContain(session);
                expect(one.is, "whoever could have it was asked").not.toBe("fails");
              }
          if (is === "failed" && error!.code !== "not_asked") expect(file.is).toBe("fails");
        }

        const sent = river.sent();
        const again = await backfill(river.aws, bovespa, await plan(), { web });
        const ended = new Set(
          outcomes.filter(({ is }) => is === "sent" || is === "unchanged").flatMap((one) => one.sessions),
        );
        expect(again.flatMap((one) => one.sessions).sort(), "what is there is not asked for").toEqual(
          sessions.filter((one) => !ended.has(one)),
        );
        if (!outcomes.some(({ is }) => is === "failed")) expect(river.sent(), "nothing is sent twice").toBe(sent);
      },
    ),
    { numRuns: 30, endOnFailure: true },
  );
});
