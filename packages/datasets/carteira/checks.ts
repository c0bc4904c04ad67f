import type { Dataset } from "../../core/dataset.ts";
import { cotados, inteiras } from "./inteiras.sql.ts";

/** The papers of whole portfolios, of sessions of which the quotes came whole. */
const membros = `FROM ${inteiras} i
JOIN ${cotados} p ON p.data_pregao = i.data_pregao
JOIN carteira_refined c ON c.indice = i.indice AND c.data_pregao = i.data_pregao AND c.origin_rows IS NOT NULL`;

/** Papers that are quoted, and in the whole portfolios of the session before and of the one after, where the day's is whole. */
const dosDoisLados = `FROM ${inteiras} i
JOIN ${cotados} p ON p.data_pregao = i.data_pregao
JOIN calendario hoje ON hoje.data = i.data_pregao AND hoje.sessao
JOIN calendario ontem ON ontem.indice_util = hoje.indice_util - 1 AND ontem.sessao
JOIN calendario amanha ON amanha.indice_util = hoje.indice_util + 1 AND amanha.sessao
JOIN ${inteiras} a ON a.indice = i.indice AND a.data_pregao = ontem.data
JOIN ${inteiras} s ON s.indice = i.indice AND s.data_pregao = amanha.data
JOIN carteira_refined antes ON antes.indice = i.indice AND antes.data_pregao = ontem.data AND antes.origin_rows IS NOT NULL
JOIN carteira_refined depois ON depois.indice = i.indice AND depois.data_pregao = amanha.data AND depois.ticker = antes.ticker
  AND depois.origin_rows IS NOT NULL
JOIN bovespa_refined r ON r.data_pregao = i.data_pregao AND r.ticker = antes.ticker`;

/** Portfolios and quotes against each other, of sessions of which the whole file came. */
export const checks: NonNullable<Dataset["checks"]> = {
  membro_sem_cotacao: {
    means: "todo papel de uma carteira inteira tem cotação no pregão dela, se o pregão chegou inteiro",
    // A suspended paper has none; and B3's indexes ask of their papers to trade on most days, not on all.
    severity: "warn",
    sql: `SELECT c.data_pregao AS sessao, c.ticker AS ticker, c.indice || ': na carteira, sem cotação' AS detalhe
${membros}
LEFT JOIN bovespa_refined r ON r.data_pregao = c.data_pregao AND r.ticker = c.ticker
WHERE r.ticker IS NULL`,
    compared: `SELECT c.data_pregao AS sessao, c.ticker AS ticker
${membros}`,
  },
  cotado_fora_da_carteira: {
    means:
      "nenhum papel cotado, que está nas carteiras inteiras do pregão anterior e do seguinte de um índice, falta na carteira do dia",
    // No paper leaves an index for one session: rebalancings are months apart.
    severity: "fail",
    sql: `SELECT i.data_pregao AS sessao, antes.ticker AS ticker,
  i.indice || ': cotado, na carteira de ' || CAST(ontem.data AS varchar) || ' e na de ' || CAST(amanha.data AS varchar) || ', fora da do dia' AS detalhe
${dosDoisLados}
LEFT JOIN carteira_refined c ON c.indice = i.indice AND c.data_pregao = i.data_pregao AND c.ticker = antes.ticker
  AND c.origin_rows IS NOT NULL
WHERE c.ticker IS NULL`,
    compared: `SELECT i.data_pregao AS sessao, antes.ticker AS ticker
${dosDoisLados}`,
  },
};
