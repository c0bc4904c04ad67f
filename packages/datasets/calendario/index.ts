import type { Dataset } from "../../core/dataset.ts";
import calendarioSql from "./calendario.sql.ts";
import { calendarAsset, calendario as table } from "./tables/calendario.ts";

/** B3's trading calendar: a dataset without a queue, its rows are a rule (core/calendar.ts). */
export const calendario: Dataset = {
  name: "calendario",
  means: "Calendário de pregões da B3",
  version: 1,
  database: "bovespa_database",
  tables: [table],
  steps: [{ name: "calendario", sql: calendarioSql, table: true }],
  audits: [
    {
      name: "calendario_completo",
      means: "todo dia aparece uma vez, e o índice de dias úteis só cresce nos pregões",
      severity: "hold",
      sql: /* sql */ `
        SELECT 'esperado um dia por linha, ' || CAST(COUNT(*) AS STRING) || ' linhas e ' || CAST(COUNT(DISTINCT dia) AS STRING) || ' dias' AS detalhe,
          CAST(NULL AS STRING) AS sessao, CAST(NULL AS STRING) AS origem
        FROM calendario
        HAVING COUNT(*) <> COUNT(DISTINCT dia) OR COUNT(*) <> MAX(dia) - MIN(dia) + 1
          OR MAX(indice_util) <> SUM(CASE WHEN sessao THEN 1 ELSE 0 END)
      `,
    },
  ],
  assets: { dias: calendarAsset },
  views: {},
  queries: {
    pregoes_do_mes: {
      means: "Pregões de cada mês de 2026",
      sql: "SELECT substr(CAST(data AS varchar), 1, 7) AS mes, count(*) AS pregoes\nFROM calendario\nWHERE sessao AND data BETWEEN DATE '2026-01-01' AND DATE '2026-12-31'\nGROUP BY 1\nORDER BY 1",
    },
  },
};
