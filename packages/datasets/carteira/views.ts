import { date, decimal, text } from "../../core/columns.ts";
import type { Dataset } from "../../core/dataset.ts";
import { inteiras } from "./inteiras.sql.ts";
import { year } from "./tables/paper.ts";
import { carteiraRefined } from "./tables/refined.ts";

const refined = carteiraRefined.columns;

/** Views in Trino's dialect: they run on Athena as they stand. */
export const views: Dataset["views"] = {
  carteira_movimentos: {
    means:
      "Cada papel de um índice entre duas datas seguidas de que se tem a carteira inteira: entrada, saída e mudança de quantidade e participação. Carteiras que não chegaram inteiras e mensagens avulsas não contam; a primeira data de um índice não tem movimentos",
    columns: {
      indice: refined.indice,
      data_pregao: date("data da carteira nova"),
      data_anterior: date("data da carteira inteira anterior do índice"),
      ticker: refined.ticker,
      nome: refined.nome,
      movimento: text(10)(
        "entrada: não estava na anterior; saida: não está na nova; quantidade: mudou a quantidade teórica; peso: só a participação; nenhum",
      ),
      quantidade_anterior: refined.quantidade_teorica,
      quantidade_teorica: refined.quantidade_teorica,
      variacao_quantidade: refined.quantidade_teorica,
      participacao_anterior: refined.participacao,
      participacao: refined.participacao,
      variacao_participacao: decimal(7, 3)("participacao menos participacao_anterior, em pontos; ausente conta como 0"),
      year: year.year!,
    },
    sql: `SELECT indice, data_pregao, data_anterior, ticker, nome,
  CASE
    WHEN quantidade_anterior IS NULL THEN 'entrada'
    WHEN quantidade_teorica IS NULL THEN 'saida'
    WHEN quantidade_teorica <> quantidade_anterior THEN 'quantidade'
    WHEN participacao <> participacao_anterior THEN 'peso'
    ELSE 'nenhum'
  END AS movimento,
  quantidade_anterior, quantidade_teorica,
  coalesce(quantidade_teorica, 0) - coalesce(quantidade_anterior, 0) AS variacao_quantidade,
  participacao_anterior, participacao,
  coalesce(participacao, DECIMAL '0.000') - coalesce(participacao_anterior, DECIMAL '0.000') AS variacao_participacao,
  substr(CAST(data_pregao AS varchar), 1, 4) AS year
FROM (
  SELECT indice, CASE WHEN antes = 1 THEN data_seguinte ELSE data_pregao END AS data_pregao,
    CASE WHEN antes = 1 THEN data_pregao ELSE data_anterior END AS data_anterior, ticker,
    max_by(nome, data_pregao) AS nome,
    max(CASE WHEN antes = 1 THEN quantidade_teorica END) AS quantidade_anterior,
    max(CASE WHEN antes = 0 THEN quantidade_teorica END) AS quantidade_teorica,
    max(CASE WHEN antes = 1 THEN participacao END) AS participacao_anterior,
    max(CASE WHEN antes = 0 THEN participacao END) AS participacao
  FROM (
    SELECT r.indice, r.data_pregao, d.data_anterior, d.data_seguinte, r.ticker, r.nome, r.quantidade_teorica, r.participacao
    FROM carteira_refined r
    JOIN (
      SELECT indice, data_pregao,
        lag(data_pregao) OVER (PARTITION BY indice ORDER BY data_pregao) AS data_anterior,
        lead(data_pregao) OVER (PARTITION BY indice ORDER BY data_pregao) AS data_seguinte
      FROM ${inteiras} inteiras
    ) d ON d.indice = r.indice AND d.data_pregao = r.data_pregao AND r.origin_rows IS NOT NULL
  ) datadas
  CROSS JOIN (VALUES 0, 1) AS lados (antes)
  GROUP BY 1, 2, 3, 4
) pares
WHERE data_pregao IS NOT NULL AND data_anterior IS NOT NULL`,
  },
};
