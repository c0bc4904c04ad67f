import { bigint, date, decimal, integer, optional, text } from "../../../core/columns.ts";
import type { Columns } from "../../../core/table.ts";
import { lineage as arrived } from "../../bovespa/tables/quote.ts";

/** Under the names that bovespa's tables have: one query joins both. */
export const identity = {
  data_pregao: date("data da carteira"),
  indice: text(8)("código do índice: IBOV, IBXX, SMLL"),
  ticker: text(12)("código de negociação do papel"),
} satisfies Columns;

/** One paper of an index's portfolio, and what its portfolio states as a whole; shared by every refined table. */
export const paper = {
  nome: text(60)("nome da ação como publicado"),
  classe: text(20)("classe do papel: ON, PN, PNA, UNT, CI"),
  especificacao: text(20)(
    "classe e, como publicados, marcas de ex-direitos (ED, EJ, EB, ATZ) e segmento de listagem (NM, N1, N2, MA, MB)",
  ),
  setor: optional(text(120)("setor de atuação como publicado; nulo se a origem não agrupa por setor")),
  quantidade_teorica: bigint("quantidade teórica do papel na carteira"),
  participacao: decimal(6, 3)("participação do papel na carteira, em %"),
  redutor: optional(decimal(24, 8)("redutor do índice neste dia; nulo se a origem não o traz")),
  quantidade_total: bigint("soma das quantidades teóricas da carteira, como publicada"),
  participacao_total: decimal(6, 3)("soma das participações da carteira, em %, como publicada"),
} satisfies Columns;

export const year: Columns = { year: text(4)("ano da carteira, AAAA") };
export const monthAndDay = {
  month: text(2)("mês da carteira, 01 a 12"),
  day: text(2)("dia do mês da carteira, 01 a 31"),
} satisfies Columns;

/** Where a row comes from; (`source_version`, `scraped_at`, `origin_sha256`, `origin_rows`) is its origin. */
export const lineage = {
  ...arrived,
  origin_rows: optional(integer()("papéis desta carteira na origem; nulo em mensagem avulsa")),
} satisfies Columns;
