import { bigint, date, decimalText, integer, optional, text } from "../../../core/columns.ts";
import type { Columns, Table } from "../../../core/table.ts";
import { lineage } from "../../lineage.ts";

/** 11V99: eleven digits and two implied decimals, in the raw table as exact text. */
const price = decimalText(13, 2);

/**
 * A COTAHIST record on the wire: the fields of the layout under their own names, in its order, without `tipreg`.
 * Codes that B3 extends without notice (`codbdi`, `tpmerc`, `indopc`) are text, so that an unknown one never fails.
 */
export const record = {
  datpre: date("data do pregão"),
  codbdi: text(2)("código BDI: grupo do papel no boletim diário; 02 lote padrão, 96 fracionário, 78 e 82 opções"),
  codneg: text(12)("código de negociação do papel"),
  tpmerc: text(3)("tipo de mercado: 010 vista, 020 fracionário, 030 termo, 070 e 080 opções de compra e de venda"),
  nomres: optional(text(12)("nome resumido da empresa emissora")),
  especi: optional(text(10)("especificação do papel, com as marcas de ex-direitos (ED, EJ, EB, ES, EG, ER)")),
  prazot: optional(text(3)("prazo em dias do mercado a termo")),
  modref: optional(text(4)("moeda de referência")),
  preabe: price("preço de abertura, por lote de fatcot papéis"),
  premax: price("preço máximo, por lote de fatcot papéis"),
  premin: price("preço mínimo, por lote de fatcot papéis"),
  premed: price("preço médio, por lote de fatcot papéis"),
  preult: price("preço do último negócio, por lote de fatcot papéis"),
  preofc: price("preço da melhor oferta de compra, por lote de fatcot papéis"),
  preofv: price("preço da melhor oferta de venda, por lote de fatcot papéis"),
  totneg: integer(99_999)("número de negócios; tem cinco dígitos e volta a zero em 100.000"),
  quatot: bigint("quantidade total de títulos negociados, em unidades"),
  voltot: decimalText(18, 2)("volume total negociado, em moeda"),
  preexe: price("preço de exercício da opção ou valor do contrato a termo"),
  indopc: optional(text(1)("indicador de correção do preço de exercício ou do valor do contrato")),
  datven: optional(date("data de vencimento da opção ou do termo; nula se não vence")),
  fatcot: integer(9_999_999)("fator de cotação: a quantos papéis os preços se referem, 1 ou 1000"),
  ptoexe: decimalText(13, 6)("preço de exercício em pontos, das opções referenciadas em dólar"),
  codisi: optional(text(12)("código ISIN do papel")),
  dismes: optional(text(3)("número de distribuição do papel")),
} satisfies Columns;

/** Every row of every file that ever arrived, as it was published. Partitioned by the UTC day of its arrival. */
export const bovespaRaw = {
  name: "bovespa_raw",
  means: "Cotações da B3 (COTAHIST) como foram publicadas, todas as chegadas, com sua origem",
  columns: {
    ...record,
    ...lineage("número de registros distintos deste pregão no arquivo de origem"),
  },
  key: ["datpre", "codneg", "tpmerc", "prazot"],
  partitions: { ingest_date: date("dia da chegada, UTC") },
  sort: [],
} satisfies Table;
