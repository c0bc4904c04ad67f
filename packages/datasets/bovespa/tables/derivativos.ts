import type { Table } from "../../../core/table.ts";
import { calendar, contract, dayColumns, identity, lineage, market, month, quote, year } from "./quote.ts";

export const bovespaDerivativos = {
  name: "bovespa_derivativos",
  means:
    "Opções, termo, fracionário e todos os outros mercados da B3 que não o à vista: uma linha por papel, mercado, prazo e pregão",
  columns: { ...identity, ...market, ...quote, ...contract, ...calendar, ...dayColumns, ...lineage },
  key: ["data_pregao", "ticker", "tipo_mercado", "prazo_termo"],
  partitions: { ...year, ...month },
  sort: ["ticker", "data_pregao", "tipo_mercado", "prazo_termo"],
  rowGroup: 20_000,
} satisfies Table;
