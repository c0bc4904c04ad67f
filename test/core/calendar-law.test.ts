import { readFileSync } from "node:fs";
import Holidays from "date-holidays";
import { describe, expect, test } from "vitest";
import { dayNumber, dayOf, isSession, weekday } from "../../packages/core/calendar.ts";
import { easter, lawfulHolidays } from "../oracle/calendar.ts";

const list = JSON.parse(readFileSync(new URL("../fixtures/calendar/Brazil_B3.json", import.meta.url), "utf8")) as {
  holidays: string[];
};
const listed = new Set(list.holidays);

const weekdaysOf = (year: number): string[] => {
  const days: string[] = [];
  for (let n = dayNumber(`${year}-01-01`); n <= dayNumber(`${year}-12-31`); n++)
    if (weekday(n) <= 5) days.push(dayOf(n));
  return days;
};
const YEARS = Array.from({ length: 2025 - 1990 + 1 }, (_, i) => 1990 + i);

/** Where B3's list is not what today's law gives, year by year, and why. A day that falls on a weekend differs in nothing. */
const differences: { why: string; is: "closed" | "open"; from: number; to: number; on: string | number }[] = [
  { is: "closed", from: 1990, to: 2021, on: "01-25", why: "São Paulo's anniversary; B3 trades on it since 2022" },
  { is: "closed", from: 1990, to: 1996, on: -46, why: "Ash Wednesday; since then it opens at 13:00" },
  { is: "closed", from: 1990, to: 1999, on: -3, why: "Maundy Thursday" },
  { is: "closed", from: 1997, to: 2019, on: "07-09", why: "the state's holiday since law 9,497 of 1997" },
  { is: "closed", from: 2021, to: 2021, on: "07-09", why: "again, after 2020's was brought forward to May" },
  { is: "open", from: 1990, to: 2003, on: "11-20", why: "Consciência Negra, of the city since law 13,707 of 2004" },
  { is: "open", from: 2020, to: 2020, on: "11-20", why: "2020's was brought forward to May, too" },
  { is: "open", from: 2021, to: 2023, on: "11-20", why: "B3 trades on the city's holidays; all Brazil's since 2024" },
  { is: "closed", from: 1990, to: 1990, on: "03-14", why: "Plano Collor" },
  { is: "closed", from: 1990, to: 1990, on: "03-15", why: "Plano Collor" },
  { is: "closed", from: 1990, to: 1990, on: "03-16", why: "Plano Collor" },
  { is: "closed", from: 1990, to: 1990, on: "10-03", why: "elections" },
  { is: "closed", from: 1991, to: 1991, on: "02-01", why: "Plano Collor II" },
  { is: "closed", from: 1994, to: 1994, on: "07-01", why: "the first day of the real" },
  { is: "closed", from: 1994, to: 1994, on: "10-03", why: "elections" },
  { is: "closed", from: 1996, to: 1996, on: "10-03", why: "elections in the cities" },
  { is: "closed", from: 2014, to: 2014, on: "06-12", why: "opening of the World Cup in São Paulo" },
];

const dayIn = (year: number, on: string | number): string =>
  typeof on === "string" ? `${year}-${on}` : dayOf(easter(year) / 86_400_000 + on);

describe("B3's list against today's law", () => {
  test("a day of 1990–2025 differs from today's law, and nobody knows why", () => {
    const found = YEARS.flatMap((year) => {
      const lawful = new Set(lawfulHolidays(year));
      return weekdaysOf(year).filter((day) => lawful.has(day) !== listed.has(day));
    });
    const explained = differences.flatMap(({ from, to, on }) =>
      YEARS.filter((year) => from <= year && year <= to).map((year) => dayIn(year, on)),
    );
    const weekdays = explained.filter((day) => weekday(dayNumber(day)) <= 5);
    expect([...weekdays].sort()).toEqual(found);
    expect(new Set(weekdays).size).toBe(weekdays.length);
    expect(found.length).toBeGreaterThan(70);
  });

  test("a reason for a difference explains no day of the list, or is not what the calendar says", () => {
    for (const { is, from, to, on, why } of differences) {
      const days = YEARS.filter((year) => from <= year && year <= to)
        .map((year) => dayIn(year, on))
        .filter((day) => weekday(dayNumber(day)) <= 5);
      expect([why, days.length > 0]).toEqual([why, true]);
      for (const day of days) {
        expect([day, listed.has(day)]).toEqual([day, is === "closed"]);
        expect([day, isSession(day)]).toEqual([day, is === "open"]);
      }
    }
  });
});

describe("another's calendar of Brazil", () => {
  const brazil = new Holidays("BR");
  const closing = (year: number): Set<string> => {
    const days = brazil
      .getHolidays(year)
      .filter(({ type }) => type === "public" || type === "bank")
      .map(({ date }) => date.slice(0, 10));
    // What is B3's own: 24 December and the last weekday of the year.
    return new Set([...days, `${year}-12-24`, weekdaysOf(year).at(-1)!]);
  };

  test.each([2022, 2023, 2024, 2025, 2026])("has other sessions in %i", (year) => {
    const closed = closing(year);
    expect(weekdaysOf(year).filter((day) => isSession(day) === closed.has(day))).toEqual([]);
  });

  test("has other sessions in a year to come", () => {
    for (let year = 2027; year <= 2040; year++) {
      const closed = closing(year);
      expect(weekdaysOf(year).filter((day) => isSession(day) === closed.has(day))).toEqual([]);
    }
  });
});
