import type { Audit } from "../../core/dataset.ts";
import { aMais, encolheu, incompleta } from "../merge-audits.sql.ts";
import { merge } from "./merge.ts";

/**
 * Laws of a whole run, each asked of every unit after its tables were written. Laws about a session look at the
 * sessions of this run (`tocadas`): the others were judged when they came. `hold` waits for a person before publishing.
 */
export const audits: readonly Audit[] = [
  {
    name: "chave_unica",
    means: "uma linha por chave em bovespa_refined e bovespa_derivativos",
    severity: "hold",
    sql: /* sql */ `
SELECT tabela || ': ' || CAST(COUNT(*) AS STRING) || ' chaves com mais de uma linha, por exemplo ' || MIN(chave) AS detalhe,
  CAST(data_pregao AS STRING) AS sessao, CAST(NULL AS STRING) AS origem
FROM (
  SELECT 'bovespa_refined' AS tabela, data_pregao, ticker AS chave
  FROM bovespa_refined
  GROUP BY data_pregao, ticker
  HAVING COUNT(*) > 1
  UNION ALL
  SELECT 'bovespa_derivativos' AS tabela, data_pregao, ticker || ' ' || tipo_mercado || ' ' || COALESCE(prazo_termo, '-') AS chave
  FROM bovespa_derivativos
  GROUP BY data_pregao, ticker, tipo_mercado, prazo_termo
  HAVING COUNT(*) > 1
) repetidas
GROUP BY tabela, data_pregao
`,
  },
  {
    name: "contrato",
    means:
      "nenhuma linha publicada perde um valor obrigatório no caminho (um decimal ilegível, um fator de cotação desconhecido)",
    severity: "hold",
    sql: /* sql */ `
SELECT tabela || ': ' || CAST(COUNT(*) AS STRING) || ' linhas sem preço, quantidade, volume ou negócios, por exemplo ' || MIN(ticker) AS detalhe,
  CAST(data_pregao AS STRING) AS sessao, origin_sha256 AS origem
FROM (
  SELECT 'bovespa_refined' AS tabela, data_pregao, ticker, origin_sha256
  FROM bovespa_refined
  WHERE preco_abertura IS NULL OR preco_maximo IS NULL OR preco_minimo IS NULL OR preco_medio IS NULL OR preco_ultimo IS NULL
    OR preco_oficial IS NULL OR preco_oferta_venda IS NULL OR total_negocios IS NULL OR quantidade_total IS NULL
    OR volume_total IS NULL
  UNION ALL
  SELECT 'bovespa_derivativos' AS tabela, data_pregao, ticker, origin_sha256
  FROM bovespa_derivativos
  WHERE preco_abertura IS NULL OR preco_maximo IS NULL OR preco_minimo IS NULL OR preco_medio IS NULL OR preco_ultimo IS NULL
    OR preco_oficial IS NULL OR preco_oferta_venda IS NULL OR total_negocios IS NULL OR quantidade_total IS NULL
    OR volume_total IS NULL OR preco_exercicio IS NULL OR preco_exercicio_pontos IS NULL
) incompletas
GROUP BY tabela, data_pregao, origin_sha256
`,
  },
  {
    name: "linhas_da_sessao",
    means: "um pregão completo, sem linhas de outra origem, publica exatamente as linhas que sua origem diz ter",
    severity: "hold",
    sql: /* sql */ `
SELECT 'esperadas ' || CAST(linhas_esperadas AS STRING) || ' linhas, publicadas ' || CAST(linhas_publicadas AS STRING) AS detalhe,
  CAST(data_pregao AS STRING) AS sessao, CAST(NULL AS STRING) AS origem
FROM bovespa_metrics_pregao
JOIN tocadas ON tocada = data_pregao
WHERE estado = 'completa' AND NOT mista AND linhas_avulsas = 0 AND linhas_publicadas <> linhas_esperadas
`,
  },
  {
    name: "volume_preservado",
    means: "um pregão que chegou inteiro nesta execução publica a soma exata dos volumes que chegaram",
    severity: "hold",
    sql: /* sql */ `
SELECT 'chegou ' || CAST(chegou AS STRING) || ', publicado ' || CAST(publicado AS STRING) AS detalhe,
  CAST(data_pregao AS STRING) AS sessao, sha256 AS origem
FROM (
  SELECT o_sessao, o_sha256 AS sha256, chegou
  FROM (
    SELECT datpre, source_version, scraped_at, origin_sha256, origin_rows, COUNT(*) AS eventos,
      CAST(SUM(TRY_CAST(voltot AS DECIMAL(18,2))) AS DECIMAL(28,2)) AS chegou
    FROM (SELECT DISTINCT datpre, source_version, scraped_at, origin_sha256, origin_rows, event_id, voltot FROM raw) unicas
    GROUP BY datpre, source_version, scraped_at, origin_sha256, origin_rows
  ) somas
  JOIN origens ON o_sessao = datpre AND o_versao = source_version AND o_instante = scraped_at AND o_sha256 = origin_sha256
    AND o_declaradas = origin_rows
  WHERE ordem = ordem_completa AND eventos = o_declaradas
) inteiras
JOIN (
  SELECT data_pregao, CAST(volume_vista + volume_derivativos AS DECIMAL(28,2)) AS publicado
  FROM bovespa_metrics_pregao
  WHERE NOT mista AND linhas_avulsas = 0
) totais ON data_pregao = o_sessao
WHERE chegou <> publicado
`,
  },
  {
    name: "sessao_encolheu",
    means: "uma origem que substitui, ou substituirá, uma completa não diz ter mais de 1% de linhas a menos que ela",
    severity: "hold",
    sql: encolheu(merge),
  },
  {
    name: "linhas_a_mais",
    means: "de uma origem não chegam mais registros distintos do que ela diz ter",
    severity: "warn",
    sql: aMais(merge),
  },
  {
    name: "dia_de_pregao",
    means: "todo pregão é de um dia em que o calendário tem um",
    severity: "warn",
    sql: /* sql */ `
SELECT CASE WHEN dia_de_pregao IS NULL THEN 'fora do calendário (1990–2040)' ELSE 'o calendário não tem pregão neste dia' END AS detalhe,
  CAST(data_pregao AS STRING) AS sessao, CAST(NULL AS STRING) AS origem
FROM bovespa_metrics_pregao
JOIN tocadas ON tocada = data_pregao
WHERE dia_de_pregao IS NULL OR NOT dia_de_pregao
`,
  },
  {
    name: "sessao_incompleta",
    means: "de toda origem que não foi superada chegaram todas as linhas",
    severity: "warn",
    sql: incompleta(merge, "o pregão está misturado com o da origem completa"),
  },
  {
    name: "negocios_suspeitos",
    means: "o número de negócios não voltou a zero (cinco dígitos na origem)",
    severity: "warn",
    sql: /* sql */ `
SELECT CAST(COUNT(*) AS STRING) || ' papéis com negócios suspeitos, por exemplo ' || MIN(ticker) AS detalhe,
  CAST(data_pregao AS STRING) AS sessao, CAST(NULL AS STRING) AS origem
FROM bovespa_refined
JOIN tocadas ON tocada = data_pregao
WHERE negocios_suspeitos
GROUP BY data_pregao
`,
  },
  {
    name: "volume_divergente",
    means: "o volume é preço médio vezes quantidade, além do arredondamento do preço médio",
    severity: "warn",
    sql: /* sql */ `
SELECT CAST(papeis_volume_divergente AS STRING) || ' papéis à vista' AS detalhe,
  CAST(data_pregao AS STRING) AS sessao, CAST(NULL AS STRING) AS origem
FROM bovespa_metrics_pregao
JOIN tocadas ON tocada = data_pregao
WHERE papeis_volume_divergente > 0
`,
  },
  {
    name: "preco_incoerente",
    means: "abertura, médio e último estão entre o mínimo e o máximo",
    severity: "warn",
    sql: /* sql */ `
SELECT CAST(papeis_preco_incoerente AS STRING) || ' papéis à vista' AS detalhe,
  CAST(data_pregao AS STRING) AS sessao, CAST(NULL AS STRING) AS origem
FROM bovespa_metrics_pregao
JOIN tocadas ON tocada = data_pregao
WHERE papeis_preco_incoerente > 0
`,
  },
  {
    name: "calendario_completo",
    means: "entre o primeiro e o último pregão do ano não falta nenhum do calendário",
    severity: "warn",
    sql: /* sql */ `
SELECT 'faltam ' || CAST(COUNT(*) AS STRING) || ' pregões de ' || CAST(MIN(c.data) AS STRING) || ' a ' || CAST(MAX(c.data) AS STRING) AS detalhe,
  CAST(MIN(c.data) AS STRING) AS sessao, CAST(NULL AS STRING) AS origem
FROM calendario c
CROSS JOIN (SELECT MIN(data_pregao) AS primeiro, MAX(data_pregao) AS ultimo FROM bovespa_metrics_pregao) p
LEFT JOIN bovespa_metrics_pregao m ON m.data_pregao = c.data
WHERE c.sessao AND c.data > p.primeiro AND c.data < p.ultimo AND m.data_pregao IS NULL
HAVING COUNT(*) > 0
`,
  },
];
