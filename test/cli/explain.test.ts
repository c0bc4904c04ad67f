import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { put, remove } from "../../packages/aws/store.ts";
import { runsOf } from "../../packages/cli/history.ts";
import { refine } from "../../packages/cli/refine.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { literal, openSession } from "../../packages/engines/duckdb/session.ts";
import { ask, testPlace } from "../place.ts";
import {
  edited,
  explained,
  fileOf,
  sendBytes,
  sha256,
  type TestPlace,
  tamper,
  tickerOf,
  withText,
} from "./verify.fixture.ts";

let place: TestPlace;
/** Files that are there before the first test, by their source's name. */
const early: [string, Buffer][] = [];
beforeAll(async () => {
  place = await testPlace();
  await Promise.all(early.map(([source, bytes]) => sendBytes(place, bovespa, source, bytes)));
}, 120_000);
afterAll(() => place.remove());

/** A file of which all is published before the first test. */
const there = (source: string, bytes: Buffer): Buffer => {
  early.push([source, bytes]);
  return bytes;
};

describe("explain", () => {
  const older = there("before.txt", fileOf("2014-03-03", 10));
  const many = there("many.txt", fileOf("2013-03-04", 10));

  test("says of a lost update that it is missing, and which lesser row stands instead", async () => {
    const day = "2014-03-03";
    const newer = edited(older, "2014-03-05", (line) => withText(line, 171, "000000000000000777"));
    const ticker = tickerOf(older, 2);
    const [old] = await ask(
      place,
      `SELECT event_id, source_version FROM bovespa_refined WHERE ticker = '${ticker}' AND origin_sha256 = '${sha256(older)}'`,
    );
    await sendBytes(place, bovespa, "newer.txt", newer);
    const lost = `SELECT * FROM t WHERE ticker = '${ticker}' AND origin_sha256 = '${sha256(newer)}'`;
    const stands = `SELECT * REPLACE ('${old!.event_id}' AS event_id, '${sha256(older)}' AS origin_sha256, '${old!.source_version}' AS source_version) FROM (${lost})`;
    await tamper(
      place,
      bovespa,
      "bovespa_refined",
      "year=2014",
      `(SELECT * FROM t EXCEPT ALL ${lost}) UNION ALL ${stands}`,
    );
    const { rows, screen } = await explained(place, bovespa, ticker, day);
    expect(rows).toMatchObject([
      { is: "published", event_id: old!.event_id, supersedes: [] },
      { is: "missing", origin: { sha256: sha256(newer) }, superseded_by: null, instead: { event_id: old!.event_id } },
    ]);
    expect(screen).toContain("which is a lesser row");
    await refine(place, bovespa, { rebuild: true, unit: ["2014"], yes: true });
    expect((await explained(place, bovespa, ticker, day)).rows).toMatchObject([
      { is: "published", origin: { sha256: sha256(newer) } },
      { is: "superseded", event_id: old!.event_id },
    ]);
  });

  test("takes the newest of more arrivals than it explains, and says that it was cut", async () => {
    const day = "2013-03-04";
    const bytes = many;
    const ticker = tickerOf(bytes, 2);
    const [row] = await ask(
      place,
      `SELECT "$path" AS path FROM bovespa_raw WHERE origin_sha256 = '${sha256(bytes)}' AND codneg = '${ticker}'`,
    );
    await put(place.aws, "state", "paused/bovespa.json", JSON.stringify({ at: new Date().toISOString(), why: "" }));
    const key = row!.path!.replace("s3://lake/", "");
    const object = `${key.slice(0, key.lastIndexOf("/"))}/many.parquet`;
    const path = join(place.dir, "many.parquet");
    const session = await openSession({ scratch: join(place.dir, "other") });
    await session.run(
      `COPY (SELECT t.* REPLACE (md5(n::VARCHAR) AS event_id, (3000 + n)::VARCHAR AS source_version) FROM read_parquet(${literal(join(place.dir, "s3/lake", key))}, hive_partitioning = false) t, range(1005) r(n) WHERE codneg = '${ticker}') TO ${literal(path)} (FORMAT parquet)`,
    );
    session.close();
    await put(place.aws, "lake", object, readFileSync(path));
    const { rows, cut, screen } = await explained(place, bovespa, ticker, day);
    expect([rows.length, cut, rows[0]!.origin.version, rows.at(-1)!.origin.version]).toEqual([
      1000,
      true,
      "4004",
      "3005",
    ]);
    expect(screen).toContain("These are the newest 1,000 arrivals");
    await remove(place.aws, "lake", object);
    await remove(place.aws, "state", "paused/bovespa.json");
  });

  test("does not say that no run took an object when it has not looked at all runs", async () => {
    const key = `raw/bovespa/ingest_date=${new Date().toISOString().slice(0, 10)}/none.parquet`;
    expect(await runsOf(place, "bovespa", new Set([key]))).toEqual(new Map([[key, { runs: [], all: true }]]));
    expect(await runsOf(place, "bovespa", new Set([key]), 1)).toEqual(new Map([[key, { runs: [], all: false }]]));
  });
});
