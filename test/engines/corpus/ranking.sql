-- Rankings, top N, pivots and groups: analysts and dashboards.

-- top_10_por_volume_de_cada_mes
SELECT * FROM (
  SELECT month, ticker, sum(volume_total) AS volume, rank() OVER (PARTITION BY month ORDER BY sum(volume_total) DESC) AS posicao
  FROM bovespa_refined WHERE year = '2023' GROUP BY month, ticker
) WHERE posicao <= 10 ORDER BY month, posicao, ticker;

-- mais_negociado_por_dia
SELECT data_pregao, ticker, total_negocios FROM (
  SELECT data_pregao, ticker, total_negocios, row_number() OVER (PARTITION BY data_pregao ORDER BY total_negocios DESC, ticker) AS rn FROM bovespa_refined
) t WHERE rn = 1 ORDER BY data_pregao;

-- maiores_altas_do_dia
SELECT ticker, preco_abertura, preco_ultimo, (preco_ultimo - preco_abertura) / preco_abertura * 100 AS pct
FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' AND preco_abertura > 0 ORDER BY pct DESC, ticker LIMIT 20;

-- maiores_baixas_em_double
SELECT ticker, round((CAST(preco_ultimo AS double) / preco_abertura - 1) * 100, 2) AS pct
FROM bovespa_refined WHERE data_pregao = (SELECT max(data_pregao) FROM bovespa_refined) AND preco_abertura > 0
ORDER BY 2, 1 LIMIT 20;

-- participacao_no_volume
SELECT ticker, sum(volume_total) AS v, sum(volume_total) / sum(sum(volume_total)) OVER () AS fatia,
  round(100e0 * CAST(sum(volume_total) AS double) / CAST(sum(sum(volume_total)) OVER () AS double), 3) AS pct
FROM bovespa_refined WHERE year = '2023' GROUP BY ticker ORDER BY v DESC LIMIT 25;

-- curva_abc
WITH v AS (SELECT ticker, sum(volume_total) AS v FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' GROUP BY ticker),
a AS (SELECT ticker, v, CAST(sum(v) OVER (ORDER BY v DESC, ticker) AS double) / CAST(sum(v) OVER () AS double) AS acumulado FROM v)
SELECT CASE WHEN acumulado <= 0.8 THEN 'A' WHEN acumulado <= 0.95 THEN 'B' ELSE 'C' END AS classe, count(*) AS papeis, sum(v) AS volume
FROM a GROUP BY 1 ORDER BY 1;

-- pivo_por_mes
SELECT ticker,
  sum(CASE WHEN month = '01' THEN volume_total END) AS jan,
  sum(CASE WHEN month = '02' THEN volume_total END) AS fev,
  sum(CASE WHEN month = '03' THEN volume_total ELSE 0 END) AS mar
FROM bovespa_refined WHERE year = '2023' AND ticker IN ('PETR4', 'VALE3', 'ITUB4', 'BBAS3') GROUP BY ticker ORDER BY ticker;

-- pivo_por_filter
SELECT ticker,
  sum(volume_total) FILTER (WHERE month IN ('01','02','03')) AS t1,
  sum(volume_total) FILTER (WHERE month IN ('04','05','06')) AS t2,
  count(*) FILTER (WHERE alta_volatilidade) AS agitados
FROM bovespa_refined WHERE year = '2023' GROUP BY ticker ORDER BY t1 DESC NULLS LAST, ticker LIMIT 20;

-- pivo_de_papeis
SELECT data_pregao,
  max(CASE WHEN ticker = 'PETR4' THEN preco_ultimo END) AS petr4,
  max(CASE WHEN ticker = 'VALE3' THEN preco_ultimo END) AS vale3,
  max(CASE WHEN ticker = 'ITUB4' THEN preco_ultimo END) AS itub4
FROM bovespa_refined GROUP BY data_pregao ORDER BY data_pregao;

-- pivo_por_map_agg
SELECT data_pregao, map_agg(ticker, preco_ultimo)['PETR4'] AS petr4 FROM bovespa_refined WHERE ticker IN ('PETR4','VALE3') GROUP BY 1 ORDER BY 1 LIMIT 20;

-- rollup_por_ano_e_mes
SELECT year, month, sum(volume_total) AS v, count(*) AS n FROM bovespa_refined GROUP BY ROLLUP (year, month) ORDER BY year, month;

-- cubo_por_mercado
SELECT tipo_mercado, month, count(*) AS n, grouping(tipo_mercado, month) AS g FROM bovespa_derivativos WHERE year = '2023' GROUP BY CUBE (tipo_mercado, month) ORDER BY g, 1, 2;

-- grouping_sets
SELECT codbdi, moeda, count(*) AS n FROM bovespa_refined GROUP BY GROUPING SETS ((codbdi), (moeda), ()) ORDER BY 1, 2;

-- having_com_duas_condicoes
SELECT ticker, count(*) AS pregoes, avg(volume_total) AS media FROM bovespa_refined WHERE year = '2023'
GROUP BY ticker HAVING count(*) >= 12 AND avg(volume_total) > 1000000 ORDER BY media DESC, ticker;

-- acima_da_media_do_proprio_papel
SELECT r.data_pregao, r.ticker, r.volume_total, m.media FROM bovespa_refined r
JOIN (SELECT ticker, avg(volume_total) AS media FROM bovespa_refined GROUP BY ticker) m ON m.ticker = r.ticker
WHERE r.volume_total > 3 * m.media AND r.month = '01' ORDER BY r.data_pregao, r.ticker;

-- acima_da_media_correlata
SELECT data_pregao, ticker, volume_total FROM bovespa_refined r
WHERE volume_total > 3 * (SELECT avg(volume_total) FROM bovespa_refined x WHERE x.ticker = r.ticker) AND month = '01' ORDER BY 1, 2;

-- quartis_de_liquidez
SELECT quartil, count(*) AS papeis, min(v) AS de, max(v) AS ate FROM (
  SELECT ticker, sum(volume_total) AS v, ntile(4) OVER (ORDER BY sum(volume_total) DESC, ticker) AS quartil FROM bovespa_refined WHERE year = '2023' GROUP BY ticker
) GROUP BY quartil ORDER BY quartil;

-- histograma_de_precos
SELECT CASE WHEN preco_ultimo < 1 THEN '0-1' WHEN preco_ultimo < 5 THEN '1-5' WHEN preco_ultimo < 10 THEN '5-10' WHEN preco_ultimo < 50 THEN '10-50' WHEN preco_ultimo < 100 THEN '50-100' ELSE '100+' END AS faixa,
  count(*) AS n FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' GROUP BY 1 ORDER BY min(preco_ultimo);

-- histograma_por_width_bucket
SELECT width_bucket(CAST(preco_ultimo AS double), 0, 100, 10) AS b, count(*) FROM bovespa_refined GROUP BY 1 ORDER BY 1;

-- faixas_por_floor
SELECT floor(preco_ultimo / 10) * 10 AS faixa, count(*) AS n FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' GROUP BY 1 ORDER BY 1;

-- faixas_por_logaritmo
SELECT CAST(floor(log10(CAST(volume_total AS double))) AS integer) AS ordem, count(*) AS n FROM bovespa_refined WHERE volume_total > 0 GROUP BY 1 ORDER BY 1;

-- contagem_aproximada
SELECT approx_distinct(ticker) FROM bovespa_refined;

-- lista_de_papeis
SELECT codbdi, array_agg(DISTINCT ticker ORDER BY ticker) AS papeis FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' GROUP BY codbdi ORDER BY codbdi;

-- lista_em_texto
SELECT data_pregao, array_join(array_agg(ticker ORDER BY volume_total DESC, ticker), ', ') AS top FROM (
  SELECT data_pregao, ticker, volume_total, row_number() OVER (PARTITION BY data_pregao ORDER BY volume_total DESC, ticker) AS i FROM bovespa_refined WHERE month = '01'
) WHERE i <= 5 GROUP BY data_pregao ORDER BY data_pregao;

-- lista_por_listagg
SELECT month, listagg(ticker, ',') WITHIN GROUP (ORDER BY ticker) AS papeis FROM bovespa_metrics WHERE ticker LIKE 'PETR%' GROUP BY month ORDER BY month;

-- max_by_com_n
SELECT max_by(ticker, volume_total, 3) FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08';

-- maximo_com_n
SELECT max(volume_total, 3) FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08';

-- qualquer_valor
SELECT isin, arbitrary(ticker) AS ticker FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' GROUP BY isin ORDER BY isin LIMIT 20;

-- checksum_da_tabela
SELECT checksum(ticker) FROM bovespa_refined;

-- diferenca_entre_meses
SELECT a.ticker FROM bovespa_metrics a WHERE a.year = '2023' AND a.month = '01'
EXCEPT
SELECT b.ticker FROM bovespa_metrics b WHERE b.year = '2024' AND b.month = '11' ORDER BY 1;

-- intersecao_de_meses
SELECT ticker FROM bovespa_metrics WHERE month = '01' AND volume_total > 1000000000
INTERSECT SELECT ticker FROM bovespa_metrics WHERE month = '11' AND volume_total > 1000000000 ORDER BY ticker;

-- uniao_de_mercados
SELECT 'vista' AS mercado, count(*) AS linhas, sum(volume_total) AS volume FROM bovespa_refined
UNION ALL
SELECT tipo_mercado, count(*), sum(volume_total) FROM bovespa_derivativos GROUP BY tipo_mercado
ORDER BY 1;

-- novos_e_sumidos
SELECT coalesce(a.ticker, b.ticker) AS ticker, CASE WHEN a.ticker IS NULL THEN 'novo' WHEN b.ticker IS NULL THEN 'sumiu' END AS o_que
FROM (SELECT DISTINCT ticker FROM bovespa_refined WHERE year = '2023') a
FULL OUTER JOIN (SELECT DISTINCT ticker FROM bovespa_refined WHERE year = '2024') b ON a.ticker = b.ticker
WHERE a.ticker IS NULL OR b.ticker IS NULL ORDER BY ticker LIMIT 100;

-- sem_derivativos
SELECT DISTINCT r.ticker FROM bovespa_refined r
LEFT JOIN bovespa_derivativos d ON d.data_pregao = r.data_pregao AND substr(d.ticker, 1, 4) = substr(r.ticker, 1, 4)
WHERE r.data_pregao = DATE '2024-11-08' AND r.volume_total > 50000000 AND d.ticker IS NULL ORDER BY 1;

-- nao_existe
SELECT ticker, sum(volume_total) AS v FROM bovespa_refined r WHERE year = '2024'
AND NOT EXISTS (SELECT 1 FROM bovespa_refined o WHERE o.ticker = r.ticker AND o.year = '2023')
GROUP BY ticker ORDER BY v DESC, ticker LIMIT 15;

-- nao_esta_em
SELECT count(DISTINCT ticker) AS n FROM bovespa_refined WHERE ticker NOT IN (SELECT ticker FROM bovespa_metrics WHERE pregoes >= 15);

-- qualquer_da_subconsulta
SELECT DISTINCT ticker FROM bovespa_refined WHERE ticker = ANY (SELECT ticker FROM bovespa_metrics WHERE volume_total > 5000000000) ORDER BY ticker;

-- soma_condicional
SELECT ticker, sum(if(preco_ultimo > preco_abertura, 1, 0)) AS altas, sum(if(preco_ultimo < preco_abertura, 1, 0)) AS baixas, count_if(preco_ultimo = preco_abertura) AS iguais
FROM bovespa_refined WHERE year = '2023' AND ticker LIKE 'B%3' GROUP BY ticker ORDER BY altas DESC, ticker LIMIT 30;

-- maior_entre_colunas
SELECT ticker, greatest(preco_abertura, preco_ultimo, preco_medio) AS maior, least(preco_abertura, preco_ultimo, preco_medio) AS menor FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' ORDER BY ticker LIMIT 40;
