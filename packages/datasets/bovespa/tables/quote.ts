import { bigint, date, decimal, integer, optional, text, timestamp } from "../../../core/columns.ts";
import type { Columns } from "../../../core/table.ts";

/** Per unit, exact: the origin's two decimals times 1, 0.1, … 0.0001 for FATCOT 1 to 10000. */
const unitPrice = decimal(18, 6);

/** One row of a market as it was published, under the names its users know; shared by every refined table. */
export const identity = {
  data_pregao: date("data do pregão"),
  ticker: text(12)("código de negociação do papel"),
} satisfies Columns;

export const market = {
  tipo_mercado: text(3)(
    "tipo de mercado: 010 vista, 020 fracionário, 030 termo, 070 opção de compra, 080 opção de venda",
  ),
  prazo_termo: optional(text(3)("prazo em dias do mercado a termo")),
} satisfies Columns;

export const quote = {
  nome_resumido: optional(text(12)("nome resumido da empresa emissora")),
  especificacao: optional(text(10)("especificação do papel, com as marcas de ex-direitos (ED, EJ, EB, ES, EG, ER)")),
  isin: optional(text(12)("código ISIN do papel")),
  codbdi: text(2)("código BDI: grupo do papel no boletim diário; 02 lote padrão"),
  moeda: optional(text(4)("moeda de referência")),
  preco_abertura: unitPrice("preço de abertura, por unidade"),
  preco_maximo: unitPrice("preço máximo do dia, por unidade"),
  preco_minimo: unitPrice("preço mínimo do dia, por unidade"),
  preco_medio: unitPrice("preço médio do dia, por unidade"),
  preco_ultimo: unitPrice("preço do último negócio do dia, por unidade"),
  preco_oficial: unitPrice(
    "preço da melhor oferta de compra (PREOFC), por unidade; apesar do nome não é um preço de fechamento oficial",
  ),
  preco_oferta_venda: unitPrice("preço da melhor oferta de venda (PREOFV), por unidade"),
  total_negocios: integer(99_999)("número de negócios; na origem tem cinco dígitos e volta a zero em 100.000"),
  quantidade_total: bigint("quantidade total de títulos negociados, em unidades"),
  volume_total: decimal(18, 2)("volume financeiro do dia, em moeda"),
} satisfies Columns;

export const contract = {
  preco_exercicio: optional(unitPrice("preço de exercício da opção ou valor do contrato a termo, por unidade")),
  preco_exercicio_pontos: optional(decimal(13, 6)("preço de exercício em pontos, das opções referenciadas em dólar")),
  indicador_correcao: optional(text(1)("indicador de correção do preço de exercício ou do valor do contrato")),
  data_vencimento: optional(date("data de vencimento da opção ou do termo; nula se não vence")),
} satisfies Columns;

export const calendar = {
  fator_cotacao: integer(9_999_999)("fator de cotação: a quantos papéis os preços da origem se referem"),
  distribuicao: optional(text(3)("número de distribuição do papel")),
  data_processamento: date("data em São Paulo em que a origem desta linha foi arquivada"),
  dias_corridos: optional(integer()("dias corridos do pregão até data_processamento; nulo fora de 1990–2040")),
  dias_uteis: optional(integer()("pregões depois do pregão e até data_processamento; nulo fora de 1990–2040")),
} satisfies Columns;

export const year: Columns = { year: text(4)("ano do pregão, AAAA") };
export const month: Columns = { month: text(2)("mês do pregão, 01 a 12") };

export const dayColumns = {
  day: text(2)("dia do mês do pregão, 01 a 31"),
  dia_semana: optional(integer(7)("dia da semana do pregão, ISO: 1 segunda-feira, 7 domingo")),
} satisfies Columns;

/** Where a row comes from; (`source_version`, `scraped_at`, `origin_sha256`, `origin_rows`) is its origin. */
export const lineage = {
  source_version: text(64)("versão da origem: a maior vence"),
  scraped_at: timestamp("instante em que a origem foi arquivada pela primeira vez, UTC"),
  event_id: text(32)("digest do conteúdo: o mesmo registro da mesma origem tem sempre o mesmo"),
  origin_sha256: text(64)("SHA-256 do arquivo de origem"),
  origin_rows: optional(integer()("registros distintos deste pregão na origem; nulo em mensagem avulsa")),
} satisfies Columns;
