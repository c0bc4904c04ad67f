import type { Dataset } from "../../core/dataset.ts";
import { calendarAsset } from "../calendario/tables/calendario.ts";
import { checks } from "./checks.ts";
import { facts } from "./facts.ts";
import { portfolio } from "./origin.ts";
import { publication } from "./publication.ts";
import { audits } from "./quality.ts";
import { partial, queries } from "./queries.ts";
import { laws, subject } from "./record.ts";
import { mistakes, sample } from "./sample.ts";
import { schedule } from "./schedule.ts";
import { steps } from "./steps.ts";
import { carteiraEspera } from "./tables/espera.ts";
import { carteiraRaw, record } from "./tables/raw.ts";
import { carteiraRefined } from "./tables/refined.ts";
import { carteiraSessoes } from "./tables/sessoes.ts";
import { views } from "./views.ts";

/** The theoretical portfolios of B3's indexes: which papers an index holds each day, how many of each, at what weight. */
export const carteira: Dataset = {
  name: "carteira",
  means: "Carteiras teóricas dos índices da B3, dia a dia: papéis, quantidades e participações",
  version: 1,
  database: "bovespa_database",
  raw: {
    table: carteiraRaw,
    record,
    laws,
    subject,
    session: "data",
    whole: ["indice"],
    format: portfolio,
    publication,
    schedule,
    sample,
    mistakes,
  },
  sessions: { table: "carteira_refined", column: "data_pregao", ticker: "ticker", series: "indice", partial, facts },
  tables: [carteiraRefined, carteiraEspera, carteiraSessoes],
  unit: {
    partition: "year",
    column: "data",
    of: (day) => day.slice(0, 4),
    sql: "SUBSTR(CAST(data AS STRING), 1, 4)",
  },
  steps,
  audits,
  checks,
  assets: { calendario: calendarAsset },
  queries,
  views,
};
