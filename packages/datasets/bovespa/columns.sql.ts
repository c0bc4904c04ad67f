/**
 * The columns of one row on its way through the steps, in this order wherever rows of several tables are put together:
 * those of bovespa_derivativos and `month`. `origem` is what orders origins, see RUNS.md "Merging".
 */
export const linha = `data_pregao, ticker, tipo_mercado, prazo_termo, nome_resumido, especificacao, isin, codbdi, moeda,
  preco_abertura, preco_maximo, preco_minimo, preco_medio, preco_ultimo, preco_oficial, preco_oferta_venda,
  total_negocios, quantidade_total, volume_total,
  preco_exercicio, preco_exercicio_pontos, indicador_correcao, data_vencimento,
  fator_cotacao, distribuicao, data_processamento, dias_corridos, dias_uteis, year, month, day, dia_semana,
  source_version, scraped_at, event_id, origin_sha256, origin_rows`;

/** The same for the cash market, without what only contracts have. */
export const vista = `data_pregao, ticker, nome_resumido, especificacao, isin, codbdi, moeda,
  preco_abertura, preco_maximo, preco_minimo, preco_medio, preco_ultimo, preco_oficial, preco_oferta_venda,
  total_negocios, quantidade_total, volume_total,
  fator_cotacao, distribuicao, data_processamento, dias_corridos, dias_uteis, year, month, day, dia_semana,
  source_version, scraped_at, event_id, origin_sha256, origin_rows`;
