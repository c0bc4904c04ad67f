import { afterEach, beforeEach, expect, test } from "vitest";
import { commits } from "../../packages/local/sqs/commits.ts";
import { openState, type State } from "../../packages/local/state.ts";
import { folder } from "./sqs.fixture.ts";

let place: ReturnType<typeof folder>;
let state: State;
beforeEach(() => {
  place = folder();
  state = openState(place.path);
  state.db.exec("CREATE TABLE t(n INTEGER)");
});
afterEach(() => {
  if (state.db.isOpen) state.close();
  place.remove();
});
const rows = () =>
  state.db
    .prepare("SELECT n FROM t ORDER BY n")
    .all()
    .map((row) => row.n);
const add = (n: number) => () => {
  state.db.prepare("INSERT INTO t VALUES (?)").run(n);
  return n;
};

test("requests of one turn share a transaction, and one that fails undoes nothing of its neighbours", async () => {
  const commit = commits(state);
  const answers = await Promise.allSettled([
    commit(add(1)),
    commit(() => {
      add(2)();
      throw new Error("refused");
    }),
    commit(add(3)),
  ]);
  expect(answers.map((a) => (a.status === "fulfilled" ? a.value : String(a.reason)))).toEqual([1, "Error: refused", 3]);
  expect(rows()).toEqual([1, 3]);
});

test("nobody hears of success before the commit, and everybody hears when it fails", async () => {
  const commit = commits(state);
  let heard = false;
  const first = commit(add(1)).then(() => {
    heard = true;
  });
  const inside = commit(() => heard);
  await first;
  expect(await inside).toBe(false);

  // A constraint that is checked at the commit only.
  state.db.exec(
    "CREATE TABLE parent(id INTEGER PRIMARY KEY); CREATE TABLE child(id INTEGER REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED)",
  );
  const answers = await Promise.allSettled([
    commit(add(2)),
    commit(() => void state.db.exec("INSERT INTO child VALUES (7)")),
  ]);
  expect(answers.map((a) => a.status)).toEqual(["rejected", "rejected"]);
  expect(rows()).toEqual([1]);
  await commit(add(3));
  expect(rows()).toEqual([1, 3]);
});

test("after the database was closed a request fails, and nothing hangs", async () => {
  const commit = commits(state);
  state.close();
  await expect(commit(() => 1)).rejects.toThrow();
});
