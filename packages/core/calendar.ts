const saoPaulo = new Intl.DateTimeFormat("en-CA", {
  timeZone: "America/Sao_Paulo",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
});

/** The date in São Paulo at an instant (milliseconds since 1970), `YYYY-MM-DD`. */
export const saoPauloDay = (ms: number): string => saoPaulo.format(ms);

const DAY = 86_400_000;

/** Days since 1970-01-01 of a date `YYYY-MM-DD`, and back. */
export const dayNumber = (day: string): number => Math.round(Date.parse(`${day}T00:00:00Z`) / DAY);
export const dayOf = (number: number): string => new Date(number * DAY).toISOString().slice(0, 10);

/** ISO: 1 is Monday, 7 Sunday. 1970-01-01 was a Thursday. */
export const weekday = (number: number): number => ((((number + 3) % 7) + 7) % 7) + 1;

/** Easter Sunday of a year of the Gregorian calendar, in days since 1970-01-01 (Meeus, Jones, Butcher). */
const easter = (year: number): number => {
  const a = year % 19;
  const b = Math.trunc(year / 100);
  const c = year % 100;
  const h = (19 * a + b - Math.trunc(b / 4) - Math.trunc((b - Math.trunc((b + 8) / 25) + 1) / 3) + 15) % 30;
  const l = (32 + 2 * (b % 4) + 2 * Math.trunc(c / 4) - h - (c % 4)) % 7;
  const m = Math.trunc((a + 11 * h + 22 * l) / 451);
  const n = h + l - 7 * m + 114;
  return Date.UTC(year, Math.trunc(n / 31) - 1, (n % 31) + 1) / DAY;
};

/** A holiday of every year from `since` to `until`: a date `MM-DD`, or so many days after Easter Sunday. */
type Rule = { on: string | number; since?: number; until?: number };

/** B3's rules. Weekends never have sessions; that a holiday falls on one moves nothing. */
const rules: readonly Rule[] = [
  { on: "01-01" },
  { on: "01-25", until: 2021 }, // São Paulo's anniversary; B3 trades on the city's and the state's holidays since 2022
  { on: -48 }, // Carnival Monday
  { on: -47 }, // Carnival Tuesday
  { on: -46, until: 1996 }, // Ash Wednesday; since then it opens at 13:00
  { on: -3, until: 1999 }, // Maundy Thursday
  { on: -2 }, // Good Friday
  { on: "04-21" },
  { on: "05-01" },
  { on: 60 }, // Corpus Christi
  { on: "07-09", since: 1997, until: 2021 }, // the state's holiday, by its law 9,497 of 1997
  { on: "09-07" },
  { on: "10-12" },
  { on: "11-02" },
  { on: "11-15" },
  { on: "11-20", since: 2004, until: 2019 }, // Consciência Negra in the city, by its law 13,707 of 2004; 2020's was brought forward
  { on: "11-20", since: 2024 }, // and in all of Brazil since 2024
  { on: "12-24" },
  { on: "12-25" },
];

/** Days that no rule gives. */
const closed: ReadonlySet<string> = new Set([
  "1990-03-14", // bank holidays of the Plano Collor
  "1990-03-15",
  "1990-03-16",
  "1990-10-03", // elections
  "1991-02-01", // Plano Collor II
  "1994-07-01", // the first day of the real
  "1994-10-03", // elections
  "1996-10-03", // elections in the cities
  "2014-06-12", // opening of the World Cup in São Paulo
]);
const open: ReadonlySet<string> = new Set([
  "2020-07-09", // brought forward to May against the pandemic
]);

const years = new Map<number, ReadonlySet<number>>();

/** The holidays of a year in days since 1970-01-01, those on weekends included, the last weekday of December too. */
const holidays = (year: number): ReadonlySet<number> => {
  const known = years.get(year);
  if (known) return known;
  const days = rules
    .filter(({ since = year, until = year }) => since <= year && year <= until)
    .map(({ on }) => (typeof on === "number" ? easter(year) + on : dayNumber(`${year}-${on}`)));
  let last = dayNumber(`${year}-12-31`);
  while (weekday(last) > 5) last -= 1;
  const found = new Set([...days, last]);
  years.set(year, found);
  return found;
};

/**
 * Whether B3 holds a session on a day, by rule: exact against B3's own list for 1990–2025, and what is announced for
 * 2026. For later years it is what today's law says. The truth of a past day is its file.
 */
export const isSession = (day: string): boolean => {
  if (open.has(day)) return true;
  const number = dayNumber(day);
  return weekday(number) <= 5 && !closed.has(day) && !holidays(Number(day.slice(0, 4))).has(number);
};

/** The first and the last year of {@link calendarDays}. */
export const CALENDAR_YEARS = [1990, 2040] as const;

/**
 * One day: `dia` is days since 1970-01-01, `indice_util` the number of sessions from 1990-01-01 up to and including it.
 * So days and business days from a to b are `b.dia - a.dia` and `b.indice_util - a.indice_util`, in every engine.
 */
export type CalendarDay = { data: string; dia: number; sessao: boolean; indice_util: number; dia_semana: number };

/** Every day of {@link CALENDAR_YEARS}, in order. */
export const calendarDays = (): CalendarDay[] => {
  const [first, last] = CALENDAR_YEARS;
  const days: CalendarDay[] = [];
  let indice_util = 0;
  for (let dia = dayNumber(`${first}-01-01`); dia <= dayNumber(`${last}-12-31`); dia++) {
    const data = dayOf(dia);
    const sessao = isSession(data);
    if (sessao) indice_util += 1;
    days.push({ data, dia, sessao, indice_util, dia_semana: weekday(dia) });
  }
  return days;
};

/** B3's last market closes before this hour of São Paulo. A look for a session's file may come so late the next day. */
const CLOSED_MS = 19 * 3_600_000;

/** The session that ended last at an instant (ms since 1970), up to 19:00 of the next day; null: that day had none. */
export const sessionEnded = (ms: number): string | null => {
  const day = saoPauloDay(ms - CLOSED_MS);
  return isSession(day) ? day : null;
};

/** The newest session that has ended at an instant, on whatever day. */
export const newestEnded = (ms: number): string => lastSession(saoPauloDay(ms - CLOSED_MS));

/** The newest session up to and including a day. */
export const lastSession = (day: string): string => {
  let number = dayNumber(day);
  while (!isSession(dayOf(number))) number -= 1;
  return dayOf(number);
};
