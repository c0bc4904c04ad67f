-- The first queries of somebody who has just found the tables.

-- todas_as_linhas
SELECT count(*) FROM bovespa_refined;

-- primeiras_linhas
SELECT * FROM bovespa_refined ORDER BY data_pregao, ticker LIMIT 10;

-- um_papel_num_dia
SELECT * FROM bovespa_refined WHERE ticker = 'PETR4' AND data_pregao = DATE '2024-11-08';

-- fechamento_petr4
SELECT data_pregao, preco_ultimo FROM bovespa_refined WHERE ticker = 'PETR4' ORDER BY data_pregao;

-- filtro_por_particao_em_texto
SELECT ticker, preco_ultimo FROM bovespa_refined WHERE year = '2023' AND month = '01' AND day = '16' ORDER BY ticker;

-- filtro_de_mes_sem_dados
SELECT count(*) AS n, sum(volume_total) AS v, max(data_pregao) AS d FROM bovespa_refined WHERE year='2025' AND month='08';

-- nome_completo_com_aspas
SELECT r."ticker", r."volume_total" FROM "AwsDataCatalog"."bovespa_database"."bovespa_refined" r WHERE r."ticker" IN ('VALE3', 'ITUB4') ORDER BY 1, 2;

-- nome_do_banco
SELECT count(*) n FROM bovespa_database.bovespa_derivativos;

-- papeis_distintos
SELECT DISTINCT ticker FROM bovespa_refined WHERE year = '2023' ORDER BY ticker;

-- quantos_papeis_por_pregao
SELECT data_pregao, count(DISTINCT ticker) AS papeis FROM bovespa_refined GROUP BY data_pregao ORDER BY data_pregao;

-- entre_duas_datas
SELECT data_pregao, ticker, preco_ultimo FROM bovespa_refined
WHERE data_pregao BETWEEN DATE '2023-01-09' AND DATE '2023-01-13' AND ticker IN ('BBAS3','BBDC4','ITUB4') ORDER BY ticker, data_pregao;

-- data_de_texto
SELECT count(*) AS n FROM bovespa_refined WHERE data_pregao >= date('2023-01-10') AND data_pregao < date('2023-02-01');

-- data_por_cast
SELECT count(*) AS n FROM bovespa_refined WHERE data_pregao >= CAST('2023-01-11' AS date);

-- data_como_texto_sem_cast
SELECT count(*) FROM bovespa_refined WHERE data_pregao >= '2023-06-01';

-- data_por_date_parse
SELECT count(*) FROM bovespa_refined WHERE data_pregao = CAST(date_parse('08/11/2024', '%d/%m/%Y') AS date);

-- data_formatada_no_brasil
SELECT date_format(data_pregao, '%d/%m/%Y') AS dia, ticker, preco_ultimo FROM bovespa_refined WHERE ticker = 'VALE3' AND month = '01' ORDER BY data_pregao;

-- comeca_com_petr
SELECT DISTINCT ticker, nome_resumido FROM bovespa_refined WHERE ticker LIKE 'PETR%' ORDER BY 1, 2;

-- like_com_sublinhado
SELECT DISTINCT ticker FROM bovespa_refined WHERE ticker LIKE '____11' ORDER BY ticker;

-- ordinarias_e_preferenciais
SELECT CASE WHEN ticker LIKE '%3' THEN 'ON' WHEN ticker LIKE '%4' THEN 'PN' WHEN ticker LIKE '%11' THEN 'UNT/FII' ELSE 'outros' END AS classe,
  count(*) AS linhas, sum(volume_total) AS volume
FROM bovespa_refined WHERE year = '2023' GROUP BY 1 ORDER BY volume DESC;

-- maior_e_menor_preco
SELECT ticker, max(preco_maximo) AS maximo, min(preco_minimo) AS minimo, max(preco_maximo) - min(preco_minimo) AS amplitude
FROM bovespa_refined WHERE year = '2023' GROUP BY ticker ORDER BY amplitude DESC, ticker LIMIT 25;

-- preco_em_reais_texto
SELECT 'R$ ' || CAST(preco_ultimo AS varchar) AS preco FROM bovespa_refined WHERE ticker = 'ITUB4' AND data_pregao = DATE '2024-11-08';

-- concatena
SELECT concat(ticker, ' - ', nome_resumido, ' (', isin, ')') AS papel FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' AND volume_total > 500000000 ORDER BY ticker;

-- contagem_por_letra
SELECT substr(ticker, 1, 1) AS letra, count(DISTINCT ticker) AS papeis FROM bovespa_refined GROUP BY substr(ticker, 1, 1) ORDER BY 1;

-- ticker_em_minusculas
SELECT DISTINCT lower(ticker) FROM bovespa_refined WHERE upper(ticker) = upper('vale3');

-- nulos
SELECT count(*) AS linhas, count(isin) AS com_isin, count(especificacao) AS com_especificacao, count(distribuicao) AS com_distribuicao, count_if(dias_uteis IS NULL) AS sem_dias_uteis
FROM bovespa_refined;

-- coalesce_especificacao
SELECT coalesce(especificacao, '(nenhuma)') AS especificacao, count(*) AS n FROM bovespa_refined GROUP BY 1 ORDER BY n DESC, 1 LIMIT 30;

-- um_mais_um
SELECT 1 + 1 AS dois, 7 / 2 AS tres, 7 / 2.0 AS tres_e_meio, 7e0 / 2 AS tres_e_meio_double, 10 % 3 AS um;

-- sem_alias
SELECT ticker, max(preco_ultimo), count(*), avg(total_negocios) FROM bovespa_refined WHERE ticker IN ('ABEV3','WEGE3') GROUP BY ticker ORDER BY 1;

-- aspas_duplas_no_alias
SELECT ticker AS "Código", preco_ultimo AS "Preço (R$)" FROM bovespa_refined WHERE ticker = 'WEGE3' AND data_pregao = DATE '2024-11-08';

-- aspas_em_texto
SELECT 'D''água' AS a, '"aspas"' AS b, '' AS vazio, NULL AS nulo, 'a,b' AS virgula, 'linha
quebrada' AS linha;

-- booleano
SELECT alta_volatilidade, baixa_volatilidade, count(*) AS n FROM bovespa_refined GROUP BY 1, 2 ORDER BY 1, 2;

-- onde_booleano
SELECT data_pregao, ticker FROM bovespa_refined WHERE alta_volatilidade AND NOT baixa_volatilidade AND month = '11' ORDER BY 1, 2 LIMIT 100;

-- limite_sem_ordem_de_um_grupo
SELECT sum(volume_total) AS v FROM bovespa_refined LIMIT 1;

-- deslocamento
SELECT DISTINCT data_pregao FROM bovespa_refined ORDER BY data_pregao DESC OFFSET 5 LIMIT 5;

-- pagina_com_fetch
SELECT ticker, volume_total FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' ORDER BY volume_total DESC, ticker OFFSET 10 ROWS FETCH FIRST 10 ROWS ONLY;

-- empates_com_fetch
SELECT * FROM (SELECT ticker, pregoes FROM bovespa_metrics WHERE month = '01' AND year = '2023' ORDER BY pregoes DESC FETCH FIRST 1 ROW WITH TIES);

-- quantos_anos
SELECT year, count(*) FROM bovespa_refined GROUP BY year ORDER BY year;

-- mostra_tipos
SELECT typeof(data_pregao), typeof(ticker), typeof(preco_ultimo), typeof(total_negocios), typeof(quantidade_total), typeof(volume_total), typeof(year), typeof(scraped_at), typeof(alta_volatilidade) FROM bovespa_refined LIMIT 1;
