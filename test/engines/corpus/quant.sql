-- Returns, averages, volatility: what quants write on daily bars.

-- retorno_diario
SELECT data_pregao, ticker, preco_ultimo,
  preco_ultimo / lag(preco_ultimo) OVER (PARTITION BY ticker ORDER BY data_pregao) - 1 AS retorno
FROM bovespa_refined WHERE ticker IN ('PETR4', 'VALE3', 'ITUB4') ORDER BY ticker, data_pregao;

-- retorno_diario_em_double
SELECT data_pregao, ticker,
  CAST(preco_ultimo AS double) / lag(CAST(preco_ultimo AS double)) OVER (PARTITION BY ticker ORDER BY data_pregao) - 1 AS retorno
FROM bovespa_refined WHERE ticker IN ('PETR4', 'VALE3') ORDER BY ticker, data_pregao;

-- log_retorno
SELECT data_pregao, ln(CAST(preco_ultimo AS double) / lag(CAST(preco_ultimo AS double)) OVER (ORDER BY data_pregao)) AS r
FROM bovespa_refined WHERE ticker = 'BBAS3' ORDER BY data_pregao;

-- media_movel_21
SELECT data_pregao, preco_ultimo,
  avg(preco_ultimo) OVER (ORDER BY data_pregao ROWS BETWEEN 20 PRECEDING AND CURRENT ROW) AS mm21
FROM bovespa_refined WHERE ticker = 'PETR4' ORDER BY data_pregao;

-- cruzamento_de_medias
WITH medias AS (
  SELECT data_pregao, ticker, preco_ultimo,
    avg(preco_ultimo) OVER (PARTITION BY ticker ORDER BY data_pregao ROWS BETWEEN 8 PRECEDING AND CURRENT ROW) AS mm9,
    avg(preco_ultimo) OVER (PARTITION BY ticker ORDER BY data_pregao ROWS BETWEEN 20 PRECEDING AND CURRENT ROW) AS mm21
  FROM bovespa_refined
  WHERE year = '2023'
), sinais AS (
  SELECT *, mm9 > mm21 AS comprado, lag(mm9 > mm21) OVER (PARTITION BY ticker ORDER BY data_pregao) AS antes FROM medias
)
SELECT data_pregao, ticker, preco_ultimo, mm9, mm21 FROM sinais
WHERE comprado AND NOT antes AND ticker IN ('PETR4', 'VALE3', 'ITUB4', 'BBDC4', 'ABEV3')
ORDER BY data_pregao, ticker;

-- volatilidade_anualizada
WITH r AS (
  SELECT ticker, ln(CAST(preco_ultimo AS double) / CAST(lag(preco_ultimo) OVER (PARTITION BY ticker ORDER BY data_pregao) AS double)) AS r
  FROM bovespa_refined WHERE year = '2023' AND preco_ultimo > 0
)
SELECT ticker, count(r) AS n, round(stddev(r) * sqrt(252), 6) AS vol FROM r GROUP BY ticker HAVING count(r) >= 10 ORDER BY ticker;

-- amplitude_verdadeira
SELECT data_pregao, ticker,
  greatest(preco_maximo - preco_minimo,
    abs(preco_maximo - lag(preco_ultimo) OVER w),
    abs(preco_minimo - lag(preco_ultimo) OVER w)) AS tr
FROM bovespa_refined WHERE ticker IN ('MGLU3', 'VIIA3', 'AMER3')
WINDOW w AS (PARTITION BY ticker ORDER BY data_pregao)
ORDER BY ticker, data_pregao;

-- atr_14
WITH tr AS (
  SELECT data_pregao, ticker, greatest(preco_maximo - preco_minimo, abs(preco_maximo - anterior), abs(preco_minimo - anterior)) AS tr
  FROM (SELECT *, lag(preco_ultimo) OVER (PARTITION BY ticker ORDER BY data_pregao) AS anterior FROM bovespa_refined WHERE ticker IN ('PETR4','VALE3'))
)
SELECT data_pregao, ticker, avg(tr) OVER (PARTITION BY ticker ORDER BY data_pregao ROWS BETWEEN 13 PRECEDING AND CURRENT ROW) AS atr14
FROM tr ORDER BY ticker, data_pregao;

-- bandas_de_bollinger
SELECT data_pregao, preco_ultimo,
  avg(CAST(preco_ultimo AS double)) OVER w AS media,
  stddev_pop(CAST(preco_ultimo AS double)) OVER w AS desvio
FROM bovespa_refined WHERE ticker = 'VALE3'
WINDOW w AS (ORDER BY data_pregao ROWS BETWEEN 19 PRECEDING AND CURRENT ROW)
ORDER BY data_pregao;

-- maxima_de_52_semanas
SELECT data_pregao, ticker, preco_ultimo,
  max(preco_maximo) OVER (PARTITION BY ticker ORDER BY data_pregao ROWS BETWEEN 251 PRECEDING AND CURRENT ROW) AS max52,
  min(preco_minimo) OVER (PARTITION BY ticker ORDER BY data_pregao ROWS BETWEEN 251 PRECEDING AND CURRENT ROW) AS min52
FROM bovespa_refined WHERE ticker IN ('PETR4', 'WEGE3') ORDER BY ticker, data_pregao;

-- queda_do_pico
WITH p AS (
  SELECT data_pregao, ticker, CAST(preco_ultimo AS double) AS p,
    CAST(max(preco_ultimo) OVER (PARTITION BY ticker ORDER BY data_pregao ROWS UNBOUNDED PRECEDING) AS double) AS pico
  FROM bovespa_refined WHERE year = '2023' AND preco_ultimo > 0
)
SELECT ticker, min(p / pico - 1) AS queda_maxima FROM p GROUP BY ticker ORDER BY queda_maxima, ticker LIMIT 20;

-- retorno_acumulado_do_ano
SELECT ticker,
  min_by(preco_ultimo, data_pregao) AS primeiro,
  max_by(preco_ultimo, data_pregao) AS ultimo,
  round((CAST(max_by(preco_ultimo, data_pregao) AS double) / CAST(min_by(preco_ultimo, data_pregao) AS double) - 1) * 100, 2) AS retorno_pct
FROM bovespa_refined WHERE year = '2023' AND preco_ultimo > 0
GROUP BY ticker HAVING count(*) >= 12 ORDER BY retorno_pct DESC, ticker;

-- retorno_mensal
WITH m AS (
  SELECT ticker, date_trunc('month', data_pregao) AS mes, max_by(preco_ultimo, data_pregao) AS fechamento
  FROM bovespa_refined WHERE ticker IN ('PETR4', 'VALE3', 'ITUB4') GROUP BY 1, 2
)
SELECT ticker, mes, fechamento, CAST(fechamento AS double) / CAST(lag(fechamento) OVER (PARTITION BY ticker ORDER BY mes) AS double) - 1 AS retorno
FROM m ORDER BY ticker, mes;

-- candles_semanais
SELECT ticker, date_trunc('week', data_pregao) AS semana,
  min_by(preco_abertura, data_pregao) AS abertura, max(preco_maximo) AS maxima, min(preco_minimo) AS minima,
  max_by(preco_ultimo, data_pregao) AS fechamento, sum(quantidade_total) AS quantidade, sum(volume_total) AS volume
FROM bovespa_refined WHERE ticker IN ('PETR4', 'MGLU3') GROUP BY 1, 2 ORDER BY 1, 2;

-- candles_por_primeiro_e_ultimo
SELECT DISTINCT ticker, month,
  first_value(preco_abertura) OVER w AS abertura,
  last_value(preco_ultimo) OVER w AS fechamento
FROM bovespa_refined WHERE year = '2023' AND ticker IN ('PETR4', 'VALE3')
WINDOW w AS (PARTITION BY ticker, month ORDER BY data_pregao ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
ORDER BY ticker, month;

-- correlacao_de_retornos
WITH r AS (
  SELECT data_pregao, ticker, CAST(preco_ultimo AS double) / lag(CAST(preco_ultimo AS double)) OVER (PARTITION BY ticker ORDER BY data_pregao) - 1 AS r
  FROM bovespa_refined WHERE year = '2023' AND ticker IN ('PETR3', 'PETR4')
)
SELECT corr(a.r, b.r) FROM r a JOIN r b ON a.data_pregao = b.data_pregao AND a.ticker = 'PETR3' AND b.ticker = 'PETR4';

-- beta_contra_o_ibov
WITH r AS (
  SELECT data_pregao, ticker, CAST(preco_ultimo AS double) / lag(CAST(preco_ultimo AS double)) OVER (PARTITION BY ticker ORDER BY data_pregao) - 1 AS r
  FROM bovespa_refined WHERE year = '2023'
)
SELECT a.ticker, covar_samp(a.r, b.r) / var_samp(b.r) AS beta
FROM r a JOIN r b ON a.data_pregao = b.data_pregao AND b.ticker = 'BOVA11' WHERE a.ticker IN ('PETR4','VALE3') GROUP BY a.ticker ORDER BY 1;

-- spread_on_pn
SELECT a.data_pregao, a.preco_ultimo AS on_, b.preco_ultimo AS pn, a.preco_ultimo - b.preco_ultimo AS spread,
  round(CAST(a.preco_ultimo AS double) / CAST(b.preco_ultimo AS double), 4) AS razao
FROM bovespa_refined a JOIN bovespa_refined b ON b.data_pregao = a.data_pregao AND b.ticker = 'PETR4'
WHERE a.ticker = 'PETR3' ORDER BY 1;

-- z_score_do_spread
WITH s AS (
  SELECT a.data_pregao, CAST(a.preco_ultimo AS double) / CAST(b.preco_ultimo AS double) AS razao
  FROM bovespa_refined a JOIN bovespa_refined b USING (data_pregao)
  WHERE a.ticker = 'ITUB3' AND b.ticker = 'ITUB4'
)
SELECT data_pregao, razao, round((razao - avg(razao) OVER w) / nullif(stddev(razao) OVER w, 0), 4) AS z
FROM s WINDOW w AS (ORDER BY data_pregao ROWS BETWEEN 20 PRECEDING AND CURRENT ROW) ORDER BY data_pregao;

-- vwap
SELECT ticker, sum(volume_total) / sum(quantidade_total) AS vwap_decimal,
  CAST(sum(volume_total) AS double) / sum(quantidade_total) AS vwap
FROM bovespa_refined WHERE data_pregao BETWEEN DATE '2023-01-02' AND DATE '2023-01-31' AND quantidade_total > 0
GROUP BY ticker ORDER BY ticker LIMIT 50;

-- vwap_movel_de_5
SELECT data_pregao, ticker,
  sum(volume_total) OVER w / sum(quantidade_total) OVER w AS vwap5
FROM bovespa_refined WHERE ticker IN ('BBDC4', 'ABEV3')
WINDOW w AS (PARTITION BY ticker ORDER BY data_pregao ROWS 4 PRECEDING)
ORDER BY ticker, data_pregao;

-- ifr_14
WITH d AS (
  SELECT data_pregao, ticker, CAST(preco_ultimo AS double) - CAST(lag(preco_ultimo) OVER (PARTITION BY ticker ORDER BY data_pregao) AS double) AS d
  FROM bovespa_refined WHERE ticker = 'PETR4'
), g AS (
  SELECT data_pregao, avg(if(d > 0, d, 0e0)) OVER w AS ganho, avg(if(d < 0, -d, 0e0)) OVER w AS perda, count(d) OVER w AS n
  FROM d WINDOW w AS (ORDER BY data_pregao ROWS BETWEEN 13 PRECEDING AND CURRENT ROW)
)
SELECT data_pregao, round(CASE WHEN perda = 0 THEN 100 ELSE 100 - 100 / (1 + ganho / perda) END, 3) AS ifr FROM g WHERE n >= 5 ORDER BY data_pregao;

-- sequencias_de_alta
WITH v AS (
  SELECT data_pregao, ticker, preco_ultimo > lag(preco_ultimo) OVER (PARTITION BY ticker ORDER BY data_pregao) AS subiu
  FROM bovespa_refined WHERE year = '2023' AND ticker IN ('PETR4', 'VALE3', 'BBAS3', 'WEGE3')
), ilhas AS (
  SELECT *, row_number() OVER (PARTITION BY ticker ORDER BY data_pregao) - row_number() OVER (PARTITION BY ticker, subiu ORDER BY data_pregao) AS ilha FROM v
)
SELECT ticker, min(data_pregao) AS de, max(data_pregao) AS ate, count(*) AS dias
FROM ilhas WHERE subiu GROUP BY ticker, ilha HAVING count(*) >= 4 ORDER BY dias DESC, ticker, de;

-- gaps_de_abertura
SELECT data_pregao, ticker, anterior, preco_abertura, round(100 * (CAST(preco_abertura AS double) / CAST(anterior AS double) - 1), 2) AS gap_pct
FROM (SELECT data_pregao, ticker, preco_abertura, lag(preco_ultimo) OVER (PARTITION BY ticker ORDER BY data_pregao) AS anterior FROM bovespa_refined WHERE year = '2023')
WHERE anterior > 0 AND preco_abertura > 0 AND abs(CAST(preco_abertura AS double) / CAST(anterior AS double) - 1) > 0.1
ORDER BY gap_pct DESC, ticker, data_pregao LIMIT 50;

-- retorno_de_n_dias_a_frente
SELECT data_pregao, preco_ultimo, lead(preco_ultimo, 5) OVER (ORDER BY data_pregao) AS em_5, lead(preco_ultimo, 21, CAST(0 AS decimal(18,6))) OVER (ORDER BY data_pregao) AS em_21
FROM bovespa_refined WHERE ticker = 'ABEV3' ORDER BY data_pregao;

-- momento_12_1
WITH f AS (
  SELECT ticker, year || month AS month, max_by(preco_ultimo, data_pregao) AS f FROM bovespa_refined GROUP BY ticker, year, month
), m AS (
  SELECT ticker, month, f, lag(f, 1) OVER (PARTITION BY ticker ORDER BY month) AS f6 FROM f
)
SELECT month, ticker, ntile(10) OVER (PARTITION BY month ORDER BY CAST(f AS double) / CAST(f6 AS double), ticker) AS decil
FROM m WHERE f6 > 0 AND month = '202411' ORDER BY decil, ticker;

-- mediana_exata
WITH n AS (
  SELECT ticker, volume_total, row_number() OVER (PARTITION BY ticker ORDER BY volume_total) AS i, count(*) OVER (PARTITION BY ticker) AS n
  FROM bovespa_refined WHERE year = '2023'
)
SELECT ticker, avg(volume_total) AS mediana FROM n WHERE i IN ((n + 1) / 2, (n + 2) / 2) GROUP BY ticker ORDER BY mediana DESC, ticker LIMIT 20;

-- percentil_aproximado
SELECT ticker, approx_percentile(CAST(preco_ultimo AS double), 0.5) AS mediana FROM bovespa_refined GROUP BY ticker ORDER BY ticker LIMIT 5;

-- percentis_aproximados
SELECT approx_percentile(volume_total, ARRAY[0.25, 0.5, 0.75]) FROM bovespa_refined WHERE year = '2023';

-- media_geometrica
SELECT ticker, geometric_mean(CAST(preco_ultimo AS double)) AS g FROM bovespa_refined WHERE ticker IN ('PETR4','VALE3') GROUP BY ticker ORDER BY ticker;

-- assimetria_e_curtose
SELECT ticker, skewness(CAST(preco_ultimo AS double)) AS s, kurtosis(CAST(preco_ultimo AS double)) AS k FROM bovespa_refined WHERE ticker = 'PETR4' GROUP BY ticker;

-- amihud
SELECT ticker, avg(abs(CAST(preco_ultimo AS double) / CAST(preco_abertura AS double) - 1) / CAST(volume_total AS double)) * 1e9 AS iliquidez
FROM bovespa_refined WHERE year = '2023' AND preco_abertura > 0 AND volume_total > 0 GROUP BY ticker HAVING count(*) >= 12 ORDER BY ticker LIMIT 40;

-- dispersao_entre_papeis
SELECT data_pregao, stddev_samp(r) AS dispersao, count(*) AS n FROM (
  SELECT data_pregao, CAST(preco_ultimo AS double) / CAST(preco_abertura AS double) - 1 AS r FROM bovespa_refined WHERE preco_abertura > 0 AND total_negocios > 1000
) GROUP BY data_pregao ORDER BY data_pregao;

-- ranking_percentual
SELECT ticker, volume_total, percent_rank() OVER (ORDER BY volume_total) AS pr, cume_dist() OVER (ORDER BY volume_total) AS cd
FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' ORDER BY volume_total DESC, ticker LIMIT 30;

-- papeis_que_bateram_a_maxima
SELECT r.ticker, r.data_pregao FROM bovespa_refined r
JOIN (SELECT ticker, max(preco_maximo) AS m FROM bovespa_refined WHERE year = '2023' GROUP BY ticker HAVING count(*) >= 12) x ON x.ticker = r.ticker AND x.m = r.preco_maximo
WHERE r.year = '2023' AND r.day = '16' ORDER BY 1, 2;

-- carteira_de_pesos
WITH carteira (ticker, peso) AS (VALUES ('PETR4', 0.4), ('VALE3', 0.35), ('ITUB4', 0.25))
SELECT data_pregao, sum(c.peso * r.preco_ultimo) AS valor, count(*) AS papeis FROM bovespa_refined r JOIN carteira c ON c.ticker = r.ticker GROUP BY data_pregao ORDER BY data_pregao;

-- carteira_equilibrada
WITH c AS (SELECT * FROM (VALUES ('PETR4', 100), ('VALE3', 50), ('BOVA11', 10)) AS t(ticker, qtd))
SELECT data_pregao, sum(qtd * preco_ultimo) AS patrimonio, typeof(sum(qtd * preco_ultimo)) AS tipo FROM c JOIN bovespa_refined USING (ticker) GROUP BY data_pregao ORDER BY data_pregao;

-- media_dos_ultimos_30_dias_corridos
SELECT data_pregao, sum(volume_total) OVER (ORDER BY data_pregao RANGE BETWEEN INTERVAL '30' DAY PRECEDING AND CURRENT ROW) AS v30
FROM bovespa_refined WHERE ticker = 'VALE3' ORDER BY data_pregao;

-- z_score_do_spread_sem_qualificar
WITH s AS (
  SELECT data_pregao, CAST(a.preco_ultimo AS double) / CAST(b.preco_ultimo AS double) AS razao
  FROM bovespa_refined a JOIN bovespa_refined b USING (data_pregao)
  WHERE a.ticker = 'ITUB3' AND b.ticker = 'ITUB4'
)
SELECT data_pregao, razao, round((razao - avg(razao) OVER (ORDER BY data_pregao ROWS 9 PRECEDING)) / nullif(stddev(razao) OVER (ORDER BY data_pregao ROWS 9 PRECEDING), 0), 4) AS z
FROM s ORDER BY data_pregao;
