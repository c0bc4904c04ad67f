import { createHash } from "node:crypto";
import { date, decimalText, integer, optional, text, timestamp } from "../../packages/core/columns.ts";
import type { Dataset } from "../../packages/core/dataset.ts";
import type { Columns } from "../../packages/core/table.ts";

/** SHA-256 in hexadecimal. */
export const digest = (value: string): string => createHash("sha256").update(value).digest("hex");

const record: Columns = {
  dia: date("dia"),
  ativo: text(12)("ativo"),
  preco: decimalText(13, 2)("preço"),
  maximo: decimalText(13, 2)("máximo"),
  negocios: integer(99_999)("negócios"),
  nota: optional(text(10)("nota")),
};

/** The smallest dataset with a queue: enough for the laws of core, and none of an exchange's. */
export const toy: Dataset = {
  name: "toy",
  means: "um dataset de teste",
  version: 1,
  database: "toy_database",
  raw: {
    table: {
      name: "toy_raw",
      means: "bruto",
      columns: {
        ...record,
        event_id: text(32)("id"),
        message_id: text(128)("mensagem"),
        origin_sha256: text(64)("origem"),
        source_version: text(64)("versão"),
        scraped_at: timestamp("chegada"),
        scraped_on: date("dia da chegada"),
        origin_rows: optional(integer()("linhas")),
      },
      key: ["event_id"],
      partitions: { ingest_date: date("dia") },
      sort: [],
    },
    record,
    laws: [
      {
        code: "preco_acima_do_maximo",
        path: "preco",
        broken: (r) => (Number(r.preco) > Number(r.maximo) ? `expected at most ${r.maximo}, came ${r.preco}` : null),
      },
    ],
    subject: (r) => String(r.ativo),
    session: "dia",
    format: {
      survey: async () => ({ version: "1", rows: 0, sessions: new Map() }),
      groups: async function* () {},
      find: async function* () {},
    },
    sample: (ticker, session) => ({
      dia: session,
      ativo: ticker,
      preco: "1.00",
      maximo: "2.00",
      negocios: 1,
      nota: null,
    }),
    mistakes: () => [],
  },
  tables: [],
  steps: [],
  audits: [],
  assets: {},
  queries: {},
  views: {},
};

export const good = { dia: "2024-11-08", ativo: "PETR4", preco: "36.50", maximo: "37.00", negocios: 3, nota: null };
export const origin = { sha256: "a".repeat(64), version: "2024-11-08", scraped_at: "2024-11-09 01:11:00.000" };

/** A message of the toy, with some of its attributes changed. */
export const body = (records: unknown[], change: Record<string, unknown> = {}): string =>
  JSON.stringify({
    specversion: "1.0",
    id: "m1",
    source: "f",
    type: "br.pregao.toy.v1",
    subject: "PETR4",
    time: "2024-11-09T01:11:00.000Z",
    datacontenttype: "application/json",
    data: { origin, records },
    ...change,
  });

/** A list in a list, so many times; its innermost is empty. */
export const nested = (levels: number): unknown => (levels === 0 ? [] : [nested(levels - 1)]);
