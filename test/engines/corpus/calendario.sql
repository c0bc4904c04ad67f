-- Dates, sessions and the calendar.

-- pregoes_por_mes
SELECT year(data) AS ano, month(data) AS mes, count_if(sessao) AS pregoes FROM calendario WHERE data BETWEEN DATE '2023-01-01' AND DATE '2024-12-31' GROUP BY 1, 2 ORDER BY 1, 2;

-- feriados_em_dia_de_semana
SELECT data, dia_semana FROM calendario WHERE NOT sessao AND dia_semana < 6 AND data BETWEEN DATE '2024-01-01' AND DATE '2024-12-31' ORDER BY data;

-- pregoes_sem_dados
SELECT c.data FROM calendario c LEFT JOIN (SELECT DISTINCT data_pregao FROM bovespa_refined) r ON r.data_pregao = c.data
WHERE c.sessao AND c.data BETWEEN DATE '2023-01-01' AND DATE '2023-12-31' AND r.data_pregao IS NULL ORDER BY c.data;

-- cobertura_do_ano
SELECT count(*) AS pregoes, count(r.data_pregao) AS com_dados, round(100.0 * count(r.data_pregao) / count(*), 2) AS pct
FROM calendario c LEFT JOIN (SELECT DISTINCT data_pregao FROM bovespa_refined) r ON r.data_pregao = c.data
WHERE c.sessao AND year(c.data) = 2023;

-- dias_uteis_entre
SELECT b.indice_util - a.indice_util AS du FROM calendario a, calendario b WHERE a.data = DATE '2023-01-02' AND b.data = DATE '2023-12-28';

-- proximo_pregao
SELECT data, lead(data) OVER (ORDER BY data) AS proximo, date_diff('day', data, lead(data) OVER (ORDER BY data)) AS dias
FROM calendario WHERE sessao AND data BETWEEN DATE '2024-02-01' AND DATE '2024-02-29' ORDER BY data;

-- ultimo_pregao_do_mes
SELECT date_trunc('month', data) AS mes, max(data) AS ultimo FROM calendario WHERE sessao AND year(data) = 2024 GROUP BY 1 ORDER BY 1;

-- fechamento_no_ultimo_pregao_da_semana
SELECT r.ticker, r.data_pregao, r.preco_ultimo FROM bovespa_refined r
JOIN (SELECT max(data) AS d FROM calendario WHERE sessao AND data BETWEEN DATE '2023-01-01' AND DATE '2023-01-17' GROUP BY week(data)) m ON m.d = r.data_pregao
WHERE r.ticker IN ('PETR4', 'VALE3') ORDER BY r.ticker, r.data_pregao;

-- terceira_sexta
SELECT data FROM (SELECT data, row_number() OVER (PARTITION BY year(data), month(data) ORDER BY data) AS i FROM calendario WHERE dia_semana = 5 AND year(data) = 2024) WHERE i = 3 ORDER BY data;

-- volume_por_dia_da_semana
SELECT dia_semana, count(DISTINCT data_pregao) AS pregoes, sum(volume_total) AS v, avg(volume_total) AS m FROM bovespa_refined WHERE year = '2023' GROUP BY dia_semana ORDER BY dia_semana;

-- dia_da_semana_por_funcao
SELECT DISTINCT data_pregao, day_of_week(data_pregao) = dia_semana AS igual, date_format(data_pregao, '%W') AS nome, format_datetime(data_pregao, 'EEEE') AS nome2 FROM bovespa_refined WHERE month = '01' ORDER BY 1;

-- semana_iso
SELECT year_of_week(data_pregao) AS ano, week(data_pregao) AS semana, count(DISTINCT data_pregao) AS pregoes FROM bovespa_refined GROUP BY 1, 2 ORDER BY 1, 2;

-- trimestre
SELECT quarter(data_pregao) AS tri, sum(volume_total) AS v FROM bovespa_refined WHERE year = '2023' GROUP BY 1 ORDER BY 1;

-- extrai_partes
SELECT DISTINCT extract(year FROM data_pregao) AS y, extract(month FROM data_pregao) AS m, extract(day FROM data_pregao) AS d, extract(dow FROM data_pregao) AS w, extract(doy FROM data_pregao) AS n FROM bovespa_refined WHERE month = '11' ORDER BY 1, 2, 3;

-- ultimos_30_dias_dos_dados
SELECT count(DISTINCT data_pregao) AS n FROM bovespa_refined WHERE data_pregao > (SELECT max(data_pregao) FROM bovespa_refined WHERE year = '2023') - INTERVAL '30' DAY AND year = '2023';

-- soma_de_meses
SELECT data, data + INTERVAL '1' MONTH AS mais, date_add('month', -1, data) AS menos, last_day_of_month(data) AS fim FROM calendario WHERE data BETWEEN DATE '2024-01-28' AND DATE '2024-02-02' ORDER BY data;

-- ultimos_7_dias_de_hoje
SELECT count(*) AS n FROM bovespa_refined WHERE data_pregao >= current_date - INTERVAL '7' DAY;

-- agora
SELECT now() > TIMESTAMP '2020-01-01 00:00:00 UTC' AS depois;

-- hoje_em_sao_paulo
SELECT count(*) FROM bovespa_refined WHERE data_pregao > CAST(current_timestamp AT TIME ZONE 'America/Sao_Paulo' AS date);

-- scraped_at_em_sao_paulo
SELECT DISTINCT with_timezone(scraped_at, 'UTC') AT TIME ZONE 'America/Sao_Paulo' > TIMESTAMP '2020-01-01 00:00:00 UTC' AS recente FROM bovespa_refined;

-- scraped_at_por_dia
SELECT CAST(scraped_at AS date) = max(CAST(scraped_at AS date)) OVER () AS hoje, count(*) AS n FROM bovespa_sessoes GROUP BY CAST(scraped_at AS date);

-- unix
SELECT to_unixtime(TIMESTAMP '2024-11-08 00:00:00') AS t, from_unixtime(1731024000) AS d;

-- dia_desde_a_epoca
SELECT data, dia, date_diff('day', DATE '1970-01-01', data) = dia AS igual FROM calendario WHERE data BETWEEN DATE '2023-12-25' AND DATE '2024-01-05' ORDER BY data;

-- sequencia_de_datas
SELECT d FROM UNNEST(sequence(DATE '2024-01-01', DATE '2024-01-10', INTERVAL '1' DAY)) AS t(d) ORDER BY d;

-- lacunas_por_sequencia
WITH dias AS (SELECT CAST(d AS date) AS d FROM UNNEST(sequence(DATE '2023-01-01', DATE '2023-01-31')) AS t(d))
SELECT d FROM dias LEFT JOIN bovespa_metrics_pregao p ON p.data_pregao = dias.d WHERE p.data_pregao IS NULL ORDER BY d;

-- buracos_entre_negocios
SELECT ticker, data_pregao, anterior, date_diff('day', anterior, data_pregao) AS dias FROM (
  SELECT ticker, data_pregao, lag(data_pregao) OVER (PARTITION BY ticker ORDER BY data_pregao) AS anterior FROM bovespa_refined WHERE year = '2023'
) WHERE date_diff('day', anterior, data_pregao) > 3 ORDER BY dias DESC, ticker, data_pregao LIMIT 30;

-- primeiro_e_ultimo_pregao
SELECT min(data_pregao) AS de, max(data_pregao) AS ate, count(DISTINCT data_pregao) AS pregoes, date_diff('day', min(data_pregao), max(data_pregao)) AS dias, date_diff('month', min(data_pregao), max(data_pregao)) AS meses, date_diff('year', min(data_pregao), max(data_pregao)) AS anos FROM bovespa_refined;

-- ano_e_mes_em_texto
SELECT year || '-' || month AS mes, count(*) AS n FROM bovespa_refined GROUP BY year || '-' || month ORDER BY 1;

-- ano_como_numero
SELECT CAST(year AS integer) * 100 + CAST(month AS integer) AS aaaamm, count(*) AS n FROM bovespa_refined GROUP BY 1 ORDER BY 1;

-- ano_comparado_com_numero
SELECT count(*) FROM bovespa_refined WHERE year = 2023;

-- diferenca_de_datas_por_subtracao
SELECT DATE '2024-11-08' - DATE '2024-11-01';

-- data_iso_para_date
SELECT from_iso8601_date('2024-11-08') AS d, to_iso8601(DATE '2024-11-08') AS t;

-- sobreposicao_de_timestamp
SELECT min(scraped_at) <= max(scraped_at) AS ok, count(*) AS n, date_diff('second', min(scraped_at), max(scraped_at)) >= 0 AS segundos FROM bovespa_sessoes;
