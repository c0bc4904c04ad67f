import type { Dataset } from "../../core/dataset.ts";
import { calendarAsset } from "../calendario/tables/calendario.ts";
import { facts } from "./facts.ts";
import { cotahist } from "./origin.ts";
import { publication } from "./publication.ts";
import { audits } from "./quality.ts";
import { partial, queries } from "./queries.ts";
import { laws, subject } from "./record.ts";
import { mistakes, sample } from "./sample.ts";
import { schedule } from "./schedule.ts";
import { steps } from "./steps.ts";
import { bovespaDerivativos } from "./tables/derivativos.ts";
import { bovespaEspera } from "./tables/espera.ts";
import { bovespaMetrics } from "./tables/metrics.ts";
import { bovespaMetricsPregao } from "./tables/metrics_pregao.ts";
import { bovespaRaw, record } from "./tables/raw.ts";
import { bovespaRefined } from "./tables/refined.ts";
import { bovespaSessoes } from "./tables/sessoes.ts";
import { views } from "./views.ts";

/** B3's daily quotes (COTAHIST): every paper and contract that traded, session by session. */
export const bovespa: Dataset = {
  name: "bovespa",
  means: "Cotações diárias da B3 (COTAHIST): ações, fundos, opções e termo",
  version: 1,
  database: "bovespa_database",
  raw: {
    table: bovespaRaw,
    record,
    laws,
    subject,
    session: "datpre",
    format: cotahist,
    publication,
    schedule,
    sample,
    mistakes,
  },
  sessions: { table: "bovespa_refined", column: "data_pregao", ticker: "ticker", partial, facts },
  tables: [bovespaRefined, bovespaDerivativos, bovespaEspera, bovespaSessoes, bovespaMetrics, bovespaMetricsPregao],
  unit: {
    partition: "year",
    column: "datpre",
    of: (day) => day.slice(0, 4),
    sql: "SUBSTR(CAST(datpre AS STRING), 1, 4)",
  },
  steps,
  audits,
  assets: { calendario: calendarAsset },
  queries,
  views,
  demo: {
    file: new URL("./fixtures/COTAHIST_D08112024.ZIP", import.meta.url),
    query: "volume_medio",
    lake: { rawObjects: 12, rawBytes: 1_442_642, refinedBytes: 659_960, refinedFiles: 5 },
  },
};
