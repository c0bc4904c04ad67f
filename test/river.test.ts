import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as dlq from "../packages/cli/dlq/index.ts";
import { publish } from "../packages/cli/publish.ts";
import { status } from "../packages/cli/status/index.ts";
import { bovespa } from "../packages/datasets/bovespa/index.ts";
import { ask, sendFile, testPlace } from "./place.ts";

const file = new URL(bovespa.demo!.file).pathname;
let place: Awaited<ReturnType<typeof testPlace>>;

beforeAll(async () => {
  place = await testPlace();
});
afterAll(() => place.remove());

const tables = () =>
  Promise.all(
    bovespa.tables.map(
      async (t) => [t.name, await ask(place, `SELECT * FROM ${t.name} ORDER BY ${[...t.key].join(", ")}`)] as const,
    ),
  );

describe("a real session file", () => {
  test("goes through every step, and its counts add up", async () => {
    const { scraped, account } = await sendFile(place, bovespa, file);
    expect(scraped).toMatchObject({
      rows: 12_226,
      sessions: { "2024-11-08": 12_226 },
      fresh: true,
      refused: 0,
      unknown: 0,
    });
    expect(account).toMatchObject({ sent: 12_226, raw: 12_226, rejected: 0, superseded: 0 });
    expect(Object.values(account!.tables).reduce((a, b) => a + b)).toBe(12_226);
    const [raw] = await ask(place, "SELECT count(*) AS n, count(DISTINCT event_id) AS d FROM bovespa_raw");
    expect(raw).toEqual({ n: "12226", d: "12226" });
  });

  test("answers SQL to the last cent", async () => {
    const [cemig] = await ask(
      place,
      "SELECT preco_abertura, preco_maximo, preco_minimo, preco_medio, preco_ultimo, preco_oficial, preco_oferta_venda, total_negocios, quantidade_total, volume_total, isin, year, month, day FROM bovespa_refined WHERE ticker = 'CMIG4'",
    );
    expect(cemig).toEqual({
      preco_abertura: "11.290000",
      preco_maximo: "11.340000",
      preco_minimo: "11.120000",
      preco_medio: "11.220000",
      preco_ultimo: "11.290000",
      preco_oficial: "11.290000",
      preco_oferta_venda: "11.300000",
      total_negocios: "21915",
      quantidade_total: "13679600",
      volume_total: "153553672.00",
      isin: "BRCMIGACNPR3",
      year: "2024",
      month: "11",
      day: "08",
    });
    const [sums] = await ask(place, "SELECT sum(volume_total) AS v, count(*) AS n FROM bovespa_refined");
    const [others] = await ask(place, "SELECT sum(volume_total) AS v, count(*) AS n FROM bovespa_derivativos");
    expect(Number(sums!.n) + Number(others!.n)).toBe(12_226);
    const cents = (text: string) => BigInt(text.replace(".", ""));
    expect(cents(sums!.v!) + cents(others!.v!)).toBe(await centsInFile());
  });

  test("leaves one complete session, nothing waiting, and nothing stuck", async () => {
    expect(await ask(place, "SELECT linhas_esperadas, linhas_vistas, estado, mista FROM bovespa_sessoes")).toEqual([
      { linhas_esperadas: "12226", linhas_vistas: "12226", estado: "completa", mista: "false" },
    ]);
    expect(await ask(place, "SELECT count(*) AS n FROM bovespa_espera")).toEqual([{ n: "0" }]);
    await status(place);
    expect(place.output.documents.at(-1)).toMatchObject({ stuck: [] });
  });

  test("sent again changes nothing in any table", async () => {
    const before = await tables();
    const { scraped, account } = await sendFile(place, bovespa, file);
    await place.stack!.idle();
    expect(scraped.fresh).toBe(false);
    expect(account).toMatchObject({ sent: 12_226, raw: 12_226, rejected: 0, superseded: 0 });
    expect(await tables()).toEqual(before);
  });

  test("every saved query answers", async () => {
    // One session is too few for this one, which asks for ten.
    const none = ["volatilidade"];
    for (const [name, { sql }] of Object.entries(bovespa.queries)) {
      const rows = await ask(place, sql);
      expect(rows.length > 0, name).toBe(!none.includes(name));
    }
  });

  test("lies in the lake as plain Parquet files", () => {
    const files = readdirSync(join(place.dir, "s3/lake"), { recursive: true, encoding: "utf8" });
    expect(files.some((f) => /^refined\/bovespa_refined\/run=[^/]+\/year=2024\/.*\.parquet$/.test(f))).toBe(true);
    expect(files.some((f) => /^raw\/bovespa\/ingest_date=\d{4}-\d\d-\d\d\/.*\.parquet$/.test(f))).toBe(true);
  });
});

describe("messages published by hand", () => {
  test("a test record reaches refined and replaces no real row", async () => {
    const [before] = await ask(
      place,
      "SELECT count(*) AS n FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08'",
    );
    await publish(place, bovespa, { count: "3", session: "2024-11-08" });
    await place.stack!.idle();
    const rows = await ask(
      place,
      "SELECT data_pregao, origin_rows, source_version FROM bovespa_refined WHERE ticker = 'TESTE99' ORDER BY data_pregao",
    );
    expect(rows).toEqual(
      ["2024-11-06", "2024-11-07", "2024-11-08"].map((data_pregao) => ({
        data_pregao,
        origin_rows: null,
        source_version: "0",
      })),
    );
    const [after] = await ask(place, "SELECT count(*) AS n FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08'");
    expect(Number(after!.n)).toBe(Number(before!.n) + 1);
  });

  test("each kind of mistake ends in the dead-letter queue, with its reason, and nowhere else", async () => {
    const [before] = await ask(place, "SELECT count(*) AS n FROM bovespa_raw");
    await publish(place, bovespa, { invalid: true, ticker: "TESTE98" });
    await place.stack!.idle();
    const { sent } = place.output.documents.at(-1) as { sent: { about: string }[] };
    await dlq.list(place, bovespa, {});
    const groups = place.output.documents.at(-1) as { reason: string; letters: number }[];
    const found = Object.fromEntries(
      [...Map.groupBy(groups, (g) => g.reason)].map(([reason, g]) => [reason, g.reduce((n, x) => n + x.letters, 0)]),
    );
    const wanted = Object.fromEntries([...Map.groupBy(sent, (s) => s.about)].map(([reason, s]) => [reason, s.length]));
    expect(found).toEqual(wanted);
    expect(Object.keys(wanted)).toEqual(
      expect.arrayContaining(["not_json", "envelope", "type", "empty", "unknown_field", "invalid_field", "subject"]),
    );
    expect(await ask(place, "SELECT count(*) AS n FROM bovespa_raw")).toEqual([before]);
  });

  test("looking at dead letters removes none of them", async () => {
    await dlq.show(place, bovespa, {});
    const once = place.output.documents.at(-1);
    await dlq.show(place, bovespa, {});
    expect(place.output.documents.at(-1)).toEqual(once);
    expect((once as unknown[]).length).toBeGreaterThan(0);
  });

  test("a dead letter put right comes into refined by a replay, once", async () => {
    await dlq.replay(place, bovespa, { reason: "invalid_field", ticker: "TESTE98", dryRun: true });
    expect(place.output.documents.at(-1)).toMatchObject({ dryRun: true, sent: 0 });
    const record = { ...bovespa.raw!.sample("TESTE97", "2024-11-08", 0), preult: "12,34" };
    const { writeFileSync } = await import("node:fs");
    const own = join(place.dir, "own.ndjson");
    writeFileSync(own, `${JSON.stringify(record)}\n`);
    await publish(place, bovespa, { file: own });
    await place.stack!.idle();
    await dlq.show(place, bovespa, { ticker: "TESTE97" });
    expect(place.output.documents.at(-1)).toMatchObject([
      { reason: "invalid_field", path: "data.records[0].preult", ticker: "TESTE97" },
    ]);
    const right = bovespa.raw!.sample("TESTE97", "2024-11-08", 0).preult;
    await expect(dlq.replay(place, bovespa, { patch: [`preult=${right}`], yes: true })).rejects.toThrow(
      "letters of one ticker",
    );
    await dlq.replay(place, bovespa, { ticker: "TESTE97", patch: [`preult=${right}`], yes: true });
    await place.stack!.idle();
    expect(await ask(place, "SELECT count(*) AS n FROM bovespa_refined WHERE ticker = 'TESTE97'")).toEqual([
      { n: "1" },
    ]);
    await dlq.list(place, bovespa, { ticker: "TESTE97" });
    expect(place.output.documents.at(-1)).toEqual([]);
  });
});

/** The file's money, summed by hand from its bytes. */
const centsInFile = async (): Promise<bigint> => {
  const { openFile } = await import("../packages/cli/ingest.ts");
  const { inflateRawSync } = await import("node:zlib");
  const { file: origin, close } = await openFile(file);
  const zip = Buffer.from(await origin.bytes.read(0, origin.bytes.size));
  await close();
  const start = 30 + zip.readUInt16LE(26) + zip.readUInt16LE(28);
  const text = inflateRawSync(zip.subarray(start)).toString("latin1");
  return text
    .split("\r\n")
    .filter((line) => line.startsWith("01"))
    .reduce((sum, line) => sum + BigInt(line.slice(170, 188)), 0n);
};
