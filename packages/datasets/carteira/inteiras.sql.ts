/**
 * The portfolios that came whole, and nothing of a newer file with them: index and date. One on its way has lost papers
 * that are only not there yet, and a test message is no portfolio. In Trino's dialect.
 */
export const inteiras = `(SELECT DISTINCT indice, data_pregao FROM carteira_sessoes WHERE estado = 'completa' AND NOT mista)`;

/** The same of a session's quotes, by date. */
export const cotados = `(SELECT data_pregao FROM bovespa_metrics_pregao WHERE estado = 'completa' AND NOT mista)`;
