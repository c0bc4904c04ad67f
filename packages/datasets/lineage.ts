import { date, integer, optional, text, timestamp } from "../core/columns.ts";
import type { lineageNames } from "../core/dataset.ts";
import type { Columns } from "../core/table.ts";

/** What every raw row carries beside its record, in this order; `rows` says in Portuguese what origin_rows counts. */
export const lineage = (rows: string) =>
  ({
    event_id: text(32)("digest do conteúdo: o mesmo registro da mesma origem tem sempre o mesmo"),
    message_id: text(128)("mensagem em que o registro chegou"),
    origin_sha256: text(64)("SHA-256 do arquivo de origem"),
    source_version: text(64)("versão da origem: a maior vence"),
    origin_rows: optional(integer()(rows)),
    scraped_at: timestamp("instante em que a origem foi arquivada pela primeira vez, UTC"),
    scraped_on: date("data de scraped_at em São Paulo"),
  }) satisfies Record<(typeof lineageNames)[number], Columns[string]>;
