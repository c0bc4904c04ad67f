import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { portfolioIn } from "../../packages/datasets/carteira/answers.ts";
import { day, number } from "../../packages/datasets/carteira/numbers.ts";
import { publication } from "../../packages/datasets/carteira/publication.ts";
import { csv, html, json, newest, sample, smaller } from "../origin/portfolios.ts";
import { fileOf, utf8 } from "./carteira.ts";
import { latin1 } from "./cotahist.ts";

const few = smaller(newest, "IBOV", 5);

describe("no damage goes unseen", () => {
  /** What comes of bytes: rejected, or exactly the rows that it was. */
  const outcome = (make: () => Uint8Array): unknown => {
    try {
      return portfolioIn(make());
    } catch (error) {
      if ((error as Error).name !== "PregaoError") throw error;
      return "rejected";
    }
  };
  const whole = outcome(() => fileOf(sample.csv));

  test("the real CSV cut at any byte is never taken for the whole", () => {
    const data = fileOf(sample.csv);
    // Without its last end of line it is all there.
    for (let at = 0; at < data.length - 1; at++)
      expect([at, outcome(() => data.subarray(0, at))]).toEqual([at, "rejected"]);
    expect(outcome(() => data.subarray(0, data.length - 1))).toEqual(whole);
  });

  test("archived answers cut at any byte are never taken for the whole", () => {
    const data = publication.bytes(
      { name: "IBOV", sessions: [], otherwise: [] },
      [1, 2, 3].map((pageNumber) =>
        utf8(JSON.stringify(json(few, { index: "IBOV", language: "pt-br", pageNumber, pageSize: 2, segment: "1" }))),
      ),
    );
    for (let at = 0; at < data.length - 1; at++)
      expect([at, outcome(() => data.subarray(0, at))]).toEqual([at, "rejected"]);
  });

  test("a rendered page cut anywhere is rejected, or all of its table had come", () => {
    const data = utf8(html(few));
    const rows = outcome(() => data);
    fc.assert(
      fc.property(fc.nat(data.length - 1), (at) => {
        const came = outcome(() => data.subarray(0, at));
        if (came !== "rejected") expect(came).toEqual({ ...(rows as object), indice: "IBOV" });
      }),
      { numRuns: 150 },
    );
  });

  test("a digit that is another in a quantity is never accepted, whatever the format", () => {
    const texts = [csv(newest), html(newest)];
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(), fc.integer({ min: 1, max: 9 }), (text, nth, by) => {
        const quantities = [...text.matchAll(/\d{1,3}(?:\.\d{3})+(?![\d.,])/g)];
        const { index, 0: digits } = quantities[nth % quantities.length]!;
        const at = index + [...digits].findIndex((_, i) => i >= nth % digits.length && digits[i] !== ".");
        const other = text.slice(0, at) + String((Number(text[at]) + by) % 10) + text.slice(at + 1);
        expect(outcome(() => utf8(other))).toBe("rejected");
      }),
      { numRuns: 150 },
    );
  });

  test("any byte that is another is rejected, or leaves every quantity and the total as they were", () => {
    const answer = json(few, { index: "IBOV", language: "pt-br", pageNumber: 1, pageSize: 120, segment: "2" });
    const files = [
      latin1(csv(few)),
      utf8(html(few)),
      publication.bytes({ name: "IBOV", sessions: [], otherwise: [] }, [utf8(JSON.stringify(answer))]),
    ];
    const quantities = few.rows.map(({ quantity }) => String(quantity));
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.nat(), fc.integer({ min: 1, max: 255 }), (file, at, by) => {
        const other = Uint8Array.from(file);
        other[at % file.length]! ^= by;
        const came = outcome(() => other);
        if (came === "rejected") return;
        const { papers, qtde_total } = came as ReturnType<typeof portfolioIn>;
        expect(papers.map(({ qtde_teorica }) => qtde_teorica)).toEqual(quantities);
        expect(qtde_total).toBe(String(few.total));
      }),
      { numRuns: 600 },
    );
  });

  test("any subset of the papers but all of them is rejected", () => {
    const { rows } = newest;
    fc.assert(
      fc.property(fc.subarray(rows, { maxLength: rows.length - 1 }), (some) => {
        expect(outcome(() => latin1(csv({ ...newest, rows: some })))).toBe("rejected");
      }),
      { numRuns: 100 },
    );
  });
});

describe("numbers", () => {
  const grouped = (digits: string, mark: string) => digits.replaceAll(/\B(?=(\d{3})+$)/g, mark);

  test("every quantity in pt-br is itself, and none that en-us could have written is taken", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n }), (n) => {
        expect(number("quantity", grouped(String(n), "."), "")).toBe(String(n));
        if (n > 999n)
          expect(() => number("quantity", grouped(String(n), ","), "")).toThrow(
            expect.objectContaining({ code: "origin_locale" }),
          );
      }),
    );
  });

  test("every weight and reductor in pt-br is itself, in en-us it is refused by name", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 12n }),
        fc.integer({ min: 0, max: 99_999_999 }),
        (whole, fraction) => {
          for (const [kind, all, decimals] of [
            ["weight", whole % 1000n, String(fraction % 1000).padStart(3, "0")],
            ["reductor", whole, String(fraction).padStart(8, "0")],
          ] as const) {
            expect(number(kind, `${grouped(String(all), ".")},${decimals}`, "")).toBe(`${all}.${decimals}`);
            expect(() => number(kind, `${grouped(String(all), ",")}.${decimals}`, "")).toThrow(
              expect.objectContaining({ code: "origin_locale" }),
            );
          }
        },
      ),
    );
  });

  test("no text is read in two ways: what is taken, spelled again, is the same text", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9.,-]{1,16}$/), (text) => {
        let taken: string;
        try {
          taken = number("quantity", text, "");
        } catch {
          return;
        }
        expect(grouped(taken, ".")).toBe(text.replace(/^[0.]+(?=\d)/, ""));
      }),
      { numRuns: 1000 },
    );
  });

  test("every day of the century is itself; what only en-us could mean is refused by name", () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date("2000-01-01"), max: new Date("2099-12-31"), noInvalidDate: true }),
        (date) => {
          const iso = date.toISOString().slice(0, 10);
          const [year, month, of] = iso.slice(2).split("-");
          expect(day(`${of}/${month}/${year}`, "")).toBe(iso);
          if (Number(of) > 12)
            expect(() => day(`${month}/${of}/${year}`, "")).toThrow(expect.objectContaining({ code: "origin_locale" }));
        },
      ),
    );
  });
});
