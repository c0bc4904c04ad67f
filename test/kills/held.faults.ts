import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newestCommit } from "../../packages/aws/documents.ts";
import { put } from "../../packages/aws/store.ts";
import { flow, openFile } from "../../packages/cli/ingest.ts";
import { status } from "../../packages/cli/status/index.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { ask, testPlace } from "../place.ts";
import { cotahist } from "../synthetic.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
beforeAll(async () => {
  place = await testPlace();
});
afterAll(() => place?.remove());

const DAY = "2024-03-07";
/** A day's file as the exchange published it the `nth` time. */
const send = async (session: string, rows: number, nth: number) => {
  const path = join(place.dir, "log.ndjson.csv");
  writeFileSync(path, cotahist({ sessions: [session], perSession: rows, seed: nth }));
  const { file, close } = await openFile(path);
  try {
    return await flow(place, bovespa, { ...file, version: `${session}/${nth}` }, true);
  } finally {
    await close();
  }
};
const shown = async (session: string) => {
  const sql = (table: string) =>
    `SELECT count(*) AS n, max(source_version) AS v, sum(volume_total) AS volume FROM ${table} WHERE data_pregao = DATE '${session}'`;
  return [await ask(place, sql("bovespa_refined")), await ask(place, sql("bovespa_derivativos"))];
};
const rowsOf = async (session: string) => (await shown(session)).reduce((sum, [row]) => sum + Number(row!.n), 0);
const stuck = async () => {
  await status(place);
  const code = process.exitCode;
  process.exitCode = 0;
  const { stuck: all } = place.output.documents.at(-1) as { stuck: { what: string; free: string }[] };
  return { code, text: all.map((s) => `${s.what}. ${s.free}`).join("\n"), screen: place.output.screens.at(-1)! };
};
/** What a clock or a command does. */
const advance = async () => {
  const url = `${place.aws.endpoint}/2015-03-31/functions/advance/invocations`;
  await (await fetch(url, { method: "POST", body: JSON.stringify({ datasets: ["bovespa"] }) })).text();
  await place.stack!.idle();
};

describe("a file whose session shrank by more than one in a hundred", () => {
  test("is held: nothing of it is published, and status says which law, which session, and what frees it", async () => {
    await send(DAY, 100, 1);
    const before = await shown(DAY);
    await expect(send(DAY, 50, 2)).rejects.toThrow(/held: sessao_encolheu on 2024-03-07/);
    await place.stack!.idle();
    expect(await shown(DAY)).toEqual(before);
    const { code, text, screen } = await stuck();
    expect(code).toBe(1);
    expect(text).toMatch(/sessao_encolheu on 2024-03-07/);
    expect(text).toMatch(/corrected file|accept/);
    expect(screen).toMatch(/Stuck: .*held.*sessao_encolheu/);
  });

  test("keeps nobody else waiting: other sessions are published, of its own year and of another", async () => {
    for (const session of ["2024-03-08", "2023-03-07"]) {
      const { account } = await send(session, 20, 1);
      expect(account).toMatchObject({ sent: 20, raw: 20, superseded: 0 });
      expect(await rowsOf(session)).toBe(20);
    }
    expect((await stuck()).text).toMatch(/sessao_encolheu on 2024-03-07/);
    expect(await rowsOf(DAY)).toBe(100);
  });

  test("is superseded by a corrected file, and nothing is stuck any more", async () => {
    const { account } = await send(DAY, 100, 3);
    expect(account).toMatchObject({ sent: 100, raw: 100, superseded: 0 });
    await place.stack!.idle();
    expect(await rowsOf(DAY)).toBe(100);
    expect((await shown(DAY))[0]![0]!.v).toBe(`${DAY}/3`);
    expect(await stuck()).toMatchObject({ code: 0, text: "" });
    expect((await newestCommit(place.aws, "bovespa"))!.held).toEqual([]);
  });

  test("is published, the very rows that were held, once a person accepts it", async () => {
    await expect(send(DAY, 50, 4)).rejects.toThrow(/held: sessao_encolheu/);
    await place.stack!.idle();
    expect(await rowsOf(DAY)).toBe(100);
    const accepted = { law: "sessao_encolheu", session: DAY, origin: null };
    await put(place.aws, "state", "accepted/bovespa/test.json", JSON.stringify(accepted));
    await advance();
    expect(await rowsOf(DAY)).toBe(50);
    expect((await shown(DAY))[0]![0]!.v).toBe(`${DAY}/4`);
    expect(await stuck()).toMatchObject({ code: 0, text: "" });
  });
});
