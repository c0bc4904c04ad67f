import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { GetObjectCommand } from "@aws-sdk/client-s3";
import type * as Hyparquet from "hyparquet";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Aws } from "../../packages/aws/index.ts";
import { inspect } from "../../packages/aws/parquet.ts";
import { laptop } from "../../packages/core/stage.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { openSession } from "../../packages/engines/duckdb/session.ts";

/** What the reader of Parquet meets, that is no property of the file. */
const faults: { footer?: Error; pages?: Error } = {};
vi.mock("hyparquet", async (original) => {
  const real = await original<typeof Hyparquet>();
  const met = <A extends unknown[], R>(at: keyof typeof faults, does: (...args: A) => R) => {
    return (...args: A): R => {
      const fault = faults[at];
      if (fault) throw fault;
      return does(...args);
    };
  };
  return {
    ...real,
    parquetMetadata: met("footer", real.parquetMetadata),
    parquetScan: met("pages", real.parquetScan),
  };
});

let good: Buffer;
const scratch = mkdtempSync(join(tmpdir(), "pregao-inspect-"));
beforeAll(async () => {
  const columns = Object.entries(bovespa.raw!.table.columns).map(([name, c]) =>
    name === "datpre"
      ? "DATE '2024-11-01' + i::INT * 300 AS datpre"
      : `CAST(NULL AS ${c.type === "string" ? "VARCHAR" : c.type}) AS "${name}"`,
  );
  const session = await openSession({ scratch });
  const path = join(scratch, "good.parquet");
  await session.run(`COPY (SELECT ${columns.join(", ")} FROM range(2) t(i)) TO '${path}' (FORMAT parquet)`);
  await session.close();
  good = readFileSync(path);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
beforeEach(() => {
  delete faults.footer;
  delete faults.pages;
});

/** A look at these bytes, which lie in a store of this one object; a request that starts at `breaks` fails. */
const looked = (bytes: Uint8Array, breaks = -1) => {
  const send = async ({ input }: GetObjectCommand) => {
    const [start, end] = input.Range!.replace("bytes=", "").split("-").map(Number);
    if (start === breaks) throw new TypeError("terminated");
    return { Body: { transformToByteArray: async () => bytes.subarray(start, end! + 1) } };
  };
  const object = { key: "raw/bovespa/ingest_date=2024-11-09/a.parquet", etag: "e", size: bytes.length };
  return inspect({ stage: laptop(), s3: { send } } as unknown as Aws, bovespa, object);
};
const file = (footer: number[]) => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([Buffer.from("PAR1"), Buffer.from(footer), length, Buffer.from("PAR1")]);
};

test("a good file is sound", async () => {
  expect(await looked(good)).toMatchObject({ is: "sound", units: ["2024", "2025"] });
});

test.each([
  ["no footer", []],
  ["a footer of nothing", [0]],
  ["a schema that is a number", [0x25, 2, 0]],
  ["a text of a negative length", [0x18, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]],
  ["a list without end", [0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 0x07]],
  ["nothing but beginnings", Array.from({ length: 60_000 }, () => 0x1c)],
])("a footer with %s is no Parquet, whatever the reader makes of it", async (_, footer) => {
  expect(await looked(file(footer))).toMatchObject({ is: "rejected", reason: "not_parquet" });
});

test("a page that is torn is no Parquet", async () => {
  const torn = Buffer.from(good);
  torn.fill(0xff, 4, 200);
  const found = await looked(torn).catch((error: Error) => error);
  expect(found).toMatchObject({ is: "rejected", reason: "not_parquet" });
});

test.each([new RangeError("Array buffer allocation failed"), new TypeError("x is not a function")])(
  "%s is no property of the file: it became a verdict for good",
  async (error) => {
    faults.footer = error;
    await expect(looked(good)).rejects.toBe(error);
    delete faults.footer;
    faults.pages = error;
    await expect(looked(good)).rejects.toBe(error);
  },
);

test("a read that fails is no property of the file", async () => {
  await expect(looked(good, 0)).rejects.toThrow("terminated");
  const long = file(Array.from({ length: 70_000 }, () => 0));
  await expect(looked(long, long.length - 65_536)).rejects.toThrow("terminated");
  await expect(looked(long, 4)).rejects.toThrow("terminated");
  expect(await looked(long)).toMatchObject({ is: "rejected", reason: "not_parquet" });
});
