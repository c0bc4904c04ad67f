import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketLocationCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketVersioningCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  PutBucketNotificationConfigurationCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { codeOf, type Stack, startStack } from "./s3.stack.ts";

const Bucket = "lake";
const md5 = (data: string | Uint8Array) => createHash("md5").update(data).digest("hex");
let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.stop());
beforeEach(() => {
  stack.events.length = 0;
  stack.hook.onEvent = () => {};
});
const put = (Key: string, Body: string | Uint8Array, more = {}) =>
  stack.client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const get = async (Key: string, more = {}) => {
  const answer = await stack.client.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return { ...answer, text: await answer.Body!.transformToString() };
};
const failure = async (work: Promise<unknown>): Promise<{ name: string; status: number | undefined }> => {
  try {
    await work;
  } catch (error) {
    const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode?: number } };
    return { name, status: $metadata?.httpStatusCode };
  }
  throw new Error("expected a failure");
};

describe("buckets", () => {
  it("that ask for what nothing here honours are refused by name, and not made", async () => {
    const make = (more: object) => failure(stack.client.send(new CreateBucketCommand({ Bucket: "asking", ...more })));
    for (const [more, name, status] of [
      [{ ACL: "public-read" }, "InvalidBucketAclWithObjectOwnership", 400],
      [{ GrantRead: "id=1" }, "InvalidBucketAclWithObjectOwnership", 400],
      [{ ObjectLockEnabledForBucket: true }, "NotImplemented", 501],
      [{ ObjectOwnership: "ObjectWriter" }, "NotImplemented", 501],
    ] as const)
      expect([more, await make(more)]).toEqual([more, { name, status }]);
    expect(await failure(stack.client.send(new HeadBucketCommand({ Bucket: "asking" })))).toMatchObject({
      status: 404,
    });
    await stack.client.send(
      new CreateBucketCommand({
        Bucket: "asking",
        ACL: "private",
        ObjectLockEnabledForBucket: false,
        ObjectOwnership: "BucketOwnerEnforced",
      }),
    );
    await stack.client.send(new DeleteBucketCommand({ Bucket: "asking" }));
  });

  it("are created, found, located, listed and deleted", async () => {
    await stack.client.send(new CreateBucketCommand({ Bucket: "other" }));
    expect(await failure(stack.client.send(new CreateBucketCommand({ Bucket: "other" })))).toEqual({
      name: "BucketAlreadyOwnedByYou",
      status: 409,
    });
    expect((await stack.client.send(new HeadBucketCommand({ Bucket: "other" }))).BucketRegion).toBe("sa-east-1");
    expect((await stack.client.send(new GetBucketLocationCommand({ Bucket: "other" }))).LocationConstraint).toBe(
      "sa-east-1",
    );
    expect((await stack.client.send(new ListBucketsCommand({}))).Buckets?.map((b) => b.Name)).toEqual([
      "lake",
      "other",
    ]);
    await stack.client.send(new PutObjectCommand({ Bucket: "other", Key: "a/b", Body: "x" }));
    expect(await failure(stack.client.send(new DeleteBucketCommand({ Bucket: "other" })))).toEqual({
      name: "BucketNotEmpty",
      status: 409,
    });
    await stack.client.send(new DeleteObjectCommand({ Bucket: "other", Key: "a/b" }));
    await stack.client.send(new DeleteBucketCommand({ Bucket: "other" }));
    expect((await failure(stack.client.send(new HeadBucketCommand({ Bucket: "other" })))).status).toBe(404);
    expect(existsSync(join(stack.dir, "s3/other"))).toBe(false);
  });

  it("refuses names that would leave the folder of buckets", async () => {
    for (const name of [".tmp", "..", "Lake", "a_b", "a", "10.0.0.1", "a..b"])
      expect(codeOf(await stack.raw("PUT", `/${name}`, { "content-length": 0 }))).toBe("InvalidBucketName");
  });

  it("keeps a notification configuration", async () => {
    const NotificationConfiguration = {
      QueueConfigurations: [
        { QueueArn: "arn:aws:sqs:sa-east-1:000000000000:landed", Events: ["s3:ObjectCreated:*" as const] },
      ],
    };
    expect(
      (await stack.client.send(new GetBucketNotificationConfigurationCommand({ Bucket }))).QueueConfigurations,
    ).toBeUndefined();
    await stack.client.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
    expect(
      (await stack.client.send(new GetBucketNotificationConfigurationCommand({ Bucket }))).QueueConfigurations,
    ).toMatchObject(NotificationConfiguration.QueueConfigurations);
  });

  it("refuses by name what is not implemented", async () => {
    const error = await stack.client.send(new GetBucketVersioningCommand({ Bucket })).catch((e: Error) => e);
    expect(error).toMatchObject({ name: "NotImplemented", message: "GetBucketVersioning is not implemented here" });
    expect((await stack.raw("GET", "/lake/key?retention")).text).toContain(
      "GetObjectRetention is not implemented here",
    );
  });
});

describe("objects", () => {
  it("come back as they were put, and lie as plain files under their key", async () => {
    const Key = "raw/bovespa/ingest_date=2024-11-08/100%25 a+b,ção.parquet";
    const answer = await put(Key, "hello", {
      ContentType: "text/plain",
      ContentEncoding: "x-own",
      CacheControl: "no-cache",
      ContentDisposition: "inline",
      ContentLanguage: "pt-BR",
      Metadata: { Scraped_At: "2024-11-08 22:11:00.000", other: "b" },
    });
    expect(answer.ETag).toBe(`"${md5("hello")}"`);
    expect(readFileSync(join(stack.dir, "s3/lake", Key), "utf8")).toBe("hello");
    const back = await get(Key);
    expect(back).toMatchObject({
      text: "hello",
      ContentLength: 5,
      ContentType: "text/plain",
      ContentEncoding: "x-own",
      CacheControl: "no-cache",
      ContentDisposition: "inline",
      ContentLanguage: "pt-BR",
      Metadata: { scraped_at: "2024-11-08 22:11:00.000", other: "b" },
      ETag: answer.ETag,
      AcceptRanges: "bytes",
      ChecksumCRC32: "NhCmhg==",
    });
    expect(await stack.client.send(new HeadObjectCommand({ Bucket, Key }))).toMatchObject({
      ContentLength: 5,
      ETag: answer.ETag,
      LastModified: back.LastModified,
    });
    expect(stack.s3.path("lake", Key)).toMatchObject({
      path: join(stack.dir, "s3/lake", Key),
      etag: md5("hello"),
      size: 5,
    });
    expect(await get(Key, { ResponseContentType: "a/b", ResponseCacheControl: "max-age=1" })).toMatchObject({
      ContentType: "a/b",
      CacheControl: "max-age=1",
    });
  });

  it("are announced as S3 does, inside the transaction", async () => {
    await put("dir/a b+c=d", "x");
    await stack.client.send(new DeleteObjectCommand({ Bucket, Key: "dir/a b+c=d" }));
    const [created, removed] = stack.events;
    expect(created).toMatchObject({
      eventVersion: "2.1",
      eventSource: "aws:s3",
      eventName: "ObjectCreated:Put",
      s3: {
        bucket: { name: "lake", arn: "arn:aws:s3:::lake" },
        object: { key: "dir/a+b%2Bc%3Dd", size: 1, eTag: md5("x") },
      },
    });
    expect(removed?.eventName).toBe("ObjectRemoved:Delete");
    expect(removed!.s3.object.sequencer > created!.s3.object.sequencer).toBe(true);
  });

  it("do not exist, and leave no file, when their notification could not be written", async () => {
    await put("kept", "old");
    stack.hook.onEvent = () => {
      throw new Error("the queue is full");
    };
    expect((await failure(put("refused", "x"))).status).toBe(500);
    expect((await failure(put("kept", "new"))).status).toBe(500);
    expect((await failure(stack.client.send(new DeleteObjectCommand({ Bucket, Key: "kept" })))).status).toBe(500);
    stack.hook.onEvent = () => {};
    expect((await failure(get("refused"))).name).toBe("NoSuchKey");
    expect((await get("kept")).text).toBe("old");
    expect(existsSync(join(stack.dir, "s3/lake/refused"))).toBe(false);
    expect(readdirSync(join(stack.dir, "s3/.tmp"))).toEqual([]);
  });

  it("takes a streamed body of unknown checksum (aws-chunked with a trailer) and an empty one", async () => {
    const body = Buffer.alloc(3_000_000, "pregao ");
    await stack.client.send(
      new PutObjectCommand({
        Bucket,
        Key: "stream",
        Body: Readable.from([body.subarray(0, 5), body.subarray(5)]),
        ContentLength: body.length,
      }),
    );
    const back = await get("stream");
    expect(md5(back.text)).toBe(md5(body));
    expect(back.ContentEncoding).toBeUndefined();
    expect(back.ChecksumCRC32).toBeDefined();
    await put("empty", "");
    expect(await get("empty")).toMatchObject({ text: "", ContentLength: 0 });
  });

  it("keeps and gives back each checksum that can be verified, and refuses one that is wrong", async () => {
    for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const) {
      const name = `Checksum${ChecksumAlgorithm}` as const;
      const answer = await put("sum", "123456789", { ChecksumAlgorithm });
      expect((await get("sum"))[name], ChecksumAlgorithm).toBe(answer[name]);
      expect(answer[name]).toBeTruthy();
    }
    expect((await failure(put("sum2", "hello", { ChecksumCRC32: "AAAAAA==" }))).name).toBe("BadDigest");
    expect((await failure(put("sum2", "hello", { ChecksumCRC64NVME: "AAAAAAAAAAA=" }))).name).toBe("BadDigest");
    expect(
      codeOf(
        await stack.raw(
          "PUT",
          "/lake/sum2",
          { "content-length": 1, "x-amz-checksum-xxhash64": "AAAA", "x-amz-sdk-checksum-algorithm": "XXHASH64" },
          "x",
        ),
      ),
    ).toBe("NotImplemented");
    expect(codeOf(await stack.raw("PUT", "/lake/sum2", { "content-length": 1, "content-md5": md5("x") }, "x"))).toBe(
      "InvalidDigest",
    );
    expect(
      codeOf(
        await stack.raw(
          "PUT",
          "/lake/sum2",
          { "content-length": 1, "content-md5": Buffer.from(md5("y"), "hex").toString("base64") },
          "x",
        ),
      ),
    ).toBe("BadDigest");
    expect(
      codeOf(
        await stack.raw("PUT", "/lake/sum2", { "content-length": 1, "x-amz-content-sha256": "0".repeat(64) }, "x"),
      ),
    ).toBe("XAmzContentSHA256Mismatch");
    expect((await failure(get("sum2"))).name).toBe("NoSuchKey");
  });

  it("takes headers, metadata and nothing more from a presigned URL, and refuses it once it has expired", async () => {
    const now = new Date();
    const date = (at: Date) => at.toISOString().replace(/[-:]|\.\d+/g, "");
    const query = (at: Date) =>
      `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=${date(at)}&X-Amz-Expires=60&X-Amz-Signature=00&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32&x-amz-meta-Quem=ci%C3%AAncia`;
    expect((await stack.raw("PUT", `/lake/presigned?${query(now)}`, { "content-length": 5 }, "hello")).status).toBe(
      200,
    );
    const back = await stack.raw("GET", `/lake/presigned?${query(now)}`);
    expect(back.text).toBe("hello");
    expect(Buffer.from(back.headers["x-amz-meta-quem"] as string, "latin1").toString()).toBe("ciência");
    expect(codeOf(await stack.raw("GET", `/lake/presigned?${query(new Date(now.getTime() - 120_000))}`))).toBe(
      "AccessDenied",
    );
  });

  it("answers virtual-host style, too", async () => {
    await put("folder/host", "x");
    expect((await stack.raw("GET", "/folder/host", { host: "lake.localhost:4566" })).text).toBe("x");
    expect((await stack.raw("GET", "/folder/host", { host: "lake.s3.localhost" })).text).toBe("x");
  });

  it("names what is wrong: key, bucket, key too long, metadata too large, missing length", async () => {
    expect(await failure(get("nothing"))).toEqual({ name: "NoSuchKey", status: 404 });
    expect(await failure(stack.client.send(new GetObjectCommand({ Bucket: "nowhere", Key: "a" })))).toEqual({
      name: "NoSuchBucket",
      status: 404,
    });
    expect(await failure(stack.client.send(new PutObjectCommand({ Bucket: "nowhere", Key: "a", Body: "b" })))).toEqual({
      name: "NoSuchBucket",
      status: 404,
    });
    expect((await failure(put("é".repeat(513), "x"))).name).toBe("KeyTooLongError");
    expect((await failure(put("meta", "x", { Metadata: { a: "b".repeat(2048) } }))).name).toBe("MetadataTooLarge");
    expect(
      codeOf(await stack.raw("PUT", "/lake/chunked", { "transfer-encoding": "chunked" }, [Buffer.from("x")])),
    ).toBe("NotImplemented");
    const huge = {
      "x-amz-decoded-content-length": 5 * 1024 ** 3 + 1,
      "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    };
    expect(codeOf(await stack.raw("PUT", "/lake/big", { "content-length": 5, ...huge }, "0\r\n\r\n"))).toBe(
      "EntityTooLarge",
    );
    expect(codeOf(await stack.raw("GET", "/lake/%ff"))).toBe("InvalidURI");
    expect(codeOf(await stack.raw("PUT", "/lake/acl", { "content-length": 1, "x-amz-acl": "public-read" }, "x"))).toBe(
      "AccessControlListNotSupported",
    );
    expect(
      codeOf(
        await stack.raw("PUT", "/lake/sse", { "content-length": 1, "x-amz-server-side-encryption": "aws:kms" }, "x"),
      ),
    ).toBe("NotImplemented");
  });

  it("are copied with or without their metadata, and never onto themselves unchanged", async () => {
    const source = await put("copy/a ç.txt", "copied", {
      Metadata: { a: "1" },
      ContentType: "text/plain",
      Tagging: "k=v",
    });
    const CopySource = encodeURIComponent("lake/copy/a ç.txt");
    const copied = await stack.client.send(new CopyObjectCommand({ Bucket, Key: "copy/b", CopySource }));
    expect(copied.CopyObjectResult?.ETag).toBe(source.ETag);
    expect(await get("copy/b")).toMatchObject({
      text: "copied",
      Metadata: { a: "1" },
      ContentType: "text/plain",
      TagCount: 1,
      ChecksumCRC32: source.ChecksumCRC32,
    });
    expect(stack.events.at(-1)?.eventName).toBe("ObjectCreated:Copy");
    await stack.client.send(
      new CopyObjectCommand({ Bucket, Key: "copy/b", CopySource, MetadataDirective: "REPLACE", Metadata: { b: "2" } }),
    );
    expect(await get("copy/b")).toMatchObject({ text: "copied", Metadata: { b: "2" } });
    const self = { Bucket, Key: "copy/a ç.txt", CopySource };
    expect((await failure(stack.client.send(new CopyObjectCommand(self)))).name).toBe("InvalidRequest");
    await stack.client.send(new CopyObjectCommand({ ...self, MetadataDirective: "REPLACE", Metadata: { c: "3" } }));
    expect(await get("copy/a ç.txt")).toMatchObject({ text: "copied", Metadata: { c: "3" } });
    const to = { Bucket, Key: "copy/c", CopySource };
    expect(
      (await failure(stack.client.send(new CopyObjectCommand({ ...to, CopySourceIfMatch: '"other"' })))).name,
    ).toBe("PreconditionFailed");
    expect(
      (await failure(stack.client.send(new CopyObjectCommand({ ...to, CopySourceIfNoneMatch: source.ETag })))).name,
    ).toBe("PreconditionFailed");
    expect(
      (await failure(stack.client.send(new CopyObjectCommand({ ...to, Key: "copy/b", IfNoneMatch: "*" })))).name,
    ).toBe("PreconditionFailed");
    expect((await failure(stack.client.send(new CopyObjectCommand({ ...to, CopySource: "lake/none" })))).name).toBe(
      "NoSuchKey",
    );
    await stack.client.send(new CopyObjectCommand({ ...to, CopySourceIfMatch: source.ETag, IfNoneMatch: "*" }));
  });

  it("are deleted one by one and many at once; a missing one is no error; empty folders go", async () => {
    await Promise.all(["del/x/1", "del/x/2", "del/y&<z"].map((key) => put(key, key)));
    await stack.client.send(new DeleteObjectCommand({ Bucket, Key: "del/none" }));
    expect(
      (await failure(stack.client.send(new DeleteObjectCommand({ Bucket, Key: "del/x/1", IfMatch: '"no"' })))).name,
    ).toBe("PreconditionFailed");
    const answer = await stack.client.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: {
          Objects: [{ Key: "del/x/1" }, { Key: "del/none" }, { Key: "del/y&<z" }, { Key: "del/x/2", ETag: "no" }],
        },
      }),
    );
    expect(answer.Deleted?.map((d) => d.Key)).toEqual(["del/x/1", "del/none", "del/y&<z"]);
    expect(answer.Errors).toMatchObject([{ Key: "del/x/2", Code: "PreconditionFailed" }]);
    await stack.client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: "del/x/2" }], Quiet: true } }),
    );
    expect(existsSync(join(stack.dir, "s3/lake/del"))).toBe(false);
    const objects = Array.from({ length: 1001 }, (_, i) => ({ Key: `k${i}` }));
    expect(
      (await failure(stack.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: objects } })))).name,
    ).toBe("MalformedXML");
    expect(codeOf(await stack.raw("POST", "/lake?delete", { "content-length": 3 }, "<a>"))).toBe("InvalidRequest");
  });

  it("have tags and attributes", async () => {
    await put("tagged", "x", { Tagging: "a=1&b=c%20d" });
    const tags = async () => (await stack.client.send(new GetObjectTaggingCommand({ Bucket, Key: "tagged" }))).TagSet;
    expect(await tags()).toEqual([
      { Key: "a", Value: "1" },
      { Key: "b", Value: "c d" },
    ]);
    await stack.client.send(
      new PutObjectTaggingCommand({ Bucket, Key: "tagged", Tagging: { TagSet: [{ Key: "n", Value: "<&>" }] } }),
    );
    expect(await tags()).toEqual([{ Key: "n", Value: "<&>" }]);
    await stack.client.send(new DeleteObjectTaggingCommand({ Bucket, Key: "tagged" }));
    expect(await tags()).toEqual([]);
    const attributes = await stack.client.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key: "tagged",
        ObjectAttributes: ["ETag", "Checksum", "ObjectSize", "StorageClass"],
      }),
    );
    expect(attributes).toMatchObject({
      ETag: md5("x"),
      ObjectSize: 1,
      StorageClass: "STANDARD",
      Checksum: { ChecksumType: "FULL_OBJECT" },
    });
    expect(attributes.Checksum?.ChecksumCRC32).toBeTruthy();
  });
});

describe("conditional writes", () => {
  it("let one of many concurrent creators win", async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        put("claim", `${i}`, { IfNoneMatch: "*" }).then(
          () => i,
          (error: Error) => error.name,
        ),
      ),
    );
    const winners = results.filter((r) => typeof r === "number");
    expect(winners).toHaveLength(1);
    expect(results.filter((r) => r === "PreconditionFailed")).toHaveLength(19);
    expect((await get("claim")).text).toBe(String(winners[0]));
    expect(stack.events).toHaveLength(1);
    expect(readdirSync(join(stack.dir, "s3/.tmp"))).toEqual([]);
  });

  it("replace exactly the version they name", async () => {
    const first = await put("cas", "1");
    const second = await put("cas", "2", { IfMatch: first.ETag });
    expect((await failure(put("cas", "3", { IfMatch: first.ETag }))).name).toBe("PreconditionFailed");
    expect((await failure(put("cas-none", "3", { IfMatch: first.ETag }))).name).toBe("NoSuchKey");
    expect((await failure(put("cas", "3", { IfNoneMatch: first.ETag }))).name).toBe("NotImplemented");
    expect((await get("cas")).ETag).toBe(second.ETag);
  });

  it("conflict with a delete of their key while their body is on its way", async () => {
    const first = await put("conflict", "1");
    const racing = async (headers: Record<string, string>, between: () => Promise<unknown>) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const body = async function* () {
        yield Buffer.from("ab");
        await promise;
        yield Buffer.from("cd");
      };
      const http = await import("node:http");
      const answer = new Promise<string>((done, reject) => {
        const req = http.request(
          `${stack.url}/lake/conflict`,
          { method: "PUT", headers: { ...headers, "content-length": 4 } },
          (res) => {
            let text = "";
            res.on("data", (piece) => {
              text += piece;
            });
            res.on("end", () => done(codeOf({ text }) ?? String(res.statusCode)));
          },
        );
        req.on("error", reject);
        Readable.from(body()).pipe(req);
      });
      // The body's file is there once the request has passed its first check.
      while (readdirSync(join(stack.dir, "s3/.tmp")).length === 0) await new Promise(setImmediate);
      await between();
      resolve();
      return answer;
    };
    const remove = () => stack.client.send(new DeleteObjectCommand({ Bucket, Key: "conflict" }));
    expect(await racing({ "if-match": first.ETag! }, remove)).toBe("ConditionalRequestConflict");
    expect(
      await racing({ "if-none-match": "*" }, async () => {
        await put("conflict", "2");
        await remove();
      }),
    ).toBe("ConditionalRequestConflict");
    expect(await racing({ "if-none-match": "*" }, () => put("conflict", "3"))).toBe("PreconditionFailed");
  });
});

describe("neighbours in the process", () => {
  it("make a file an object by renaming it, once", async () => {
    const file = stack.s3.temporary();
    writeFileSync(file, "parquet");
    expect(
      await stack.s3.putFile("lake", "put/file=1", file, {
        metadata: { n: "1" },
        contentType: "a/b",
        ifNoneMatch: true,
      }),
    ).toEqual({ etag: md5("parquet") });
    expect(existsSync(file)).toBe(false);
    expect(await get("put/file=1")).toMatchObject({ text: "parquet", Metadata: { n: "1" }, ContentType: "a/b" });
    mkdirSync(join(stack.dir, "scratch"), { recursive: true });
    const again = join(stack.dir, "scratch/again");
    writeFileSync(again, "other");
    await expect(stack.s3.putFile("lake", "put/file=1", again, { ifNoneMatch: true })).rejects.toMatchObject({
      code: "PreconditionFailed",
    });
    expect(existsSync(again)).toBe(false);
    expect(stack.s3.list("lake", "put/")).toEqual([{ key: "put/file=1", etag: md5("parquet"), size: 7 }]);
    const failing = stack.s3.temporary();
    writeFileSync(failing, "never");
    const within = () => {
      throw new Error("not settled");
    };
    await expect(stack.s3.putFile("lake", "put/within", failing, { within })).rejects.toThrow("not settled");
    expect(stack.s3.path("lake", "put/within")).toBeNull();
    stack.s3.remove("lake", ["put/file=1", "put/none"]);
    expect(stack.s3.path("lake", "put/file=1")).toBeNull();
    expect(readdirSync(join(stack.dir, "s3/.tmp"))).toEqual([]);
  });
});
