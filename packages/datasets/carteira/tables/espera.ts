import type { Table } from "../../../core/table.ts";
import { identity, lineage, monthAndDay, paper, year } from "./paper.ts";

export const carteiraEspera = {
  name: "carteira_espera",
  means:
    "Linhas que chegaram e hoje não valem, mas ainda contam: de origens que ainda não chegaram inteiras, e avulsas que voltam se a linha que as venceu deixar de valer. Quase sempre vazia",
  columns: { ...identity, ...paper, ...monthAndDay, ...lineage },
  key: ["data_pregao", "indice", "source_version", "scraped_at", "origin_sha256", "origin_rows", "event_id"],
  partitions: year,
  // To the last column of the key, as in bovespa_espera.
  sort: [
    ...["data_pregao", "indice", "ticker", "event_id"],
    ...["source_version", "scraped_at", "origin_sha256", "origin_rows"],
  ],
} satisfies Table;
