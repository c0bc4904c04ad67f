import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Stack, startStack } from "./s3.stack.ts";

const Bucket = "lake";
let stack: Stack;
const put = (Key: string, Body: string) => stack.client.send(new PutObjectCommand({ Bucket, Key, Body }));
const get = async (Key: string) =>
  (await stack.client.send(new GetObjectCommand({ Bucket, Key }))).Body!.transformToString();
const file = (...names: string[]) => join(stack.dir, "s3", ...names);
const bodyOf = (key: string) =>
  stack.state.db.prepare("SELECT body FROM s3_objects WHERE key = ?").get(key)?.body as string;

describe("what a crash leaves between two steps", () => {
  beforeEach(async () => {
    stack = await startStack();
  });
  afterEach(() => stack.stop());

  it("between commit and rename: the new body is put in place, also over an old one", async () => {
    await put("a/over", "old");
    await put("a/over", "newer");
    await put("b/created", "first");
    const [over, created] = [bodyOf("a/over"), bodyOf("b/created")];
    stack = await stack.restart(() => {
      renameSync(file("lake/a/over"), file(".tmp", over));
      writeFileSync(file("lake/a/over"), "old");
      renameSync(file("lake/b/created"), file(".tmp", created));
      rmSync(file("lake/b"), { recursive: true });
    });
    expect(stack.s3.recovery).toEqual({ redone: 2, removed: 0, missing: [] });
    expect([await get("a/over"), await get("b/created")]).toEqual(["newer", "first"]);
    expect(readFileSync(file("lake/a/over"), "utf8")).toBe("newer");
    expect(stack.alarms).toEqual([]);
  });

  it("before the commit: the body goes, the old object stays", async () => {
    await put("kept", "old");
    stack = await stack.restart(() =>
      writeFileSync(file(".tmp/1b671a64-40d5-491e-99b0-da01ff1f3341"), "half a new one"),
    );
    expect(stack.s3.recovery).toEqual({ redone: 0, removed: 1, missing: [] });
    expect(readdirSync(file(".tmp"))).toEqual([]);
    expect(await get("kept")).toBe("old");
  });

  it("between the commit of a delete and its unlink: the file goes, also where another key's folder must be", async () => {
    await put("dir/deleted", "x");
    await stack.client.send(new DeleteObjectCommand({ Bucket, Key: "dir/deleted" }));
    await put("dir/deleted/below", "y");
    const below = bodyOf("dir/deleted/below");
    stack = await stack.restart(() => {
      renameSync(file("lake/dir/deleted/below"), file(".tmp", below));
      rmSync(file("lake/dir"), { recursive: true });
      mkdirSync(file("lake/dir"));
      writeFileSync(file("lake/dir/deleted"), "x");
      mkdirSync(file("gone-bucket/sub"), { recursive: true });
      writeFileSync(file("gone-bucket/sub/file"), "z");
    });
    expect(stack.s3.recovery).toEqual({ redone: 1, removed: 2, missing: [] });
    expect(await get("dir/deleted/below")).toBe("y");
    expect(existsSync(file("gone-bucket"))).toBe(false);
  });

  it("a database that was lost does not take all objects with it", async () => {
    await put("a/b", "precious");
    await stack.close();
    for (const name of readdirSync(stack.dir)) if (name.startsWith("pregao.sqlite")) rmSync(join(stack.dir, name));
    await expect(startStack(stack.dir)).rejects.toMatchObject({ code: "s3_orphans" });
    expect(readFileSync(file("lake/a/b"), "utf8")).toBe("precious");
    rmSync(stack.dir, { recursive: true });
    stack = await startStack();
  });

  it("a body that is gone or changed is told loudly, and never served as if it were the object", async () => {
    await put("lost", "12345");
    await put("changed", "12345");
    stack = await stack.restart(() => {
      rmSync(file("lake/lost"));
      writeFileSync(file("lake/changed"), "123");
    });
    expect(stack.s3.recovery.missing.map((m) => m.key)).toEqual(["changed", "lost"]);
    expect(stack.alarms).toEqual([expect.stringContaining("2 object(s)")]);
    for (const key of ["lost", "changed"]) expect((await stack.raw("GET", `/lake/${key}`)).status).toBe(500);
    await put("lost", "again");
    expect(await get("lost")).toBe("again");
  });
});

/**
 * A process that overwrites and deletes objects as fast as it can. Before a write is sent, and after it was answered,
 * it says so on its standard output: what the parent knows to be acknowledged, and what may or may not have happened.
 */
const writer = `
import http from "node:http";
import { openState } from ${JSON.stringify(fileURLToPath(new URL("../../packages/local/state.ts", import.meta.url)))};
import { s3 } from ${JSON.stringify(fileURLToPath(new URL("../../packages/local/s3/index.ts", import.meta.url)))};
import { writeSync } from "node:fs";
const [dir, seed] = process.argv.slice(2);
const state = openState(dir);
state.db.exec("CREATE TABLE IF NOT EXISTS heard (bucket TEXT, key TEXT, name TEXT, etag TEXT)");
const heard = state.db.prepare("INSERT INTO heard VALUES (?, ?, ?, ?)");
const service = s3(state, { region: "sa-east-1", onEvent: (r) => heard.run("lake", r.s3.object.key, r.eventName, r.s3.object.eTag ?? "") });
service.createBucket("lake");
const server = http.createServer((req, res) => void service.handle(req, res)).listen(0, "127.0.0.1");
server.on("listening", () => {
  const { port } = server.address();
  const send = (method, key, body) => new Promise((done, fail) => {
    const req = http.request({ host: "127.0.0.1", port, method, path: "/lake/" + key, headers: { "content-length": body.length } }, (res) => {
      res.resume();
      res.on("end", () => done(res.statusCode));
    });
    req.on("error", fail);
    req.end(body);
  });
  const work = async (lane) => {
    for (let n = 0; ; n++) {
      const key = "dir" + (n % 2) + "/key" + lane + "-" + (n % 3);
      const remove = n % 7 === 6;
      const body = remove ? "" : (seed + "-" + lane + "-" + n + " ").repeat(1 + (n % 50) * 20);
      writeSync(1, JSON.stringify({ sent: true, key, body: remove ? null : body.slice(0, 30), size: body.length, n }) + "\\n");
      const status = await send(remove ? "DELETE" : "PUT", key, body);
      writeSync(1, JSON.stringify({ status, key, n }) + "\\n");
    }
  };
  for (const lane of [0, 1, 2, 3]) void work(lane);
});
`;

describe("kill -9 at any moment", () => {
  it("loses nothing acknowledged, and never pairs a row with another version's body", { timeout: 60_000 }, async () => {
    const dir = mkdtempSync(join(tmpdir(), "pregao-s3-kill-"));
    const script = join(dir, "writer.mts");
    writeFileSync(script, writer);
    type Write = { body: string | null; size: number };
    const settled = new Map<string, Write>();
    try {
      for (let round = 0; round < 8; round++) {
        const pending = new Map<string, Write>();
        const child: ChildProcess = spawn(
          process.execPath,
          ["--no-warnings", script, join(dir, "state"), String(round)],
          { stdio: ["ignore", "pipe", "inherit"] },
        );
        let text = "";
        let answers = 0;
        const target = 20 + round * 13;
        await new Promise<void>((done, fail) => {
          child.on("error", fail);
          child.on("close", () => done());
          child.stdout!.on("data", (piece: Buffer) => {
            text += piece;
            for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
              const line = JSON.parse(text.slice(0, end)) as {
                sent?: true;
                key: string;
                body: string | null;
                size: number;
                status: number;
              };
              text = text.slice(end + 1);
              if (line.sent) pending.set(line.key, { body: line.body, size: line.size });
              else {
                expect([200, 204]).toContain(line.status);
                settled.set(line.key, pending.get(line.key)!);
                pending.delete(line.key);
                if (++answers === target) child.kill("SIGKILL");
              }
            }
          });
        });
        expect(answers).toBeGreaterThanOrEqual(target);
        const after = await startStack(join(dir, "state"));
        expect(after.s3.recovery.missing).toEqual([]);
        expect(readdirSync(join(dir, "state/s3/.tmp"))).toEqual([]);
        for (const key of new Set([...settled.keys(), ...pending.keys()])) {
          const possible = [
            settled.get(key) ?? { body: null, size: 0 },
            ...(pending.has(key) ? [pending.get(key)!] : []),
          ];
          const found = after.s3.path("lake", key);
          const data = found && readFileSync(found.path);
          if (found) expect(createHash("md5").update(data!).digest("hex"), key).toBe(found.etag);
          const now = { body: data?.toString().slice(0, 30) ?? null, size: data?.length ?? 0 };
          expect(possible, `round ${round}, ${key}`).toContainEqual(now);
          settled.set(key, now);
          // The last thing that was announced of a key is what it is.
          const last = after.state.db
            .prepare("SELECT name, etag FROM heard WHERE key = ? ORDER BY rowid DESC LIMIT 1")
            .get(key);
          if (last) expect(last.etag).toBe(found?.etag ?? "");
        }
        const again = await after.restart();
        expect(again.s3.recovery).toEqual({ redone: 0, removed: 0, missing: [] });
        await again.close();
      }
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
