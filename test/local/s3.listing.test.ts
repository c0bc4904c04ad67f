import { ListObjectsCommand, ListObjectsV2Command, PutObjectCommand, paginateListObjectsV2 } from "@aws-sdk/client-s3";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { afterPrefix, listingOf } from "../../packages/local/s3/listing.ts";
import { codeOf, type Stack, startStack } from "./s3.stack.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());

const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
/** Rows only: a listing never looks at bodies. */
const fill = (bucket: string, keys: Iterable<string>) => {
  stack.s3.createBucket(bucket);
  stack.state.transaction(() => {
    stack.state.db.prepare("DELETE FROM s3_objects WHERE bucket = ?").run(bucket);
    const insert = stack.state.db.prepare(
      "INSERT INTO s3_objects (bucket, key, size, etag, modified, body, place, fold, headers, metadata) VALUES (?, ?, 1, 'e', 0, 'b', ?, ?, '{}', '{}')",
    );
    for (const key of keys) insert.run(bucket, key, key, key);
  });
};

/** What S3 says of listings, as plainly as possible: roll up, sort, cut. */
const model = (keys: string[], prefix: string, delimiter: string, after: string): string[] => {
  const roll = (key: string) => {
    const at = delimiter ? key.indexOf(delimiter, prefix.length) : -1;
    return at < 0 ? key : key.slice(0, at + delimiter.length);
  };
  const floor = after.startsWith(prefix) ? roll(after) : after;
  const names = new Set(keys.filter((key) => key.startsWith(prefix)).map(roll));
  return [...names].filter((name) => order(name, after) > 0 && name !== floor).sort(order);
};

describe("listings", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "/", "é", "\u{1f600}", "\uffff"), maxLength: 6 });
  const key = text.filter((t) => t !== "");

  it("page by page, give what a model gives, for any keys, prefix, delimiter and start", () => {
    const listing = listingOf(stack.state.db);
    stack.s3.createBucket("model");
    fc.assert(
      fc.property(
        fc.uniqueArray(key, { maxLength: 30 }),
        text,
        fc.constantFrom("", "/", "a", "/a", "é"),
        text,
        fc.integer({ min: 1, max: 5 }),
        (keys, prefix, delimiter, start, limit) => {
          fill("model", keys);
          const seen: string[] = [];
          for (let after: string | null = start; after !== null; ) {
            const page = listing.page("model", { prefix, delimiter, after, limit });
            const names = [...page.entries.map((e) => e.key), ...page.prefixes].sort(order);
            if (page.next !== null) expect(names).toHaveLength(limit);
            seen.push(...names);
            after = page.next;
          }
          expect(seen).toEqual(model(keys, prefix, delimiter, start));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("know the end of a prefix in every order of characters", () => {
    expect(afterPrefix("a")).toBe("b");
    expect(afterPrefix("a\u{10ffff}")).toBe("b");
    expect(afterPrefix("\ud7ff")).toBe("\ue000");
    expect(order(afterPrefix("\uffff"), "\uffff\u{10ffff}")).toBe(1);
  });

  it("reach SDKs whole: both versions, paging, delimiter, url encoding, owner", async () => {
    const keys = ["a b+c%/ç&<1>", "a b+c%/2", "x/1", "x/2", "y", "z\u0001\uffff"];
    for (const Key of keys) await stack.client.send(new PutObjectCommand({ Bucket: "lake", Key, Body: Key }));
    const found: string[] = [];
    for await (const page of paginateListObjectsV2({ client: stack.client, pageSize: 2 }, { Bucket: "lake" }))
      found.push(...(page.Contents ?? []).map((o) => o.Key!));
    expect(found).toEqual([...keys].sort(order));
    const rolled = await stack.client.send(
      new ListObjectsV2Command({ Bucket: "lake", Delimiter: "/", StartAfter: "a b+c%/2", FetchOwner: true }),
    );
    expect([
      rolled.CommonPrefixes?.map((p) => p.Prefix),
      rolled.Contents?.map((o) => o.Key),
      rolled.KeyCount,
      rolled.Contents?.[0]?.Owner?.ID,
    ]).toEqual([["x/"], ["y", "z\u0001\uffff"], 3, "pregao"]);
    const first = await stack.client.send(new ListObjectsCommand({ Bucket: "lake", Delimiter: "/", MaxKeys: 2 }));
    expect([first.CommonPrefixes?.map((p) => p.Prefix), first.IsTruncated, first.NextMarker]).toEqual([
      ["a b+c%/", "x/"],
      true,
      "x/",
    ]);
    const second = await stack.client.send(
      new ListObjectsCommand({ Bucket: "lake", Delimiter: "/", Marker: first.NextMarker }),
    );
    expect(second.Contents?.map((o) => o.Key)).toEqual(["y", "z\u0001\uffff"]);
    expect((await stack.raw("GET", "/lake?list-type=2&encoding-type=url&prefix=a")).text).toContain(
      "<Key>a+b%2Bc%25/%C3%A7%26%3C1%3E</Key>",
    );
    expect(await stack.client.send(new ListObjectsV2Command({ Bucket: "lake", MaxKeys: 0 }))).toMatchObject({
      KeyCount: 0,
      IsTruncated: false,
    });
    for (const query of ["max-keys=-1", "max-keys=x", "continuation-token=%21", "encoding-type=base64"])
      expect(codeOf(await stack.raw("GET", `/lake?list-type=2&${query}`)), query).toBe("InvalidArgument");
    expect(codeOf(await stack.raw("GET", "/nowhere?list-type=2"))).toBe("NoSuchBucket");
  });

  it("of 100,000 keys cost what a page costs, not what the bucket costs", async () => {
    fill(
      "large",
      (function* () {
        for (let i = 0; i < 100_000; i++)
          yield `raw/day=${String(i % 100).padStart(3, "0")}/part-${String(i).padStart(6, "0")}.parquet`;
      })(),
    );
    const plan = stack.state.db
      .prepare("EXPLAIN QUERY PLAN SELECT key FROM s3_objects WHERE bucket = ? AND key >= ? AND key < ? ORDER BY key")
      .all("large", "a", "b");
    expect(plan.map((row) => row.detail)).toEqual([
      "SEARCH s3_objects USING PRIMARY KEY (bucket=? AND key>? AND key<?)",
    ]);
    const listing = listingOf(stack.state.db);
    /** The best of five: what the work costs, whatever else the machine does. */
    const cost = (work: () => unknown): number =>
      Math.min(
        ...Array.from({ length: 5 }, () => {
          const start = performance.now();
          work();
          return performance.now() - start;
        }),
      );
    const days = () => listing.page("large", { prefix: "raw/", delimiter: "/" });
    const some = () => listing.page("large", { prefix: "raw/day=050/", limit: 10, after: "raw/day=050/part-050" });
    expect(days().prefixes).toHaveLength(100);
    expect(some().entries).toHaveLength(10);
    const everything = cost(() => listing.all("large", ""));
    expect(cost(days)).toBeLessThan(everything / 5);
    expect(cost(some)).toBeLessThan(everything / 20);
    let count = 0;
    for await (const page of paginateListObjectsV2({ client: stack.client }, { Bucket: "large", Prefix: "raw/day=05" }))
      count += page.KeyCount ?? 0;
    expect(count).toBe(10_000);
    stack.state.db.exec("DELETE FROM s3_objects WHERE bucket = 'large'");
  });
});
