import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import {
  AbortMultipartUploadCommand,
  type ChecksumAlgorithm,
  type ChecksumType,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { composite, hasher } from "../../packages/local/s3/checksums.ts";
import { type Stack, startStack } from "./s3.stack.ts";

const Bucket = "lake";
const MIB = 1024 * 1024;
let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
beforeEach(() => {
  stack.events.length = 0;
});

const bytes = (size: number, seed: number) => Buffer.alloc(size, createHash("sha256").update(String(seed)).digest());
const parts = [bytes(5 * MIB, 1), bytes(5 * MIB + 1, 2), bytes(10, 3)];
const md5 = (data: Uint8Array) => createHash("md5").update(data);
const etagOf = (list: Buffer[]) =>
  `"${md5(Buffer.concat(list.map((p) => md5(p).digest()))).digest("hex")}-${list.length}"`;
const create = async (
  Key: string,
  more: { ChecksumAlgorithm?: ChecksumAlgorithm; ChecksumType?: ChecksumType; Metadata?: Record<string, string> } = {},
) =>
  (await stack.client.send(new CreateMultipartUploadCommand({ Bucket, Key, ContentType: "a/b", ...more }))).UploadId!;
const upload = async (Key: string, UploadId: string, list: Buffer[], more = {}) =>
  Promise.all(
    list.map(async (Body, i) => {
      const { ETag, ChecksumCRC32, ChecksumSHA256 } = await stack.client.send(
        new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: i + 1, Body, ...more }),
      );
      return { ETag, ChecksumCRC32, ChecksumSHA256, PartNumber: i + 1 };
    }),
  );
const complete = (Key: string, UploadId: string, Parts: { ETag?: string; PartNumber: number }[], more = {}) =>
  stack.client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }));
const nameOf = (work: Promise<unknown>) =>
  work.then(
    () => "done",
    (error: Error) => error.name,
  );
const temporaries = () => readdirSync(join(stack.dir, "s3/.tmp"));

describe("multipart uploads", () => {
  it("become one object of all their parts, with its ETag, headers and one notification", async () => {
    const id = await create("multi", { Metadata: { a: "1" } });
    const sent = await upload("multi", id, parts);
    const listed = await stack.client.send(new ListPartsCommand({ Bucket, Key: "multi", UploadId: id, MaxParts: 2 }));
    expect(listed).toMatchObject({
      IsTruncated: true,
      NextPartNumberMarker: "2",
      Parts: [{ PartNumber: 1, Size: 5 * MIB, ETag: sent[0]!.ETag }, { PartNumber: 2 }],
    });
    expect(
      (await stack.client.send(new ListPartsCommand({ Bucket, Key: "multi", UploadId: id, PartNumberMarker: "2" })))
        .Parts,
    ).toHaveLength(1);
    expect(stack.events).toEqual([]);
    const done = await complete("multi", id, sent);
    expect(done.ETag).toBe(etagOf(parts));
    const back = await stack.client.send(new GetObjectCommand({ Bucket, Key: "multi" }));
    expect(Buffer.from(await back.Body!.transformToByteArray()).equals(Buffer.concat(parts))).toBe(true);
    expect(back).toMatchObject({ ETag: etagOf(parts), ContentType: "a/b", Metadata: { a: "1" } });
    expect(stack.events.map((e) => [e.eventName, e.s3.object.size, e.s3.object.eTag])).toEqual([
      ["ObjectCreated:CompleteMultipartUpload", 10 * MIB + 11, etagOf(parts).slice(1, -1)],
    ]);
    expect(temporaries()).toEqual([]);
    const second = await stack.client.send(new GetObjectCommand({ Bucket, Key: "multi", PartNumber: 3 }));
    expect(second).toMatchObject({
      ContentLength: 10,
      PartsCount: 3,
      ContentRange: `bytes ${10 * MIB + 1}-${10 * MIB + 10}/${10 * MIB + 11}`,
    });
    expect(Buffer.from(await second.Body!.transformToByteArray()).equals(parts[2]!)).toBe(true);
    const { ObjectParts } = await stack.client.send(
      new GetObjectAttributesCommand({ Bucket, Key: "multi", ObjectAttributes: ["ObjectParts"] }),
    );
    // Without a checksum the parts are counted, not listed.
    expect(ObjectParts).toEqual({ TotalPartsCount: 3 });
  });

  it("completed again after a lost answer, answer the same and announce nothing", async () => {
    const id = await create("again");
    const sent = await upload("again", id, [parts[2]!]);
    const first = await complete("again", id, sent, { IfNoneMatch: "*" });
    expect((await complete("again", id, sent, { IfNoneMatch: "*" })).ETag).toBe(first.ETag);
    expect(stack.events).toHaveLength(1);
    expect(await nameOf(complete("again", "unknown", sent))).toBe("NoSuchUpload");
  });

  it("completed twice at once, become one object", async () => {
    const id = await create("twice");
    const sent = await upload("twice", id, parts);
    const results = await Promise.all([nameOf(complete("twice", id, sent)), nameOf(complete("twice", id, sent))]);
    expect(results).toContain("done");
    expect(stack.events).toHaveLength(1);
    expect((await stack.client.send(new HeadObjectCommand({ Bucket, Key: "twice" }))).ETag).toBe(etagOf(parts));
    expect(temporaries()).toEqual([]);
  });

  it("name what is wrong with a completion, and can be completed after it", async () => {
    const id = await create("wrong");
    const sent = await upload("wrong", id, [bytes(10, 1), bytes(10, 2)]);
    const [one, two] = [sent[0]!, sent[1]!];
    expect(await nameOf(complete("wrong", id, [two, one]))).toBe("InvalidPartOrder");
    expect(await nameOf(complete("wrong", id, [one, { ...two, ETag: '"0"' }]))).toBe("InvalidPart");
    expect(await nameOf(complete("wrong", id, [one, { ...two, PartNumber: 3 }]))).toBe("InvalidPart");
    expect(await nameOf(complete("wrong", id, [one, two]))).toBe("EntityTooSmall");
    expect(await nameOf(complete("wrong", id, []))).toBe("MalformedXML");
    expect(await nameOf(complete("wrong", id, [one], { MpuObjectSize: 11 }))).toBe("InvalidRequest");
    await stack.client.send(new PutObjectCommand({ Bucket, Key: "wrong", Body: "there" }));
    expect(await nameOf(complete("wrong", id, [one], { IfNoneMatch: "*" }))).toBe("PreconditionFailed");
    expect(await nameOf(complete("wrong", id, [one]))).toBe("done");
    expect(temporaries()).toEqual([]);
  });

  it("take the last body of a part number, and copies of objects", async () => {
    await stack.client.send(new PutObjectCommand({ Bucket, Key: "source", Body: parts[0]! }));
    const id = await create("copies");
    await upload("copies", id, [bytes(10, 9)]);
    const copied = await stack.client.send(
      new UploadPartCopyCommand({ Bucket, Key: "copies", UploadId: id, PartNumber: 1, CopySource: "lake/source" }),
    );
    const ranged = await stack.client.send(
      new UploadPartCopyCommand({
        Bucket,
        Key: "copies",
        UploadId: id,
        PartNumber: 2,
        CopySource: "lake/source",
        CopySourceRange: "bytes=1-3",
      }),
    );
    expect(
      await nameOf(
        stack.client.send(
          new UploadPartCopyCommand({
            Bucket,
            Key: "copies",
            UploadId: id,
            PartNumber: 2,
            CopySource: "lake/source",
            CopySourceRange: `bytes=0-${5 * MIB}`,
          }),
        ),
      ),
    ).toBe("InvalidRange");
    const done = await complete("copies", id, [
      { PartNumber: 1, ETag: copied.CopyPartResult?.ETag },
      { PartNumber: 2, ETag: ranged.CopyPartResult?.ETag },
    ]);
    expect(done.ETag).toBe(etagOf([parts[0]!, parts[0]!.subarray(1, 4)]));
    expect(temporaries()).toEqual([]);
  });

  it("are listed while under way, and aborted without a trace", async () => {
    const ids = await Promise.all(["up/a", "up/b/1", "up/b/2", "up/c"].map((key) => create(key)));
    await upload("up/a", ids[0]!, [bytes(10, 1)]);
    const first = await stack.client.send(
      new ListMultipartUploadsCommand({ Bucket, Prefix: "up/", Delimiter: "/", MaxUploads: 2 }),
    );
    expect([first.Uploads?.map((u) => u.Key), first.CommonPrefixes?.map((p) => p.Prefix), first.IsTruncated]).toEqual([
      ["up/a"],
      ["up/b/"],
      true,
    ]);
    const second = await stack.client.send(
      new ListMultipartUploadsCommand({
        Bucket,
        Prefix: "up/",
        Delimiter: "/",
        KeyMarker: first.NextKeyMarker,
        UploadIdMarker: first.NextUploadIdMarker,
      }),
    );
    expect([second.Uploads?.map((u) => u.Key), second.CommonPrefixes, second.IsTruncated]).toEqual([
      ["up/c"],
      undefined,
      false,
    ]);
    for (const [i, key] of ["up/a", "up/b/1", "up/b/2", "up/c"].entries())
      await stack.client.send(new AbortMultipartUploadCommand({ Bucket, Key: key, UploadId: ids[i] }));
    expect((await stack.client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads).toBeUndefined();
    expect(await nameOf(upload("up/a", ids[0]!, [bytes(10, 1)]))).toBe("NoSuchUpload");
    expect(temporaries()).toEqual([]);
  });

  it("keep composite and whole checksums, and refuse parts without the one they declared", async () => {
    const whole = Buffer.concat(parts);
    const sum = (algorithm: "CRC32" | "SHA256", data: Uint8Array) => {
      const hash = hasher(algorithm);
      hash.update(data);
      return hash.digest().toString("base64");
    };
    const composed = await create("composite", { ChecksumAlgorithm: "SHA256" });
    expect(await nameOf(upload("composite", composed, [parts[2]!]))).toBe("InvalidRequest");
    const sent = await upload("composite", composed, parts, { ChecksumAlgorithm: "SHA256" });
    expect(
      await nameOf(
        complete(
          "composite",
          composed,
          sent.map(({ ETag, PartNumber }) => ({ ETag, PartNumber })),
        ),
      ),
    ).toBe("InvalidRequest");
    const done = await complete("composite", composed, sent);
    expect(done).toMatchObject({
      ChecksumType: "COMPOSITE",
      ChecksumSHA256: composite(
        "SHA256",
        parts.map((p) => sum("SHA256", p)),
      ).value,
    });

    const full = await create("full", { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" });
    const pieces = await upload("full", full, parts);
    expect(
      await nameOf(complete("full", full, pieces, { ChecksumCRC32: "AAAAAA==", ChecksumType: "FULL_OBJECT" })),
    ).toBe("BadDigest");
    const answer = await complete("full", full, pieces, {
      ChecksumCRC32: sum("CRC32", whole),
      ChecksumType: "FULL_OBJECT",
    });
    expect(answer).toMatchObject({ ChecksumType: "FULL_OBJECT", ChecksumCRC32: sum("CRC32", whole) });
    const back = await stack.client.send(new GetObjectCommand({ Bucket, Key: "full", ChecksumMode: "ENABLED" }));
    expect((await back.Body!.transformToByteArray()).length).toBe(whole.length);
    expect(temporaries()).toEqual([]);
  });

  it("survive a restart with their parts, and go with their bucket", async () => {
    const id = await create("resumed");
    const sent = await upload("resumed", id, [parts[2]!]);
    stack = await stack.restart();
    expect(stack.s3.recovery).toEqual({ redone: 0, removed: 0, missing: [] });
    await complete("resumed", id, sent);
    stack.s3.createBucket("shortlived");
    const other = (await stack.client.send(new CreateMultipartUploadCommand({ Bucket: "shortlived", Key: "a" })))
      .UploadId!;
    await stack.client.send(
      new UploadPartCommand({ Bucket: "shortlived", Key: "a", UploadId: other, PartNumber: 1, Body: "x" }),
    );
    await stack.client.send(new DeleteBucketCommand({ Bucket: "shortlived" }));
    expect(temporaries()).toEqual([]);
  });
});
