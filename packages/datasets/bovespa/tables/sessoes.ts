import { boolean, date, integer, optional, text } from "../../../core/columns.ts";
import type { Table } from "../../../core/table.ts";
import { lineage, year } from "./quote.ts";

export const bovespaSessoes = {
  name: "bovespa_sessoes",
  means: "Cada arquivo que disse quantas linhas um pregão tem, e quanto dele chegou; uma linha por pregão e origem",
  columns: {
    data_pregao: date("data do pregão"),
    source_version: lineage.source_version,
    scraped_at: lineage.scraped_at,
    origin_sha256: lineage.origin_sha256,
    linhas_esperadas: integer()("registros distintos deste pregão na origem"),
    linhas_vistas: optional(
      integer()(
        "registros distintos que chegaram; igual a linhas_esperadas na completa, nulo na superada, que não se conta mais",
      ),
    ),
    estado: text(8)(
      "completa: chegou inteira, e seu pregão é ela; parcial: é maior que a completa, ou ainda não há completa; superada: é menor",
    ),
    mista: boolean("se o pregão tem uma origem completa e também linhas de outra, maior, que ainda não chegou inteira"),
  },
  key: ["data_pregao", "source_version", "scraped_at", "origin_sha256", "linhas_esperadas"],
  partitions: year,
  sort: ["data_pregao", "source_version", "scraped_at", "origin_sha256", "linhas_esperadas"],
} satisfies Table;
