import { bigint, boolean, date, decimal, integer, optional, text } from "../../../core/columns.ts";
import type { Table } from "../../../core/table.ts";
import { month, year } from "./quote.ts";

export const bovespaMetricsPregao = {
  name: "bovespa_metrics_pregao",
  means: "Um pregão por linha: quantos papéis, os totais, e quanto os dados merecem confiança",
  columns: {
    data_pregao: date("data do pregão"),
    ...month,
    tickers_vista: integer()("papéis negociados à vista"),
    negocios_vista: bigint("soma dos negócios à vista, como a origem os conta"),
    quantidade_vista: decimal(28, 0)("soma dos títulos negociados à vista"),
    volume_vista: decimal(28, 2)("volume financeiro à vista, em moeda"),
    linhas_derivativos: integer()("linhas de todos os outros mercados"),
    volume_derivativos: decimal(28, 2)("volume financeiro de todos os outros mercados, em moeda"),
    estado: text(8)(
      "completa: uma origem chegou inteira; parcial: nenhuma ainda; avulsa: só mensagens que não dizem de quantas são parte",
    ),
    mista: boolean("se há também linhas de uma origem maior que ainda não chegou inteira"),
    linhas_esperadas: optional(integer()("linhas do pregão na origem completa; nulo se não há")),
    linhas_publicadas: integer()("linhas deste pregão nas tabelas, de todos os mercados"),
    linhas_avulsas: integer()("das publicadas, as de mensagens avulsas"),
    papeis_alta_volatilidade: integer()("papéis à vista com alta_volatilidade"),
    papeis_negocios_suspeitos: integer()("papéis à vista com negocios_suspeitos"),
    papeis_preco_incoerente: integer()(
      "papéis à vista em que abertura, médio ou último não estão entre o mínimo e o máximo",
    ),
    papeis_volume_divergente: integer()(
      "papéis à vista em que o volume não é preço médio vezes quantidade, além do arredondamento",
    ),
    dia_de_pregao: optional(boolean("se o calendário tem pregão neste dia; nulo fora de 1990–2040")),
  },
  key: ["data_pregao"],
  partitions: year,
  sort: ["data_pregao"],
} satisfies Table;
