import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { list, remove } from "../../packages/aws/store.ts";
import * as dlq from "../../packages/cli/dlq/index.ts";
import { refine } from "../../packages/cli/refine.ts";
import type { PregaoError } from "../../packages/core/errors.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { ask, testPlace } from "../place.ts";
import { cotahist } from "../synthetic.ts";
import { good, letter, letters, message, post, replay } from "./letters.fixture.ts";
import { sendBytes, type TestPlace, verified } from "./verify.fixture.ts";

let place: TestPlace;
beforeAll(async () => {
  place = await testPlace();
});
afterAll(() => place.remove());

const raw = async () => {
  const keys: string[] = [];
  for await (const { key } of list(place.aws, "lake", "raw/bovespa/")) keys.push(key);
  return keys;
};
const rows = () => ask(place, "SELECT * FROM bovespa_refined ORDER BY event_id");
const rebuild = () => refine(place, bovespa, { rebuild: true, yes: true });
const repaired = async () => {
  const found = await verified(place, bovespa, { repair: true });
  return { ...found, lost: (found as { lost?: string[] }).lost };
};

describe("raw objects that somebody deleted", () => {
  test("refuse a rebuild until a repair has seen that no row is lost; then it is made, of the same rows", async () => {
    await sendBytes(place, bovespa, "one.txt", cotahist({ sessions: ["2021-03-01"], perSession: 30 }));
    const was = await rows();
    const keys = await raw();
    for (const key of keys) await remove(place.aws, "lake", key);
    await expect(rebuild()).rejects.toMatchObject({
      code: "rebuild",
      message: expect.stringContaining("pregao verify bovespa --repair"),
    } satisfies Partial<PregaoError>);
    const found = await repaired();
    expect(found).toMatchObject({ whole: true, status: 0, repaired: { rows: 30 } });
    expect(found.lost).toEqual(keys);
    await rebuild();
    expect(await rows()).toEqual(was);
    expect(await verified(place, bovespa)).toMatchObject({ whole: true, status: 0 });
    expect((await repaired()).lost).toEqual([]);
  });

  test("refuse an undo before it takes anything back", async () => {
    await post(place, "bovespa-dlq", [letter("DESFEITA3", [good("DESFEITA3")])]);
    await replay(place);
    const before = new Set(await raw());
    await post(place, "bovespa", [message("PERDIDA3", [good("PERDIDA3", 1)])]);
    await place.stack!.idle();
    for (const key of await raw()) if (!before.has(key)) await remove(place.aws, "lake", key);
    const was = await rows();
    await expect(dlq.undo(place, bovespa, undefined, { yes: true })).rejects.toMatchObject({
      code: "rebuild",
      message: expect.stringMatching(/^nothing of the replay .* was undone: the rebuild of bovespa 2024: .*--repair/),
    } satisfies Partial<PregaoError>);
    expect(await letters(place)).toEqual([]);
    expect(await rows()).toEqual(was);
    // Its row is in the tables only, and no file has it: a repair does not let go of it, a person may.
    expect(await repaired()).toMatchObject({ whole: false, lost: [] });
    await refine(place, bovespa, { rebuild: true, withoutGone: true, yes: true });
    await dlq.undo(place, bovespa, undefined, { yes: true });
    expect(place.output.documents.at(-1)).toMatchObject({ rebuilt: true, letters: 1, units: ["2024"] });
    expect(new Set((await rows()).map((row) => row.ticker))).not.toContain("DESFEITA3");
  });
});
