import { expect, test } from "vitest";
import * as dlq from "../../packages/cli/dlq/index.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { ask, type testPlace } from "../place.ts";
import { cutting, good, letter, letters, post, replay } from "./letters.fixture.ts";

type TestPlace = Awaited<ReturnType<typeof testPlace>>;
type Undone = { replay: string; letters: number; events: number; units: string[]; rebuilt: boolean; before: boolean };

/** Undoes a replay, and waits for what that sets going; `at`: a process that is cut. */
export const undoIn = async (place: TestPlace, id?: string, at = place): Promise<Undone> => {
  await dlq.undo(at, bovespa, id, { yes: true });
  await place.stack!.idle();
  return place.output.documents.at(-1) as Undone;
};

/** The rows of all tables, in an order of their own. */
export const tablesOf = (place: TestPlace): Promise<string[][]> =>
  Promise.all(
    bovespa.tables.map(async ({ name }) =>
      (await ask(place, `SELECT * FROM ${name}`)).map((row) => JSON.stringify(row)).sort(),
    ),
  );

const bodies = async (place: TestPlace) => (await letters(place)).map((l) => l.body);

type Cut = [name: string, at: (command: string, input: Record<string, unknown>) => "before" | "after" | undefined];

export const undoCuts: Cut[] = [
  ["before the letters are back", (c) => (c === "SendMessageBatchCommand" ? "before" : undefined)],
  ["after the letters are back", (c) => (c === "SendMessageBatchCommand" ? "after" : undefined)],
  [
    "in the middle of the withdrawals",
    (() => {
      let n = 0;
      return (c: string, i: Record<string, unknown>) =>
        c === "PutObjectCommand" && String(i.Key).startsWith("withdrawn/") && ++n === 2 ? "before" : undefined;
    })(),
  ],
  [
    "before it is marked",
    (c, i) => (c === "PutObjectCommand" && /undone\.json$/.test(String(i.Key)) ? "before" : undefined),
  ],
  [
    "after it is marked",
    (c, i) => (c === "PutObjectCommand" && /undone\.json$/.test(String(i.Key)) ? "after" : undefined),
  ],
  [
    "before the run of the rebuild",
    (c, i) => (c === "PutObjectCommand" && /^runs\//.test(String(i.Key)) ? "before" : undefined),
  ],
  [
    "before it is noted that the rebuild was done",
    (_c, i) => (/rebuilt\.json$/.test(String(i.Key)) ? "before" : undefined),
  ],
];

/** One is in `npm test`, all of them are in letters-undo.faults.ts. */
export const cutsSuite = (placeOf: () => TestPlace, cuts: readonly Cut[]): void => {
  test.each(cuts)("%s loses no record, and the same command finishes it", async (name, cut) => {
    const ticker = `CORTE${undoCuts.findIndex(([other]) => other === name)}`;
    const place = placeOf();
    const before = await tablesOf(place);
    const lost = letter(ticker, [good(ticker, 0), good(ticker, 1), good(ticker, 2)]);
    await post(place, "bovespa-dlq", [lost]);
    const { replay: id } = await replay(place, { ticker });
    const after = await tablesOf(place);
    await expect(undoIn(place, id!, cutting(place, cut))).rejects.toThrow();
    await place.stack!.idle();
    // Wherever it was cut, the record is a dead letter or in the tables.
    const back = (await bodies(place)).includes(lost.body);
    if (!back) expect(await tablesOf(place)).toEqual(after);
    expect(await undoIn(place, id!)).toMatchObject({ replay: id, letters: 1, events: 3, rebuilt: true });
    expect(await tablesOf(place)).toEqual(before);
    expect((await bodies(place)).filter((body) => body === lost.body)).toHaveLength(1);
  });
};
