import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  CALENDAR_YEARS,
  calendarDays,
  dayNumber,
  dayOf,
  isSession,
  lastSession,
  saoPauloDay,
  sessionEnded,
  weekday,
} from "../../packages/core/calendar.ts";

const fixture = (name: string) => readFileSync(new URL(`../fixtures/calendar/${name}`, import.meta.url), "utf8");
const listed = new Set((JSON.parse(fixture("Brazil_B3.json")) as { holidays: string[] }).holidays);
const listedSince2000 = new Set(
  fixture("B3.cal")
    .split("\n")
    .map((line) => line.trim()),
);

const days = (first: number, last: number) => {
  const all: string[] = [];
  for (let n = dayNumber(`${first}-01-01`); n <= dayNumber(`${last}-12-31`); n++) all.push(dayOf(n));
  return all;
};
const byList = (list: ReadonlySet<string>, day: string) => weekday(dayNumber(day)) <= 5 && !list.has(day);

describe("B3's calendar", () => {
  test("every day of 1990–2025 is what B3's list says", () => {
    expect(days(1990, 2025).filter((day) => isSession(day) !== byList(listed, day))).toEqual([]);
  });

  test("the other list, from 2000 on, says the same", () => {
    expect(days(2000, 2025).filter((day) => isSession(day) !== byList(listedSince2000, day))).toEqual([]);
  });

  test("2026 is closed on the weekdays that are announced, and on no other", () => {
    const closed = days(2026, 2026).filter((day) => weekday(dayNumber(day)) <= 5 && !isSession(day));
    expect(closed.map((day) => day.slice(5)).join(" ")).toBe(
      "01-01 02-16 02-17 04-03 04-21 05-01 06-04 09-07 10-12 11-02 11-20 12-24 12-25 12-31",
    );
  });

  test("9 July 2020 was a session, 12 June 2014 was none", () => {
    expect(isSession("2020-07-09")).toBe(true);
    expect(isSession("2014-06-12")).toBe(false);
  });

  test("Saturday's newest session is Friday's, also over Carnival", () => {
    expect(lastSession("2024-11-09")).toBe("2024-11-08");
    expect(lastSession("2026-02-17")).toBe("2026-02-13");
    expect(lastSession("2024-11-08")).toBe("2024-11-08");
  });
});

describe("calendar days", () => {
  const all = calendarDays();
  const of = (day: string) => all[dayNumber(day) - dayNumber(all[0]!.data)]!;

  test("every day from 1990 to 2040, once, in order", () => {
    expect([all[0]!.data, all.at(-1)!.data]).toEqual([`${CALENDAR_YEARS[0]}-01-01`, `${CALENDAR_YEARS[1]}-12-31`]);
    expect(all.every((day, i) => i === 0 || day.dia === all[i - 1]!.dia + 1)).toBe(true);
    expect(all.every((day) => dayOf(day.dia) === day.data)).toBe(true);
  });

  test("a business day is counted once, by a running index", () => {
    expect(all.every((day, i) => day.indice_util - (all[i - 1]?.indice_util ?? 0) === (day.sessao ? 1 : 0))).toBe(true);
    // Friday to Monday is one business day, three days; over 15 November 2024, a Friday, it is one as well.
    expect(of("2024-11-11").indice_util - of("2024-11-08").indice_util).toBe(1);
    expect(of("2024-11-18").indice_util - of("2024-11-14").indice_util).toBe(1);
  });

  test("weekdays are ISO's", () => {
    expect(of("2024-11-08").dia_semana).toBe(5);
    expect(of("2024-11-10").dia_semana).toBe(7);
    expect(weekday(dayNumber("1969-12-31"))).toBe(3);
  });
});

describe("São Paulo's day", () => {
  test("a file published at 22:11 in São Paulo is of that day, not of UTC's next one", () => {
    expect(saoPauloDay(Date.parse("2024-11-09T01:11:00Z"))).toBe("2024-11-08");
  });
});

describe("the session that a clock looks for", () => {
  test.each([
    ["in the evening, today's", "2024-11-08T20:45:00-03:00", "2024-11-08"],
    ["a tick that was delivered after midnight, the evening's", "2024-11-09T00:40:00-03:00", "2024-11-08"],
    ["before the close, yesterday's: today's has not ended", "2024-11-08T15:00:00-03:00", "2024-11-07"],
    ["on a holiday, none", "2024-11-15T20:45:00-03:00", null],
    ["on a Sunday, none", "2024-11-10T20:45:00-03:00", null],
  ])("%s", (_, at, session) => {
    expect(sessionEnded(Date.parse(at))).toBe(session);
  });
});
