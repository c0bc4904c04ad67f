import type { WireRecord } from "../../packages/core/dataset.ts";
import { type Arrival, rawRow, sessionOf } from "./merge.oracle.ts";

/** A paper of a portfolio on the wire. */
export const paper = (data: string, indice: string, codigo: string, change: WireRecord = {}): WireRecord => ({
  ...{ data, indice, codigo, acao: `PAPEL ${codigo.replace(/\D/g, "")}`, tipo: "UNT ATZ N2", setor: null },
  ...{ qtde_teorica: "1000", part: "1.000", redutor: "16036751.16744128", qtde_total: "1000", part_total: "100.000" },
  ...change,
});

/** A reductor of the index's own: no two have the same. */
const reductorOf = (indice: string): string =>
  `${[...indice].reduce((sum, char) => sum + char.charCodeAt(0) ** 2, 16_000_000)}.16744128`;

/** The raw rows of a portfolio of `papers` (a divisor of 100) whose totals are right, of one origin that came whole. */
export const portfolioOf = (data: string, indice: string, papers: number, change: WireRecord = {}): WireRecord[] => {
  const quantities = Array.from({ length: papers }, (_, i) => 1000 + i);
  return quantities.map((quantity, i) => ({
    ...paper(data, indice, `PAP${i}`, {
      qtde_teorica: String(quantity),
      part: (100 / papers).toFixed(3),
      qtde_total: String(quantities.reduce((sum, q) => sum + q, 0)),
      redutor: reductorOf(indice),
    }),
    event_id: `${data}${indice}${i}`,
    message_id: "m",
    origin_sha256: indice.padEnd(64, "0"),
    source_version: data,
    origin_rows: papers,
    scraped_at: `${data} 22:00:00.000`,
    scraped_on: data,
    ...change,
  }));
};

/** Two worlds share a day, each in an index of its own: what one index's files say is nothing to the other's. */
export const dayOfWorld = (n: number): string => sessionOf(Math.floor(n / 2));
export const indexOfWorld = (n: number): string => (n % 2 === 0 ? "IBOV" : "IBXX");
/** The raw row of an arrival in the portfolio of world `n`. */
export const rawPaper = (n: number, row: Arrival): WireRecord => {
  const { event_id, message_id, origin_sha256, source_version, origin_rows, scraped_at, scraped_on } = rawRow(n, row);
  return {
    ...paper(dayOfWorld(n), indexOfWorld(n), `PAP${row.key}`, { qtde_teorica: row.event.replace(/\D/g, "") || "0" }),
    ...{ event_id, message_id, origin_sha256, source_version, origin_rows, scraped_at, scraped_on },
  };
};
