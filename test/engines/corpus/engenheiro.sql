-- Data engineers: quality, lineage, duplicates, partitions, odd syntax.

-- duplicados_por_chave
SELECT data_pregao, ticker, count(*) AS n FROM bovespa_refined GROUP BY data_pregao, ticker HAVING count(*) > 1;

-- linhas_por_origem
SELECT origin_rows, count(*) AS n, count(DISTINCT event_id) AS eventos, count(DISTINCT data_pregao) AS pregoes FROM bovespa_refined GROUP BY origin_rows ORDER BY origin_rows;

-- bruto_contra_refinado
SELECT (SELECT count(DISTINCT event_id) FROM bovespa_raw) AS bruto, (SELECT count(*) FROM bovespa_refined) + (SELECT count(*) FROM bovespa_derivativos) + (SELECT count(*) FROM bovespa_espera) AS tabelas;

-- bruto_por_mercado
SELECT tpmerc, count(*) AS n, sum(voltot) AS v, min(datpre) AS de, max(datpre) AS ate FROM bovespa_raw GROUP BY tpmerc ORDER BY tpmerc;

-- bruto_sem_par
SELECT count(*) AS n FROM bovespa_raw b LEFT JOIN bovespa_refined r ON r.event_id = b.event_id LEFT JOIN bovespa_derivativos d ON d.event_id = b.event_id WHERE r.event_id IS NULL AND d.event_id IS NULL;

-- preco_bruto_contra_unitario
SELECT b.codneg, b.fatcot, b.preult, r.preco_ultimo FROM bovespa_raw b JOIN bovespa_refined r ON r.event_id = b.event_id WHERE b.fatcot <> 1 AND b.datpre >= DATE '2024-11-01' ORDER BY b.codneg;

-- preco_incoerente
SELECT data_pregao, ticker, preco_minimo, preco_medio, preco_maximo FROM bovespa_refined WHERE preco_medio NOT BETWEEN preco_minimo AND preco_maximo ORDER BY 1, 2;

-- sessoes_incompletas
SELECT * FROM bovespa_sessoes WHERE estado <> 'completa' OR mista ORDER BY data_pregao;

-- sessoes_por_estado
SELECT estado, mista, count(*) AS n, sum(linhas_esperadas) AS esperadas, sum(linhas_vistas) AS vistas FROM bovespa_sessoes GROUP BY 1, 2 ORDER BY 1, 2;

-- metricas_conferem_com_as_linhas
SELECT p.data_pregao, p.volume_vista, r.v FROM bovespa_metrics_pregao p JOIN (SELECT data_pregao, sum(volume_total) AS v, count(*) AS n FROM bovespa_refined GROUP BY data_pregao) r ON r.data_pregao = p.data_pregao
WHERE p.volume_vista <> r.v OR p.tickers_vista <> r.n;

-- metricas_do_pregao_inteiras
SELECT * FROM bovespa_metrics_pregao ORDER BY data_pregao LIMIT 40;

-- metricas_do_mes_inteiras
SELECT * FROM bovespa_metrics WHERE month = '01' AND pregoes = 12 ORDER BY ticker LIMIT 60;

-- espera_vazia
SELECT count(*), max(scraped_at), sum(volume_total) FROM bovespa_espera;

-- linhas_inteiras_de_derivativos
SELECT data_pregao, ticker, tipo_mercado, prazo_termo, nome_resumido, especificacao, isin, codbdi, moeda, fator_cotacao, distribuicao, year, month, day, dia_semana, event_id FROM bovespa_derivativos WHERE data_pregao = DATE '2024-11-08' ORDER BY event_id LIMIT 100;

-- caminho_do_arquivo
SELECT count(DISTINCT "$path") >= 1 AS tem FROM bovespa_refined WHERE year = '2023';

-- arquivo_de_cada_particao
SELECT regexp_extract("$path", 'year=[0-9]{4}') AS pasta, count(*) AS n FROM bovespa_refined GROUP BY 1 ORDER BY 1;

-- tamanho_do_arquivo
SELECT max("$file_size") > 0 FROM bovespa_refined;

-- particao_do_bruto_por_data
SELECT ingest_date = current_date OR ingest_date = current_date - INTERVAL '1' DAY AS recente, count(*) AS n FROM bovespa_raw WHERE ingest_date >= current_date - INTERVAL '1' DAY GROUP BY 1;

-- particao_do_bruto_no_passado
SELECT count(*) FROM bovespa_raw WHERE ingest_date < DATE '2020-01-01';

-- esquema_pela_information_schema
SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'bovespa_metrics' ORDER BY ordinal_position;

-- tabelas_pela_information_schema
SELECT table_name FROM information_schema.tables WHERE table_schema = 'bovespa_database' ORDER BY 1;

-- amostra
SELECT count(*) > 0 FROM bovespa_refined TABLESAMPLE BERNOULLI (100);

-- divisao_por_zero
SELECT volume_total / (quantidade_total - quantidade_total) FROM bovespa_refined LIMIT 1;

-- cast_que_falha
SELECT CAST(ticker AS integer) FROM bovespa_refined LIMIT 1;

-- try_cast_que_nao_falha
SELECT try_cast(ticker AS integer) AS n, count(*) FROM bovespa_refined GROUP BY 1;

-- try_de_divisao
SELECT try(1 / (total_negocios - total_negocios)) AS n FROM bovespa_refined LIMIT 1;

-- coluna_que_nao_existe
SELECT tickr FROM bovespa_refined;

-- tabela_que_nao_existe
SELECT * FROM bovespa_refinada;

-- funcao_que_nao_existe
SELECT iff(1 = 1, 2, 3);

-- aspas_erradas
SELECT ticker FROM bovespa_refined WHERE ticker = "PETR4";

-- sem_group_by
SELECT ticker, sum(volume_total) FROM bovespa_refined;

-- alias_no_where
SELECT volume_total / 1000 AS milhares FROM bovespa_refined WHERE milhares > 10;

-- alias_no_having
SELECT ticker, sum(volume_total) AS v FROM bovespa_refined GROUP BY ticker HAVING v > 10;

-- alias_no_group_by
SELECT substr(ticker, 1, 4) AS ativo, count(*) FROM bovespa_refined GROUP BY ativo;

-- qualify
SELECT ticker FROM bovespa_refined QUALIFY row_number() OVER (ORDER BY ticker) = 1;

-- janela_no_where
SELECT ticker FROM bovespa_refined WHERE row_number() OVER (ORDER BY ticker) = 1;

-- tipos_diferentes_na_uniao
SELECT ticker FROM bovespa_refined UNION SELECT total_negocios FROM bovespa_refined;

-- limite_negativo
SELECT ticker FROM bovespa_refined LIMIT -1;

-- comentarios
/* bloco
   de linhas */ SELECT count(*) -- no fim
FROM bovespa_refined -- outro
WHERE year = '2023';

-- caixa_mista
SeLeCt TiCkEr, CoUnT(*) aS N fRoM Bovespa_Refined wHeRe Ticker = 'PETR4' gRoUp By TICKER;

-- cte_encadeada
WITH a AS (SELECT data_pregao, sum(volume_total) AS v FROM bovespa_refined GROUP BY data_pregao),
b AS (SELECT data_pregao, v, lag(v) OVER (ORDER BY data_pregao) AS antes FROM a),
c AS (SELECT *, v - antes AS delta FROM b)
SELECT data_pregao, v, delta, rank() OVER (ORDER BY abs(delta) DESC) AS r FROM c WHERE delta IS NOT NULL ORDER BY r LIMIT 10;

-- cte_com_colunas
WITH t (papel, dia) AS (SELECT ticker, max(data_pregao) FROM bovespa_refined GROUP BY ticker) SELECT papel, dia FROM t WHERE dia < DATE '2023-06-01' ORDER BY dia, papel;

-- cte_recursiva
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT sum(i) FROM n;

-- tabela_de_valores
SELECT * FROM (VALUES (1, 'a', DATE '2024-01-01'), (2, 'bb', NULL)) AS t(n, s, d) ORDER BY n;

-- lateral
SELECT a.ticker, x.v FROM (SELECT DISTINCT ticker FROM bovespa_refined WHERE ticker IN ('PETR4','VALE3')) a CROSS JOIN LATERAL (SELECT max(volume_total) AS v FROM bovespa_refined r WHERE r.ticker = a.ticker) x ORDER BY 1;

-- unnest_de_lista
SELECT t.p, sum(r.volume_total) AS v FROM UNNEST(ARRAY['PETR4', 'VALE3', 'NADA9']) AS t(p) LEFT JOIN bovespa_refined r ON r.ticker = t.p GROUP BY t.p ORDER BY t.p;

-- json_de_um_papel
SELECT json_format(CAST(MAP(ARRAY['ticker', 'isin'], ARRAY[ticker, isin]) AS json)) AS j FROM bovespa_refined WHERE ticker = 'PETR4' AND data_pregao = DATE '2024-11-08';

-- json_extract_de_literal
SELECT json_extract_scalar('{"a": {"b": [1, 2.50, "x"]}}', '$.a.b[2]') AS x, json_extract('{"a": {"b": [1, 2.50]}}', '$.a') AS a;

-- hash_md5
SELECT to_hex(md5(to_utf8(ticker))) AS h FROM bovespa_refined WHERE ticker = 'PETR4' LIMIT 1;

-- split_do_nome
SELECT split(nome_resumido, ' ')[1] AS primeira FROM bovespa_refined WHERE ticker = 'PETR4' LIMIT 1;

-- split_part_do_nome
SELECT DISTINCT split_part(especificacao, ' ', 1) AS classe, strpos(especificacao, 'ED') > 0 AS ex_dividendo FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' ORDER BY 1, 2;

-- texto_preenchido
SELECT DISTINCT lpad(ticker, 8, '.') AS e, rpad(trim(ticker), 8, '-') AS d, reverse(ticker) AS r, length(nome_resumido) AS n FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' AND ticker LIKE 'I%' ORDER BY 1 LIMIT 30;

-- arredondamentos
SELECT ticker, round(preco_medio, 1) AS r1, round(preco_medio) AS r0, ceil(preco_medio) AS c, floor(preco_medio) AS f, truncate(preco_medio) AS t, CAST(preco_medio AS integer) AS i, CAST(preco_medio AS decimal(10,2)) AS d2, CAST(preco_medio AS double) AS dd
FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' ORDER BY ticker LIMIT 60;

-- decimais_por_decimais
SELECT ticker, preco_ultimo * quantidade_total AS bruto, volume_total / quantidade_total AS medio, volume_total / nullif(total_negocios, 0) AS ticket, preco_ultimo * preco_ultimo AS quadrado, preco_ultimo / preco_abertura AS razao, mod(preco_ultimo, 1) AS centavos
FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' AND quantidade_total > 0 AND preco_abertura > 0 ORDER BY ticker LIMIT 60;

-- media_de_inteiros
SELECT avg(total_negocios) AS a, avg(quantidade_total) AS b, sum(total_negocios) AS c, sum(quantidade_total) AS d, avg(volume_total) AS e, avg(CAST(volume_total AS double)) AS f FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08';

-- double_em_texto
SELECT CAST(CAST(preco_ultimo AS double) AS varchar) AS t FROM bovespa_refined WHERE ticker = 'PETR4' AND data_pregao = DATE '2024-11-08';

-- formata_numero
SELECT format('%.2f', CAST(preco_ultimo AS double)) AS t FROM bovespa_refined WHERE ticker = 'PETR4' AND data_pregao = DATE '2024-11-08';

-- numero_em_texto_com_zero
SELECT lpad(CAST(total_negocios AS varchar), 6, '0') AS n FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' ORDER BY 1 DESC LIMIT 10;

-- conta_condicional_de_qualidade
SELECT sum(CASE WHEN negocios_suspeitos THEN 1 ELSE 0 END) AS suspeitos, sum(CASE WHEN alta_volatilidade THEN 1 END) AS altas, bool_or(baixa_volatilidade) AS alguma, bool_and(preco_ultimo > 0) AS todas, count(DISTINCT isin) AS isins FROM bovespa_refined WHERE year = '2024';

-- ordem_por_expressao
SELECT ticker FROM bovespa_refined WHERE data_pregao = DATE '2024-11-08' ORDER BY length(ticker) DESC, ticker DESC LIMIT 20;

-- nulos_na_ordem
SELECT DISTINCT especificacao, distribuicao FROM bovespa_derivativos WHERE data_pregao = DATE '2024-11-08' AND tipo_mercado = '070' ORDER BY 1, 2;

-- in_com_linhas
SELECT count(*) FROM bovespa_refined WHERE (ticker, data_pregao) IN (SELECT ticker, max(data_pregao) FROM bovespa_refined GROUP BY ticker);

-- is_distinct_from
SELECT count(*) AS n FROM bovespa_refined a JOIN bovespa_refined b ON a.ticker = b.ticker AND a.data_pregao = DATE '2023-12-28' AND b.data_pregao = DATE '2024-11-08' WHERE a.isin IS DISTINCT FROM b.isin;
