import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openState, type State } from "../../packages/local/state.ts";
import { folder } from "./sqs.fixture.ts";

let place: ReturnType<typeof folder>;
let state: State;
let alarms: unknown[];
beforeEach(() => {
  place = folder();
  alarms = [];
  state = openState(place.path, (error) => alarms.push(error));
  state.db.exec("CREATE TABLE t(n INTEGER)");
});
afterEach(() => {
  state.close();
  place.remove();
});
const add = (n: number) => state.db.prepare("INSERT INTO t VALUES (?)").run(n);
const rows = () =>
  state.db
    .prepare("SELECT n FROM t ORDER BY n")
    .all()
    .map((row) => row.n);

test("a transaction that could not begin does not switch off those after it", () => {
  const other = new DatabaseSync(join(place.path, "pregao.sqlite"));
  state.db.exec("PRAGMA busy_timeout = 0");
  other.exec("BEGIN IMMEDIATE");
  expect(() => state.transaction(() => add(1))).toThrow(/locked/);
  other.exec("ROLLBACK");
  other.close();

  const fail = () =>
    state.transaction(() => {
      add(2);
      throw new Error("refused");
    });
  expect(fail).toThrow("refused");
  expect(rows()).toEqual([]);
  let woken = 0;
  state.afterCommit(() => woken++);
  expect(woken).toBe(1);
});

test("a hook that throws after the commit takes neither the answer nor the hooks after it", () => {
  const woken: string[] = [];
  const answer = state.transaction(() => {
    state.afterCommit(() => woken.push("first"));
    state.afterCommit(() => {
      throw new Error("broken hook");
    });
    state.afterCommit(() => woken.push("last"));
    add(1);
    return "committed";
  });
  expect(answer).toBe("committed");
  expect(woken).toEqual(["first", "last"]);
  expect(rows()).toEqual([1]);
  expect(alarms).toMatchObject([{ message: "broken hook" }]);
});

test("whoever waits for a change is woken once per commit, after everything else", () => {
  const order: string[] = [];
  state.changes.on("change", () => order.push("change"));
  state.transaction(() => {
    state.afterCommit(state.touch);
    state.afterCommit(() => order.push("body in place"));
    state.afterCommit(state.touch);
  });
  expect(order).toEqual(["body in place", "change"]);
});
