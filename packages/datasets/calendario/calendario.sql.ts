export default /* sql */ `
SELECT data, dia, sessao, indice_util, dia_semana
FROM dias
`;
