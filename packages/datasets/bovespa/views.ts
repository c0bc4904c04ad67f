import { bigint, boolean, date, decimal, double, integer, text } from "../../core/columns.ts";
import type { Dataset } from "../../core/dataset.ts";
import { bovespaDerivativos } from "./tables/derivativos.ts";
import { month, year } from "./tables/quote.ts";
import { bovespaRefined } from "./tables/refined.ts";

const refined = { ...bovespaRefined.columns, ...bovespaRefined.partitions };
const derivatives = { ...bovespaDerivativos.columns, ...bovespaDerivativos.partitions };

/** Today is São Paulo's: Athena's current_date is UTC's, three hours ahead. One row, also without a calendar. */
const today = `(
  SELECT max(data) AS data, max(dia) AS dia, max(indice_util) AS indice_util
  FROM calendario
  WHERE data = CAST(current_timestamp AT TIME ZONE 'America/Sao_Paulo' AS date)
)`;

/** Views in Trino's dialect: they run on Athena as they stand. */
export const views: Dataset["views"] = {
  bovespa_hoje: {
    means: "bovespa_refined com os dias contados até hoje (em São Paulo), e não até a chegada da linha",
    columns: {
      ...refined,
      dias_corridos: integer()("dias corridos do pregão até hoje; nulo fora de 1990–2040"),
      dias_uteis: integer()("pregões depois do pregão e até hoje; nulo fora de 1990–2040"),
      data_referencia: date("hoje, em São Paulo"),
    },
    sql: `SELECT ${Object.keys(refined)
      .map((name) =>
        name === "dias_corridos"
          ? "hoje.dia - pregao.dia AS dias_corridos"
          : name === "dias_uteis"
            ? "hoje.indice_util - pregao.indice_util AS dias_uteis"
            : `r.${name}`,
      )
      .join(", ")}, hoje.data AS data_referencia
FROM bovespa_refined r
CROSS JOIN ${today} hoje
LEFT JOIN calendario pregao ON pregao.data = r.data_pregao`,
  },
  bovespa_variacao: {
    means:
      "Mercado à vista: variação do último preço de cada papel contra o seu pregão anterior, e se as duas cotações se comparam",
    columns: {
      ticker: refined.ticker,
      data_pregao: refined.data_pregao,
      data_anterior: date("pregão anterior em que o papel foi negociado; nula no primeiro"),
      dias_desde_anterior: integer()("dias corridos desde data_anterior"),
      preco_anterior: decimal(18, 6)("preco_ultimo de data_anterior, por unidade"),
      preco_ultimo: refined.preco_ultimo,
      variacao: double("preco_ultimo / preco_anterior - 1, como publicado, sem ajuste"),
      ex_direitos: boolean(
        "o papel mudou de número de distribuição ou de ISIN desde data_anterior: dividendo, bonificação, desdobramento ou outro papel sob o mesmo código",
      ),
      variacao_ajustada: double(
        "variacao, mas nula quando ex_direitos: o arquivo da B3 não traz o fator do provento, e a diferença não é de mercado",
      ),
      volume_total: refined.volume_total,
      year: year.year!,
    },
    sql: `SELECT ticker, data_pregao, data_anterior,
  CAST(date_diff('day', data_anterior, data_pregao) AS integer) AS dias_desde_anterior,
  preco_anterior, preco_ultimo, variacao, ex_direitos,
  CASE WHEN NOT ex_direitos THEN variacao END AS variacao_ajustada,
  volume_total, year
FROM (
  SELECT ticker, data_pregao, data_anterior, preco_anterior, preco_ultimo, volume_total, year,
    CASE WHEN preco_anterior > 0 THEN CAST(preco_ultimo AS double) / CAST(preco_anterior AS double) - 1 END AS variacao,
    data_anterior IS NOT NULL
      AND (distribuicao IS DISTINCT FROM distribuicao_anterior OR isin IS DISTINCT FROM isin_anterior) AS ex_direitos
  FROM (
    SELECT ticker, data_pregao, preco_ultimo, volume_total, year, distribuicao, isin,
      lag(data_pregao) OVER (PARTITION BY ticker ORDER BY data_pregao) AS data_anterior,
      lag(preco_ultimo) OVER (PARTITION BY ticker ORDER BY data_pregao) AS preco_anterior,
      lag(distribuicao) OVER (PARTITION BY ticker ORDER BY data_pregao) AS distribuicao_anterior,
      lag(isin) OVER (PARTITION BY ticker ORDER BY data_pregao) AS isin_anterior
    FROM bovespa_refined
  ) cotacoes
) variacoes`,
  },
  bovespa_ultimo: {
    means: "Mercado à vista: a cotação mais nova de cada papel",
    columns: {
      ticker: refined.ticker,
      data_pregao: refined.data_pregao,
      nome_resumido: refined.nome_resumido,
      especificacao: refined.especificacao,
      preco_abertura: refined.preco_abertura,
      preco_maximo: refined.preco_maximo,
      preco_minimo: refined.preco_minimo,
      preco_ultimo: refined.preco_ultimo,
      total_negocios: refined.total_negocios,
      quantidade_total: refined.quantidade_total,
      volume_total: refined.volume_total,
    },
    sql: `SELECT ticker, data_pregao, nome_resumido, especificacao, preco_abertura, preco_maximo, preco_minimo, preco_ultimo,
  total_negocios, quantidade_total, volume_total
FROM (
  SELECT r.*, row_number() OVER (PARTITION BY ticker ORDER BY data_pregao DESC) AS ordem
  FROM bovespa_refined r
) cotacoes
WHERE ordem = 1`,
  },
  bovespa_mensal: {
    means: "Mercado à vista: abertura, máxima, mínima, último preço e totais de cada papel, mês a mês, sem ajuste",
    columns: {
      ticker: refined.ticker,
      year: year.year!,
      month: month.month!,
      primeiro_pregao: date("primeiro pregão do mês em que o papel foi negociado"),
      ultimo_pregao: date("último pregão do mês em que o papel foi negociado"),
      pregoes: bigint("número de pregões do mês em que o papel foi negociado"),
      preco_abertura: decimal(18, 6)("preço de abertura de primeiro_pregao, por unidade"),
      preco_maximo: decimal(18, 6)("preço máximo do mês, por unidade"),
      preco_minimo: decimal(18, 6)("preço mínimo do mês, por unidade"),
      preco_ultimo: decimal(18, 6)("preço do último negócio de ultimo_pregao, por unidade"),
      total_negocios: bigint("soma do número de negócios"),
      quantidade_total: bigint("soma da quantidade de títulos negociados"),
      volume_total: decimal(38, 2)("soma do volume financeiro, em moeda"),
    },
    sql: `SELECT ticker, year, month, min(data_pregao) AS primeiro_pregao, max(data_pregao) AS ultimo_pregao, count(*) AS pregoes,
  min_by(preco_abertura, data_pregao) AS preco_abertura, max(preco_maximo) AS preco_maximo,
  min(preco_minimo) AS preco_minimo, max_by(preco_ultimo, data_pregao) AS preco_ultimo,
  sum(total_negocios) AS total_negocios, sum(quantidade_total) AS quantidade_total, sum(volume_total) AS volume_total
FROM bovespa_refined
GROUP BY ticker, year, month`,
  },
  bovespa_opcoes_abertas: {
    means:
      "Opções negociadas no pregão mais novo e que ainda não venceram hoje (em São Paulo), com os dias que lhes restam",
    columns: {
      ticker: derivatives.ticker,
      data_pregao: derivatives.data_pregao,
      tipo: text(6)("compra ou venda"),
      preco_exercicio: derivatives.preco_exercicio,
      data_vencimento: derivatives.data_vencimento,
      dias_corridos_vencimento: integer()("dias corridos de hoje até o vencimento"),
      dias_uteis_vencimento: integer()("pregões depois de hoje e até o vencimento"),
      preco_ultimo: derivatives.preco_ultimo,
      total_negocios: derivatives.total_negocios,
      volume_total: derivatives.volume_total,
    },
    sql: `SELECT o.ticker, o.data_pregao, CASE o.tipo_mercado WHEN '070' THEN 'compra' ELSE 'venda' END AS tipo,
  o.preco_exercicio, o.data_vencimento, vencimento.dia - hoje.dia AS dias_corridos_vencimento,
  vencimento.indice_util - hoje.indice_util AS dias_uteis_vencimento, o.preco_ultimo, o.total_negocios, o.volume_total
FROM bovespa_derivativos o
JOIN calendario vencimento ON vencimento.data = o.data_vencimento
CROSS JOIN ${today} hoje
WHERE o.tipo_mercado IN ('070', '080')
  AND o.data_pregao = (SELECT max(data_pregao) FROM bovespa_derivativos)
  AND o.data_vencimento >= hoje.data`,
  },
};
