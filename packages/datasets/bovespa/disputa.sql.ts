import { linha } from "./columns.sql.ts";

/**
 * The rows that count (without origin_rows, or of an origin at or above its session's complete one), from the best of
 * each key (`posicao` 1: it is published) down. `copia`: the row before it is the same row. `avulsas`: which one it is
 * among the rows of its key without origin_rows. `conhecida`, of the best only: it was kept before this run.
 *
 * Copies of one row tie. The first three windows are spelled alike, so that an engine sorts once and they agree on
 * which copy is which: spelled in two ways, a row could be published and wait as well.
 */
export default /* sql */ `
SELECT ${linha}, a_vista, fonte, declaradas, ordem, ordem_completa,
  ROW_NUMBER() OVER (PARTITION BY data_pregao, ticker, tipo_mercado, prazo_termo ORDER BY ordem DESC, event_id DESC, fonte) AS posicao,
  CASE
    WHEN LAG(ordem) OVER (PARTITION BY data_pregao, ticker, tipo_mercado, prazo_termo ORDER BY ordem DESC, event_id DESC, fonte) = ordem
      AND LAG(event_id) OVER (PARTITION BY data_pregao, ticker, tipo_mercado, prazo_termo ORDER BY ordem DESC, event_id DESC, fonte) = event_id
    THEN 1 ELSE 0
  END AS copia,
  SUM(CASE WHEN declaradas = 0 THEN 1 ELSE 0 END) OVER (
    PARTITION BY data_pregao, ticker, tipo_mercado, prazo_termo ORDER BY ordem DESC, event_id DESC, fonte
    ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS avulsas,
  MAX(fonte) OVER (
    PARTITION BY data_pregao, ticker, tipo_mercado, prazo_termo ORDER BY ordem DESC, event_id DESC
    RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS conhecida
FROM linhas
JOIN origens ON o_sessao = data_pregao AND o_versao = source_version AND o_instante = scraped_at
  AND o_sha256 = origin_sha256 AND o_declaradas = declaradas
WHERE declaradas = 0 OR ordem_completa IS NULL OR ordem >= ordem_completa
`;
