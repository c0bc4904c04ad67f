import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { httpDate } from "../../packages/web/index.ts";

afterEach(() => vi.unstubAllEnvs());

test("a date that HTTP sends is the same instant in every zone, and one without GMT is none", () => {
  const date = fc.integer({ min: 0, max: 4e9 }).map((s) => new Date(s * 1000));
  for (const zone of ["America/Sao_Paulo", "Pacific/Apia", "UTC"]) {
    vi.stubEnv("TZ", zone);
    fc.assert(
      fc.property(date, (at) => {
        const text = at.toUTCString();
        expect(httpDate(text)).toBe(at.getTime());
        for (const end of ["", " BRT", " UTC", " -0300", " GMT-3", " gmt", " GMT GMT"])
          expect([end, httpDate(text.replace(" GMT", end))]).toEqual([end, null]);
      }),
      { numRuns: 30 },
    );
  }
});

test("a date that is none is none: no such day, the wrong day of the week, another form, nothing", () => {
  for (const text of [
    ...["Sat, 31 Feb 2026 00:00:00 GMT", "Sat, 20 Nov 2026 23:31:07 GMT", "Fri, 20 Nov 2026 24:00:00 GMT"],
    ...["Fri, 20 Nov 2026 23:31 GMT", "20 Nov 2026 23:31:07 GMT", "Friday, 20-Nov-26 23:31:07 GMT", "2026-11-20", ""],
    undefined,
  ])
    expect([text, httpDate(text)]).toEqual([text, null]);
});
