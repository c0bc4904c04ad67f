import type { Audit } from "../../core/dataset.ts";
import { touched } from "../merge.sql.ts";
import { aMais, encolheu, incompleta } from "../merge-audits.sql.ts";
import { merge } from "./merge.ts";

/** The touched portfolios of which all of one file came and nothing of a newer one: what B3 says of a whole one holds for them. */
const inteiras = /* sql */ `(
  SELECT data_pregao AS i_sessao, indice AS i_indice, linhas_esperadas AS esperadas, origin_sha256 AS i_sha256,
    source_version AS i_versao, scraped_at AS i_instante
  FROM carteira_sessoes
  ${touched(merge)}
  WHERE estado = 'completa' AND NOT mista
)`;

/** Their papers, of that file alone: a message that is of no file, beside them, is no paper of theirs. */
const papeis = /* sql */ `carteira_refined ON data_pregao = i_sessao AND indice = i_indice AND source_version = i_versao
    AND scraped_at = i_instante AND origin_sha256 = i_sha256 AND origin_rows = esperadas`;

/** What each file states of each index of the touched days, once. */
const ditos = /* sql */ `(
  SELECT data_pregao, indice, quantidade_total, redutor, MIN(origin_sha256) AS origin_sha256
  FROM carteira_refined
  JOIN (SELECT DISTINCT tocada AS dia FROM tocadas) dias ON dia = data_pregao
  WHERE origin_rows IS NOT NULL AND redutor IS NOT NULL
  GROUP BY data_pregao, indice, quantidade_total, redutor
)`;

/**
 * Laws of a whole run, each asked of every unit after its tables were written. Laws about a portfolio look at those of
 * this run (`tocadas`): the others were judged when they came. `hold` waits for a person before publishing.
 */
export const audits: readonly Audit[] = [
  {
    name: "chave_unica",
    means: "uma linha por índice, dia e papel em carteira_refined",
    severity: "hold",
    sql: /* sql */ `
SELECT indice || ': ' || CAST(COUNT(*) AS STRING) || ' papéis com mais de uma linha, por exemplo ' || MIN(ticker) AS detalhe,
  CAST(data_pregao AS STRING) AS sessao, MIN(origin_sha256) AS origem
FROM (
  SELECT data_pregao, indice, ticker, MIN(origin_sha256) AS origin_sha256
  FROM carteira_refined
  GROUP BY data_pregao, indice, ticker
  HAVING COUNT(*) > 1
) repetidas
GROUP BY data_pregao, indice
`,
  },
  {
    name: "contrato",
    means:
      "nenhuma linha publicada perde no caminho um valor obrigatório, nem um redutor que trouxe (um decimal ilegível)",
    severity: "hold",
    sql: /* sql */ `
SELECT indice || ': ' || CAST(COUNT(*) AS STRING) || ' papéis sem quantidade, participação, redutor ou totais, por exemplo ' || MIN(ticker) AS detalhe,
  CAST(data_pregao AS STRING) AS sessao, origin_sha256 AS origem
FROM carteira_refined
LEFT JOIN (SELECT DISTINCT event_id AS com_redutor FROM raw WHERE redutor IS NOT NULL) trazidos ON com_redutor = event_id
WHERE quantidade_teorica IS NULL OR participacao IS NULL OR quantidade_total IS NULL OR participacao_total IS NULL
  OR (redutor IS NULL AND com_redutor IS NOT NULL)
GROUP BY data_pregao, indice, origin_sha256
`,
  },
  {
    name: "papeis_da_carteira",
    means:
      "de uma carteira completa, sem linhas de outra maior, são publicados exatamente os papéis que sua origem diz ter",
    severity: "hold",
    sql: /* sql */ `
SELECT i_indice || ': esperados ' || CAST(esperadas AS STRING) || ' papéis, publicados ' || CAST(COUNT(ticker) AS STRING) AS detalhe,
  CAST(i_sessao AS STRING) AS sessao, i_sha256 AS origem
FROM ${inteiras} inteiras
LEFT JOIN ${papeis}
GROUP BY i_sessao, i_indice, i_sha256, esperadas
HAVING COUNT(ticker) <> esperadas
`,
  },
  {
    name: "totais",
    means:
      "numa carteira completa as quantidades somam exatamente o total publicado, as participações 100% com no máximo 0,01 de arredondamento, e todo papel diz os mesmos totais e o mesmo redutor",
    severity: "hold",
    sql: /* sql */ `
SELECT i_indice || ': quantidades somam ' || COALESCE(CAST(soma AS STRING), '-') || ' de ' || COALESCE(CAST(menor AS STRING), '-')
    || CASE WHEN menor <> maior THEN ' e de outro total' ELSE '' END
    || ', participações ' || COALESCE(CAST(partes AS STRING), '-') || '%'
    || CASE WHEN menor_parte <> maior_parte THEN ', com mais de um total' ELSE '' END
    || CASE WHEN redutores > 0 THEN ', com mais de um redutor' ELSE '' END AS detalhe,
  CAST(i_sessao AS STRING) AS sessao, i_sha256 AS origem
FROM (
  SELECT i_sessao, i_indice, i_sha256,
    CAST(SUM(CAST(quantidade_teorica AS DECIMAL(18,0))) AS DECIMAL(28,0)) AS soma,
    CAST(SUM(participacao) AS DECIMAL(16,3)) AS partes,
    MIN(quantidade_total) AS menor, MAX(quantidade_total) AS maior,
    MIN(participacao_total) AS menor_parte, MAX(participacao_total) AS maior_parte,
    CASE WHEN MIN(redutor) <> MAX(redutor) OR (COUNT(redutor) > 0 AND COUNT(redutor) < COUNT(*)) THEN 1 ELSE 0 END AS redutores
  FROM ${inteiras} inteiras
  JOIN ${papeis}
  GROUP BY i_sessao, i_indice, i_sha256
) somas
WHERE soma <> menor OR menor <> maior OR menor_parte <> maior_parte OR redutores > 0
  OR partes < CAST(99.99 AS DECIMAL(16,3)) OR partes > CAST(100.01 AS DECIMAL(16,3))
`,
  },
  {
    name: "carteira_repetida",
    // B3's JSON names no index: an answer of another one than was asked for can be told by this alone.
    means:
      "dois índices não têm no mesmo dia o mesmo total de quantidades e o mesmo redutor: uma carteira seria a do outro",
    severity: "hold",
    sql: /* sql */ `
SELECT um.indice || ': total e redutor são também os de ' || MIN(outro.indice) AS detalhe,
  CAST(um.data_pregao AS STRING) AS sessao, MIN(um.origin_sha256) AS origem
FROM ${ditos} um
JOIN tocadas ON tocada = um.data_pregao AND tocado_indice = um.indice
JOIN ${ditos} outro ON outro.data_pregao = um.data_pregao AND outro.quantidade_total = um.quantidade_total
  AND outro.redutor = um.redutor AND outro.indice <> um.indice
GROUP BY um.data_pregao, um.indice
`,
  },
  {
    name: "sessao_encolheu",
    means: "uma origem que substitui, ou substituirá, uma completa não diz ter mais de 1% de papéis a menos que ela",
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
    means: "toda carteira é de um dia em que o calendário tem pregão",
    severity: "warn",
    sql: /* sql */ `
SELECT CASE WHEN c.sessao IS NULL THEN 'fora do calendário (1990–2040)' ELSE 'o calendário não tem pregão neste dia' END AS detalhe,
  CAST(dias.data_pregao AS STRING) AS sessao, CAST(NULL AS STRING) AS origem
FROM (SELECT DISTINCT data_pregao FROM carteira_refined ${touched(merge)}) dias
LEFT JOIN calendario c ON c.data = dias.data_pregao
WHERE c.sessao IS NULL OR NOT c.sessao
`,
  },
  {
    name: "sessao_incompleta",
    means: "de toda origem que não foi superada chegaram todas as linhas",
    severity: "warn",
    sql: incompleta(merge, "a carteira está misturada com a da origem completa"),
  },
];
