import { expect, test } from "vitest";
import type { Row, SessionFact } from "../../packages/core/dataset.ts";
import { facts } from "../../packages/datasets/carteira/facts.ts";

const file = (indice: string, rows: number, more: Row = {}): Row => ({
  ...{ data_pregao: "2026-07-21", indice, origin_sha256: indice, scraped_at: "2026-07-21 10:00:00.000" },
  ...{ estado: "completa", mista: false, linhas_esperadas: rows, linhas_vistas: rows },
  ...more,
});
const dayOf = (...files: Row[]): SessionFact => {
  const [fact, ...others] = facts.of({ carteira_sessoes: files });
  expect(others).toEqual([]);
  return fact!;
};

test("a larger index that a person brought makes more tickers of the one that is looked for", () => {
  expect(dayOf(file("IBOV", 79), file("SMLL", 110))).toMatchObject({ tickers: 79, rows: 189 });
  expect(dayOf(file("SMLL", 110), file("IBXX", 98))).toMatchObject({ tickers: 110, rows: 208 });
});

test("half a portfolio counts as all of it, or a complete one as what came of a larger", () => {
  const half = file("IBOV", 79, { estado: "parcial", linhas_vistas: 40 });
  expect(dayOf(half)).toMatchObject({ tickers: 40, complete: false, series: { IBOV: false } });
  const mixed = [file("IBOV", 79, { mista: true }), { ...half, linhas_esperadas: 80, mista: true }];
  expect(dayOf(...mixed, file("SMLL", 110))).toMatchObject({
    ...{ tickers: 79, rows: 189, complete: false },
    series: { IBOV: false, SMLL: true },
  });
});
