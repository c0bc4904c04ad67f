import type { Table } from "../../../core/table.ts";
import { calendar, contract, dayColumns, identity, lineage, market, month, quote, year } from "./quote.ts";

export const bovespaEspera = {
  name: "bovespa_espera",
  means:
    "Linhas que chegaram e hoje não valem, mas ainda contam: de origens que ainda não chegaram inteiras, e avulsas que voltam se a linha que as venceu deixar de valer. Quase sempre vazia",
  columns: { ...identity, ...market, ...quote, ...contract, ...calendar, ...month, ...dayColumns, ...lineage },
  key: ["data_pregao", "source_version", "scraped_at", "origin_sha256", "origin_rows", "event_id"],
  partitions: year,
  // To the last column of the key: a row that says of how many it is one, and one that does not, may be of one event.
  sort: [
    ...["data_pregao", "ticker", "tipo_mercado", "prazo_termo", "event_id"],
    ...["source_version", "scraped_at", "origin_sha256", "origin_rows"],
  ],
} satisfies Table;
