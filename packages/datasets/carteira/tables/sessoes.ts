import { boolean, integer, optional, text } from "../../../core/columns.ts";
import type { Table } from "../../../core/table.ts";
import { identity, lineage, year } from "./paper.ts";

export const carteiraSessoes = {
  name: "carteira_sessoes",
  means:
    "Cada arquivo que disse quantos papéis uma carteira tem, e quanto dele chegou; uma linha por índice, dia e origem",
  columns: {
    data_pregao: identity.data_pregao,
    indice: identity.indice,
    source_version: lineage.source_version,
    scraped_at: lineage.scraped_at,
    origin_sha256: lineage.origin_sha256,
    linhas_esperadas: integer()("papéis da carteira na origem"),
    linhas_vistas: optional(
      integer()(
        "papéis distintos que chegaram; igual a linhas_esperadas na completa, nulo na superada, que não se conta mais",
      ),
    ),
    estado: text(8)(
      "completa: chegou inteira, e a carteira é ela; parcial: é maior que a completa, ou ainda não há completa; superada: é menor",
    ),
    mista: boolean(
      "se a carteira tem uma origem completa e também linhas de outra, maior, que ainda não chegou inteira",
    ),
  },
  key: ["data_pregao", "indice", "source_version", "scraped_at", "origin_sha256", "linhas_esperadas"],
  partitions: year,
  sort: ["data_pregao", "indice", "source_version", "scraped_at", "origin_sha256", "linhas_esperadas"],
} satisfies Table;
