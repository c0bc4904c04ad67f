import { expect, test } from "vitest";
import { sessionsAsked, watched } from "../../packages/cli/ingest-progress.ts";
import type { Download } from "../../packages/core/dataset.ts";

const download = (name: string, sessions: string[], otherwise: Download[] = []): Download => ({
  name,
  sessions,
  otherwise,
});
const DAYS = ["2024-11-07", "2024-11-08", "2024-12-02"];

/** What a bar was told: how far it is of `total`, with what it is at. */
const told = () => {
  const at: [number, string | undefined][] = [];
  return { at, bar: { at: (so: number, now?: string) => void at.push([so, now]), of: () => {}, done: () => {} } };
};

test("a year's file that is not there makes the bar of its months go backwards", () => {
  const months = [download("M11", DAYS.slice(0, 2)), download("M12", DAYS.slice(2))];
  const year = [download("A", DAYS, months)];
  expect([sessionsAsked(year), sessionsAsked(months)]).toEqual([3, 3]);
  const { at, bar } = told();
  const progress = watched(bar, "bovespa", year, 2);
  progress.asks(year[0]!, 0);
  for (const [i, month] of months.entries()) {
    progress.asks(month, 1 - i);
    progress.bytes(100, null);
    progress.surveyed(5, 2);
    progress.sent(5);
    progress.ended({ name: month.name, sessions: [...month.sessions], is: i === 0 ? "sent" : "absent" });
  }
  expect(at).toEqual([
    [2, "bovespa A asked for"],
    [2, "bovespa M11 asked for"],
    [2, "bovespa M11 100 bytes"],
    [2, "bovespa M11 5 of 5 rows sent"],
    [4, undefined],
    [4, "bovespa M12 asked for"],
    [4, "bovespa M12 100 bytes"],
    [4, "bovespa M12 5 of 5 rows sent"],
    [5, undefined],
  ]);
});

test("what is asked for as the current one counts once, whichever session it held and however it was had", () => {
  const current = ["IBOV", "IBXX"].map((name) => download(name, [], [download(`${name}-csv`, [])]));
  expect(sessionsAsked(current)).toBe(2);
  const { at, bar } = told();
  const progress = watched(bar, "carteira", current, 0);
  progress.ended({ name: "IBOV-csv", sessions: ["2026-07-21"], is: "sent" });
  progress.ended({ name: "IBXX", sessions: [], is: "failed" });
  expect(at).toEqual([
    [1, undefined],
    [2, undefined],
  ]);
});

test("a session that comes twice, or one that nobody asked for, makes more of them than there are", () => {
  const { at, bar } = told();
  const progress = watched(bar, "bovespa", [download("D", DAYS.slice(0, 2))], 0);
  progress.ended({ name: "D", sessions: [DAYS[0]!, DAYS[2]!], is: "sent" });
  progress.ended({ name: "D", sessions: [DAYS[0]!], is: "failed" });
  expect(at.map(([so]) => so)).toEqual([1, 1]);
});
