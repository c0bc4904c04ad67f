const day = new Intl.DateTimeFormat("en-CA", { timeZone: "America/Sao_Paulo", year: "numeric", month: "2-digit", day: "2-digit" });

/** The date in São Paulo at an instant (milliseconds since 1970), `YYYY-MM-DD`. */
export const saoPauloDay = (ms: number): string => day.format(ms);
