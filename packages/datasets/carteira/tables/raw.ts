import { bigint, date, decimalText, optional, text } from "../../../core/columns.ts";
import type { Columns, Table } from "../../../core/table.ts";
import { lineage } from "../../lineage.ts";

/**
 * One paper of an index's portfolio of one day on the wire, with the totals that its portfolio states. `partAcum`, which
 * some answers have, is a sum of `part` over the sector and is left out; a portfolio without sectors has none.
 */
export const record = {
  data: date("data da carteira"),
  indice: text(8)("código do índice: IBOV, IBXX, SMLL"),
  codigo: text(12)("código de negociação do papel"),
  acao: text(60)("nome da ação como publicado"),
  tipo: text(20)("classe do papel e, como publicados, marcas de ex-direitos e segmento de listagem: ON  ED  NM"),
  setor: optional(text(120)("setor de atuação como publicado; nulo se a origem não agrupa por setor")),
  qtde_teorica: bigint("quantidade teórica do papel na carteira"),
  part: decimalText(6, 3)("participação do papel na carteira, em %"),
  redutor: optional(decimalText(24, 8)("redutor do índice neste dia")),
  qtde_total: bigint("soma das quantidades teóricas, como publicada"),
  part_total: decimalText(6, 3)("soma das participações, em %, como publicada"),
} satisfies Columns;

/** Every row of every portfolio that ever arrived, as it was published. Partitioned by the UTC day of its arrival. */
export const carteiraRaw = {
  name: "carteira_raw",
  means: "Carteiras teóricas dos índices da B3 como foram publicadas, todas as chegadas, com sua origem",
  columns: {
    ...record,
    ...lineage("número de papéis desta carteira no arquivo de origem"),
  },
  key: ["data", "indice", "codigo"],
  partitions: { ingest_date: date("dia da chegada, UTC") },
  sort: [],
} satisfies Table;
