import { boolean } from "../../../core/columns.ts";
import type { Table } from "../../../core/table.ts";
import { calendar, dayColumns, identity, lineage, month, quote, year } from "./quote.ts";

export const bovespaRefined = {
  name: "bovespa_refined",
  means: "Mercado à vista da B3: uma linha por papel e pregão, preços por unidade, não ajustados por proventos",
  columns: {
    ...identity,
    ...quote,
    ...calendar,
    ...month,
    ...dayColumns,
    alta_volatilidade: boolean(
      "(preco_maximo - preco_minimo) é 5% de preco_minimo ou mais; falso se preco_minimo não é positivo",
    ),
    baixa_volatilidade: boolean(
      "(preco_maximo - preco_minimo) é 1% de preco_minimo ou menos; falso se preco_minimo não é positivo",
    ),
    negocios_suspeitos: boolean(
      "total_negocios deve ter voltado a zero em 100.000: dinheiro por negócio acima de 50 vezes a mediana (inferior) do próprio papel no ano e, com 100.000 negócios a mais, ainda de um décimo dela ou mais",
    ),
    ...lineage,
  },
  key: ["data_pregao", "ticker"],
  partitions: year,
  sort: ["ticker", "data_pregao"],
  rowGroup: 20_000,
} satisfies Table;
