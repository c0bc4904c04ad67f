import type { Dataset, Row, SessionFact } from "../../core/dataset.ts";
import { dateOf, originsOf } from "../facts.ts";
import { bovespaMetricsPregao } from "./tables/metrics_pregao.ts";
import { bovespaSessoes } from "./tables/sessoes.ts";

/** What is known of each session: one row of bovespa_metrics_pregao, and of bovespa_sessoes a row for each file. */
export const facts: NonNullable<NonNullable<Dataset["sessions"]>["facts"]> = {
  tables: [bovespaMetricsPregao.name, bovespaSessoes.name],
  of: (rows) => {
    const files = Map.groupBy(rows[bovespaSessoes.name] ?? [], (row) => dateOf(row.data_pregao));
    return (rows[bovespaMetricsPregao.name] ?? []).map((row): SessionFact => {
      const session = dateOf(row.data_pregao);
      const shown = (files.get(session) ?? []).filter((file) => file.estado !== "superada");
      return {
        session,
        tickers: Number(row.tickers_vista),
        rows: Number(row.linhas_publicadas),
        complete: row.estado === "completa" && row.mista === false,
        doubtful: doubts.reduce((most, column) => Math.max(most, Number(row[column])), 0),
        origins: originsOf(shown),
      };
    });
  },
};

/** A ticker may have more than one of them: the most frequent is a number of tickers, their sum is none. */
const doubts = [
  "papeis_negocios_suspeitos",
  "papeis_preco_incoerente",
  "papeis_volume_divergente",
] as const satisfies readonly (keyof typeof bovespaMetricsPregao.columns & keyof Row)[];
