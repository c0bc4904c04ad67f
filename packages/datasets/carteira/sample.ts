import type { WireRecord } from "../../core/dataset.ts";

/**
 * A plausible paper of a portfolio that every law accepts, each `index` (0, 1, …) another record of the same key. No
 * index is called TESTE: in a real one's portfolio it would be a paper more. No clock and no chance: the same arguments,
 * the same record.
 */
export const sample = (ticker: string, session: string, index: number): WireRecord => ({
  data: session,
  indice: "TESTE",
  codigo: ticker,
  acao: ticker.slice(0, 12),
  tipo: "ON      NM",
  setor: null,
  qtde_teorica: String(1_000_000 + index),
  part: `1.${String(index % 1000).padStart(3, "0")}`,
  redutor: "16036751.16744128",
  qtde_total: "99015750716",
  part_total: "100.000",
});

/** One record of each kind of mistake, each with nothing else wrong, and the reason it must be rejected with. */
export const mistakes = (ticker: string, session: string): { code: string; record: WireRecord }[] => {
  const wrong = (code: string, change: WireRecord) => ({ code, record: { ...sample(ticker, session, 0), ...change } });
  return [
    wrong("unknown_field", { peso: "1.000" }),
    wrong("invalid_field", { part: "1,000" }),
    wrong("subject", { codigo: ticker === "OUTR3" ? "OUTR4" : "OUTR3" }),
    wrong("negative", { qtde_teorica: "-1" }),
    wrong("index_code", { indice: "ibov" }),
    wrong("above_total", { part: "100.001" }),
    wrong("session_range", { data: "1968-01-01" }),
    wrong("future_session", { data: "2999-12-31" }),
  ];
};
