import { isSession } from "../packages/core/calendar.ts";

/** A small seeded generator (mulberry32): the same seed, the same file. */
export const random = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
};

/** The sessions of a year, `YYYY-MM-DD`, by the exchange's calendar. */
export const sessionsOf = (year: number): string[] => {
  const days: string[] = [];
  for (let ms = Date.UTC(year, 0, 1); ms < Date.UTC(year + 1, 0, 1); ms += 86_400_000) {
    const day = new Date(ms).toISOString().slice(0, 10);
    if (isSession(day)) days.push(day);
  }
  return days;
};

export type Synthetic = { sessions: string[]; perSession: number; seed?: number; generated?: string };

/**
 * A COTAHIST file in the official layout (latin-1, CRLF), in the proportions of today's files: about one row in ten of
 * the cash market, four in five options, the rest odd lots and forwards. Every row is valid.
 */
export const cotahist = ({ sessions, perSession, seed = 1, generated }: Synthetic): Buffer => {
  const next = random(seed);
  const stamp = (generated ?? sessions.at(-1)!).replaceAll("-", "");
  // Of the sessions' year, whenever it was generated.
  const name = `COTAHIST.${sessions.at(-1)!.slice(0, 4)}BOVESPA `;
  const lines: string[] = [`00${name}${stamp}`.padEnd(245)];
  for (const session of sessions)
    for (let i = 0; i < perSession; i++) lines.push(line(session.replaceAll("-", ""), i, next));
  lines.push(`99${name}${stamp}${String(lines.length + 1).padStart(11, "0")}`.padEnd(245));
  return Buffer.from(`${lines.join("\r\n")}\r\n`, "latin1");
};

const digits = (value: number | bigint, width: number) => String(value).padStart(width, "0");
const letters = (n: number) =>
  String.fromCharCode(
    65 + (Math.floor(n / 17576) % 26),
    65 + (Math.floor(n / 676) % 26),
    65 + (Math.floor(n / 26) % 26),
    65 + (n % 26),
  );

const line = (day: string, i: number, next: () => number): string => {
  const kind = i % 10;
  const [market, bdi] =
    kind === 0 ? ["010", "02"] : kind === 1 ? ["020", "96"] : kind < 7 ? ["070", "78"] : ["080", "82"];
  const share = letters(Math.floor(i / 10));
  const ticker =
    market === "010"
      ? `${share}3`
      : market === "020"
        ? `${share}3F`
        : `${share}${kind}${digits(Math.floor(i / 10) % 1000, 3)}`;
  const low = 100 + Math.floor(next() * 10_000);
  const high = low + Math.floor(next() * low * 0.08);
  const within = () => low + Math.floor(next() * (high - low + 1));
  const average = within();
  const quantity = 100 * (1 + Math.floor(next() * 5_000));
  const trades = 1 + Math.floor(next() * 999);
  const option = market === "070" || market === "080";
  return [
    "01",
    day,
    bdi,
    ticker.padEnd(12),
    market,
    `EMPRESA ${share}`.slice(0, 12).padEnd(12),
    "ON      NM",
    "   ",
    "R$  ",
    digits(within(), 13),
    digits(high, 13),
    digits(low, 13),
    digits(average, 13),
    digits(within(), 13),
    digits(low, 13),
    digits(high, 13),
    digits(trades, 5),
    digits(quantity, 18),
    digits(BigInt(average) * BigInt(quantity), 18),
    digits(option ? low : 0, 13),
    "0",
    option ? `${Number(day.slice(0, 4)) + 1}0117` : "99991231",
    "0000001",
    digits(0, 13),
    `BR${share}ACNOR${i % 10}`.padEnd(12),
    digits(i % 1000, 3),
  ].join("");
};
