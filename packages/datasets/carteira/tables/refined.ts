import type { Table } from "../../../core/table.ts";
import { identity, lineage, monthAndDay, paper, year } from "./paper.ts";

export const carteiraRefined = {
  name: "carteira_refined",
  means: "Carteiras teóricas dos índices da B3: uma linha por índice, dia e papel, com quantidade e participação",
  columns: { ...identity, ...paper, ...monthAndDay, ...lineage },
  key: ["data_pregao", "indice", "ticker"],
  partitions: year,
  sort: ["indice", "ticker", "data_pregao"],
  rowGroup: 20_000,
} satisfies Table;
