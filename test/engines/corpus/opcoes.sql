-- Options, forwards and odd lots.

-- cadeia_de_opcoes
SELECT ticker, tipo_mercado, preco_exercicio, data_vencimento, preco_ultimo, total_negocios
FROM bovespa_derivativos
WHERE data_pregao = DATE '2024-11-08' AND ticker LIKE 'PETR%' AND tipo_mercado IN ('070', '080')
ORDER BY data_vencimento, preco_exercicio, ticker, tipo_mercado LIMIT 200;

-- calls_e_puts_por_vencimento
SELECT data_vencimento,
  count_if(tipo_mercado = '070') AS calls, count_if(tipo_mercado = '080') AS puts,
  sum(CASE WHEN tipo_mercado = '080' THEN volume_total ELSE 0 END) / nullif(sum(CASE WHEN tipo_mercado = '070' THEN volume_total ELSE 0 END), 0) AS put_call
FROM bovespa_derivativos WHERE year = '2024' AND tipo_mercado IN ('070', '080') GROUP BY data_vencimento ORDER BY data_vencimento;

-- put_call_por_ativo
SELECT substr(ticker, 1, 4) AS ativo,
  sum(quantidade_total) FILTER (WHERE tipo_mercado = '070') AS calls,
  sum(quantidade_total) FILTER (WHERE tipo_mercado = '080') AS puts,
  CAST(sum(quantidade_total) FILTER (WHERE tipo_mercado = '080') AS double) / sum(quantidade_total) FILTER (WHERE tipo_mercado = '070') AS razao
FROM bovespa_derivativos WHERE data_pregao = DATE '2024-11-08' GROUP BY 1 HAVING sum(quantidade_total) > 1000000 ORDER BY 1;

-- dias_ate_o_vencimento
SELECT ticker, data_pregao, data_vencimento, date_diff('day', data_pregao, data_vencimento) AS dias
FROM bovespa_derivativos WHERE data_pregao = DATE '2024-11-08' AND data_vencimento IS NOT NULL AND ticker LIKE 'VALE%' ORDER BY dias, ticker, tipo_mercado, preco_exercicio LIMIT 60;

-- dias_por_subtracao
SELECT max(data_vencimento - data_pregao) FROM bovespa_derivativos WHERE data_pregao = DATE '2024-11-08';

-- dias_uteis_ate_o_vencimento
SELECT d.ticker, v.indice_util - p.indice_util AS du
FROM bovespa_derivativos d JOIN calendario p ON p.data = d.data_pregao JOIN calendario v ON v.data = d.data_vencimento
WHERE d.data_pregao = DATE '2024-11-08' AND d.tipo_mercado = '070' AND d.ticker LIKE 'BOVA%' ORDER BY du, d.ticker;

-- dinheiro_ou_fora
SELECT o.ticker, o.preco_exercicio, s.preco_ultimo AS ativo,
  CASE WHEN o.tipo_mercado = '070' AND s.preco_ultimo > o.preco_exercicio OR o.tipo_mercado = '080' AND s.preco_ultimo < o.preco_exercicio THEN 'ITM' ELSE 'OTM' END AS onde,
  greatest(CAST(0 AS decimal(18,6)), CASE o.tipo_mercado WHEN '070' THEN s.preco_ultimo - o.preco_exercicio ELSE o.preco_exercicio - s.preco_ultimo END) AS intrinseco
FROM bovespa_derivativos o JOIN bovespa_refined s ON s.data_pregao = o.data_pregao AND s.ticker = 'PETR4'
WHERE o.data_pregao = DATE '2024-11-08' AND o.tipo_mercado IN ('070', '080') AND o.ticker LIKE 'PETR%' ORDER BY o.ticker;

-- mais_proximas_do_dinheiro
SELECT ticker, tipo_mercado, preco_exercicio, distancia FROM (
  SELECT o.ticker, o.tipo_mercado, o.preco_exercicio, abs(o.preco_exercicio - s.preco_ultimo) AS distancia,
    rank() OVER (PARTITION BY o.tipo_mercado, o.data_vencimento ORDER BY abs(o.preco_exercicio - s.preco_ultimo), o.ticker) AS r
  FROM bovespa_derivativos o CROSS JOIN (SELECT preco_ultimo FROM bovespa_refined WHERE ticker = 'VALE3' AND data_pregao = DATE '2024-11-08') s
  WHERE o.data_pregao = DATE '2024-11-08' AND o.ticker LIKE 'VALE%' AND o.tipo_mercado IN ('070','080')
) WHERE r = 1 ORDER BY ticker;

-- pares_de_call_e_put
SELECT c.ticker AS call, p.ticker AS put, c.preco_exercicio, c.data_vencimento, c.preco_ultimo - p.preco_ultimo AS diferenca
FROM bovespa_derivativos c JOIN bovespa_derivativos p
  ON p.data_pregao = c.data_pregao AND p.preco_exercicio = c.preco_exercicio AND p.data_vencimento = c.data_vencimento AND p.tipo_mercado = '080' AND substr(p.ticker, 1, 4) = substr(c.ticker, 1, 4)
WHERE c.data_pregao = DATE '2024-11-08' AND c.tipo_mercado = '070' AND c.ticker LIKE 'BBAS%' ORDER BY 1, 2;

-- mes_do_vencimento_pela_letra
SELECT substr(ticker, 5, 1) AS letra, min(month(data_vencimento)) AS de, max(month(data_vencimento)) AS ate, count(*) AS n
FROM bovespa_derivativos WHERE tipo_mercado = '070' AND year = '2024' GROUP BY 1 ORDER BY 1;

-- strike_do_ticker
SELECT ticker, regexp_extract(ticker, '([0-9]+)$', 1) AS fim, try_cast(regexp_extract(ticker, '[0-9]+$') AS integer) AS numero FROM bovespa_derivativos
WHERE data_pregao = DATE '2024-11-08' AND tipo_mercado = '070' AND ticker LIKE 'ITUB%' ORDER BY ticker;

-- ticker_com_classe_de_regex
SELECT count(*) FROM bovespa_derivativos WHERE regexp_like(ticker, '^[A-Z]{4}[M-X]\d+$');

-- ticker_de_opcao_valido
SELECT tipo_mercado, count_if(regexp_like(ticker, '^[A-Z0-9]{4}[A-X][0-9]{1,3}(W[1-5])?E?$')) AS validos, count(*) AS n FROM bovespa_derivativos GROUP BY 1 ORDER BY 1;

-- opcoes_vencidas_no_mes
SELECT date_trunc('month', data_vencimento) AS mes, count(DISTINCT ticker) AS series FROM bovespa_derivativos
WHERE tipo_mercado IN ('070', '080') GROUP BY 1 ORDER BY 1;

-- termo_por_prazo
SELECT prazo_termo, count(*) AS n, sum(volume_total) AS v, avg(preco_medio) AS p FROM bovespa_derivativos WHERE tipo_mercado = '030' GROUP BY prazo_termo ORDER BY prazo_termo;

-- termo_prazo_numerico
SELECT CAST(prazo_termo AS integer) / 30 AS meses, count(*) AS n FROM bovespa_derivativos WHERE prazo_termo IS NOT NULL GROUP BY 1 ORDER BY 1;

-- fracionario_contra_lote
SELECT f.data_pregao, f.ticker, f.preco_medio AS fracionario, r.preco_medio AS lote, f.preco_medio - r.preco_medio AS diferenca
FROM bovespa_derivativos f JOIN bovespa_refined r ON r.data_pregao = f.data_pregao AND f.ticker = r.ticker || 'F'
WHERE f.tipo_mercado = '020' AND f.data_pregao = DATE '2024-11-08' ORDER BY f.ticker LIMIT 80;

-- fracionario_por_rtrim
SELECT rtrim(ticker) AS t, replace(ticker, 'F', '') AS lote, length(ticker) AS n FROM bovespa_derivativos WHERE tipo_mercado = '020' AND data_pregao = DATE '2024-11-08' ORDER BY 1 LIMIT 30;

-- soma_do_negocio_em_opcoes
SELECT tipo_mercado, sum(total_negocios) AS negocios, sum(quantidade_total) AS quantidade, sum(volume_total) AS volume, avg(volume_total) AS medio, avg(total_negocios) AS negocios_medios
FROM bovespa_derivativos GROUP BY tipo_mercado ORDER BY tipo_mercado;

-- strikes_por_ativo
SELECT substr(ticker, 1, 4) AS ativo, count(DISTINCT preco_exercicio) AS strikes, min(preco_exercicio) AS de, max(preco_exercicio) AS ate
FROM bovespa_derivativos WHERE tipo_mercado IN ('070', '080') AND data_pregao = DATE '2024-11-08' GROUP BY 1 HAVING count(DISTINCT preco_exercicio) > 20 ORDER BY strikes DESC, ativo;

-- indicador_de_correcao
SELECT indicador_correcao, preco_exercicio_pontos, count(*) FROM bovespa_derivativos GROUP BY 1, 2 ORDER BY 1 NULLS FIRST, 2 DESC NULLS LAST;

-- volume_por_tipo_e_mes_transposto
SELECT month, coalesce(sum(volume_total) FILTER (WHERE tipo_mercado = '070'), 0) AS call, coalesce(sum(volume_total) FILTER (WHERE tipo_mercado = '080'), 0) AS put, coalesce(sum(volume_total) FILTER (WHERE tipo_mercado = '030'), 0) AS termo
FROM bovespa_derivativos WHERE year = '2023' GROUP BY month ORDER BY month;

-- vencimentos_em_sextas
SELECT data_vencimento, day_of_week(data_vencimento) AS dia, format_datetime(data_vencimento, 'yyyy-MM-dd') AS texto FROM bovespa_derivativos WHERE data_vencimento IS NOT NULL GROUP BY data_vencimento ORDER BY data_vencimento LIMIT 40;

-- opcao_com_maior_alta
SELECT ticker, preco_minimo, preco_maximo, CAST(preco_maximo AS double) / CAST(nullif(preco_minimo, 0) AS double) AS vezes
FROM bovespa_derivativos WHERE data_pregao = DATE '2024-11-08' AND tipo_mercado = '070' ORDER BY vezes DESC NULLS LAST, ticker LIMIT 15;
