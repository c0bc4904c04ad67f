import { bigint, date, decimal, double, integer, optional, text } from "../../../core/columns.ts";
import type { Table } from "../../../core/table.ts";
import { month, year } from "./quote.ts";

export const bovespaMetrics = {
  name: "bovespa_metrics",
  means: "Mercado à vista por papel e mês: pregões, volume médio diário, somas e extremos",
  columns: {
    ticker: text(12)("código de negociação do papel"),
    ...month,
    pregoes: integer()("pregões do mês em que o papel foi negociado"),
    primeiro_pregao: date("primeiro deles"),
    ultimo_pregao: date("último deles"),
    volume_medio_diario: optional(double("volume_total dividido por pregoes")),
    volume_total: decimal(28, 2)("soma do volume financeiro, em moeda"),
    quantidade_total: decimal(28, 0)("soma dos títulos negociados, em unidades"),
    total_negocios: bigint("soma dos negócios, como a origem os conta"),
    volume_maximo: decimal(18, 2)("maior volume de um dia"),
    volume_minimo: decimal(18, 2)("menor volume de um dia"),
    preco_abertura: decimal(18, 6)("abertura do primeiro pregão, por unidade"),
    preco_maximo: decimal(18, 6)("maior preço, por unidade"),
    preco_minimo: decimal(18, 6)("menor preço, por unidade"),
    preco_ultimo: decimal(18, 6)("último preço do último pregão, por unidade"),
    dias_alta_volatilidade: integer()("pregões com alta_volatilidade"),
    dias_negocios_suspeitos: integer()("pregões com negocios_suspeitos"),
  },
  key: ["month", "ticker"],
  partitions: year,
  sort: ["ticker", "month"],
  rowGroup: 20_000,
} satisfies Table;
