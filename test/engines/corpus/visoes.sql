-- The views, as people use them.

-- hoje_de_um_ano
SELECT ticker, data_pregao, preco_ultimo FROM bovespa_hoje WHERE year = '2024' AND volume_total > 100000000 ORDER BY volume_total DESC, ticker;

-- dias_desde_o_pregao
SELECT DISTINCT data_pregao, dias_corridos, dias_uteis, date_diff('day', data_pregao, data_referencia) = dias_corridos AS confere FROM bovespa_hoje ORDER BY data_pregao;

-- variacao_maior_que_cinco_por_cento
SELECT data_pregao, ticker, round(100 * variacao, 2) AS pct FROM bovespa_variacao WHERE abs(variacao_ajustada) > 0.05 AND volume_total > 50000000 AND year = '2023' ORDER BY data_pregao, ticker;

-- cotacao_mais_nova_com_metricas
SELECT u.ticker, u.preco_ultimo, m.pregoes, m.volume_total FROM bovespa_ultimo u JOIN bovespa_metrics m ON m.ticker = u.ticker AND m.year = '2023' ORDER BY m.volume_total DESC, u.ticker LIMIT 20;

-- opcoes_abertas_por_ativo
SELECT substr(ticker, 1, 4) AS ativo, count(*) AS series FROM bovespa_opcoes_abertas GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20;
