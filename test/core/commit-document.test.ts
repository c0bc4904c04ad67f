import { describe, expect, test } from "vitest";
import { type Commit, outcome, parseCommit } from "../../packages/core/commit.ts";
import { commitKey } from "../../packages/core/run.ts";
import { broken, failed, held, lateObject, NOW, object, published, reportOf, runAfter } from "./documents.ts";

// A commit is written once and read by every caller after it: whatever happened, what is written can be read again.

const again = (commit: Commit): Commit =>
  parseCommit(JSON.parse(JSON.stringify(commit)), commitKey("d", commit.commit));
/** Three failures, each after another run was published. */
const rejecting = (reason: string): Commit => {
  let commit = failed(null, [object("p")], {}, reason);
  for (const n of [1, 2]) {
    commit = published(commit, [object(`x${n}`)]);
    commit = failed(commit, [object("p")], {}, reason);
  }
  return commit;
};

describe("a commit goes through JSON unchanged:", () => {
  const waiting = failed(held(null, [lateObject("h")], { units: ["2023", "2024"] }), [object("f")]);
  test.each([
    ["published", published(null, [object("a"), lateObject("l")], { dataset: "bovespa", recipe: "r".repeat(64) })],
    ["held, of two units", held(null, [object("h")], { units: ["2023", "2024"] })],
    ["failed alone", failed(null, [object("f")])],
    ["failed and halved, with a late object", failed(null, [object("a"), lateObject("l")])],
    ["with what others left waiting", published(waiting, [object("a")])],
    ["that rejects what failed three times", rejecting("boom")],
    ["of a rebuild", published(waiting, [object("a")], { rebuild: true })],
  ])("%s", (_, commit) => {
    expect(again(commit)).toEqual(commit);
  });
});

test("a commit of before it was written down which one held an object is read as of none", () => {
  const { commit: _, ...before } = held(null, [object("h")]).held[0]!;
  expect(again({ ...held(null, [object("h")]), held: [before as Commit["held"][number]] }).held[0]?.commit).toBe(0);
});

describe("whatever a job says, its commit can be read again:", () => {
  const long = "x".repeat(100_000);

  test("a failure of a long reason", () => {
    const commit = failed(null, [object("f")], {}, long);
    expect(again(commit)).toEqual(commit);
    expect([commit.reason?.length, commit.failed[0]?.reason.length]).toEqual([2000, 1000]);
  });

  test("a rejection of a long reason, which says how often and why", () => {
    const commit = rejecting(long);
    expect(again(commit)).toEqual(commit);
    expect(commit.rejected[0]?.message).toMatch(
      /^the job failed on it 3 times while it succeeded on others; last: xxx/,
    );
  });

  test("many findings of long details: the first ones are kept, and three laws are the reason", () => {
    const audit = Array.from({ length: 3000 }, (_, n) => broken(`law ${n}`, `${n} ${long}`));
    const commit = held(null, [object("h")], {}, audit);
    expect(again(commit)).toEqual(commit);
    expect([commit.audit.length, commit.held[0]?.findings.length]).toEqual([1000, 100]);
    expect(commit.audit[999]).toEqual({ ...audit[999], detail: audit[999]!.detail.slice(0, 500) });
    const short = held(
      null,
      [object("h")],
      {},
      ["a", "b", "c", "d"].map((law) => broken(law)),
    );
    expect(short.reason).toBe("a: too few; b: too few; c: too few");
  });

  test("a law that broke for many rows of a session holds once", () => {
    const audit = [1, 2, 3].map((n) => broken("rows", `row ${n}`));
    expect(held(null, [object("h")], {}, audit).held[0]?.findings).toEqual([
      { law: "rows", session: "2024-11-08", origin: "o" },
    ]);
  });

  test("a rejected object whose message is as long as its bound", () => {
    const run = runAfter(null, [object("a")], {
      rejects: [{ ...object("j"), reason: "columns", message: "x".repeat(1000) }],
    });
    const commit = outcome(run, null, { is: "report", report: reportOf(run) }, NOW);
    expect(again(commit)).toEqual(commit);
  });
});

test.each([
  ["no commit", { commit: 0 }, "commit"],
  ["another status", { status: "lost" }, "status"],
  ["a run that never worked", { worked: -1 }, "worked"],
  ["no recipe", { recipe: "" }, "recipe"],
  ["no dataset", { dataset: "" }, "dataset"],
  ["a time that is none", { at: "yesterday" }, "at"],
])("a document of %s is refused, and its field named", (_, change, field) => {
  const commit = published(null, [object("a")]);
  expect(() => again({ ...commit, ...change } as Commit)).toThrow(new RegExp(`format 1, ${field}: `));
});
