import { between, hasSession, weekdayOf } from "./calendar.ts";
import type { Arrived } from "./judge.ts";
import type { Merged } from "./merge.ts";

/** Rows of the refined tables, column by column, as the text Athena gives. */

export type Cells = Record<string, string | null>;

const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));

/** Units of a decimal of `scale` places, spelled. */
export const decimal = (units: bigint, scale: number): string => {
  const sign = units < 0n ? "-" : "";
  const digits = String(units < 0n ? -units : units).padStart(scale + 1, "0");
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
};
/** Units of a spelled decimal: "12.34" is 1234. */
export const units = (spelled: unknown): bigint => BigInt(String(spelled).replace(".", ""));

/** As Java, and so Trino, prints a double. */
export const double = (value: number): string => {
  const [mantissa, power] = value.toExponential().split("e") as [string, string];
  const exponent = Number(power);
  if (exponent < -3 || exponent >= 7) return `${mantissa.includes(".") ? mantissa : `${mantissa}.0`}E${exponent}`;
  const plain = value.toString();
  return plain.includes(".") ? plain : `${plain}.0`;
};

export const isCash = ({ record }: Pick<Arrived, "record">): boolean =>
  record.tpmerc === "010" && record.prazot === null;

/** A price per unit, in millionths: the origin's cents × 10,000 ÷ FATCOT, which is a power of ten up to 10,000. */
const perUnit = (price: unknown, factor: number): bigint => (units(price) * 10_000n) / BigInt(factor);

/** A row in the shape that all refined tables share, unions of columns; which of them a table has is its own. */
export const refinedRow = (arrived: Arrived): Cells => {
  const { record } = arrived;
  const factor = Number(record.fatcot);
  const session = String(record.datpre);
  const price = (name: string) => decimal(perUnit(record[name], factor), 6);
  const cash = isCash(arrived);
  const passed = between(session, arrived.scraped_on);
  return {
    data_pregao: session,
    ticker: text(record.codneg),
    tipo_mercado: text(record.tpmerc),
    prazo_termo: text(record.prazot),
    nome_resumido: text(record.nomres),
    especificacao: text(record.especi),
    isin: text(record.codisi),
    codbdi: text(record.codbdi),
    moeda: text(record.modref),
    preco_abertura: price("preabe"),
    preco_maximo: price("premax"),
    preco_minimo: price("premin"),
    preco_medio: price("premed"),
    preco_ultimo: price("preult"),
    preco_oficial: price("preofc"),
    preco_oferta_venda: price("preofv"),
    total_negocios: text(record.totneg),
    quantidade_total: text(record.quatot),
    volume_total: text(record.voltot),
    preco_exercicio: cash ? null : price("preexe"),
    preco_exercicio_pontos: cash ? null : text(record.ptoexe),
    indicador_correcao: cash ? null : text(record.indopc),
    data_vencimento: cash ? null : text(record.datven),
    fator_cotacao: text(record.fatcot),
    distribuicao: text(record.dismes),
    data_processamento: arrived.scraped_on,
    dias_corridos: text(passed?.days),
    dias_uteis: text(passed?.sessions),
    month: session.slice(5, 7),
    day: session.slice(8, 10),
    dia_semana: text(weekdayOf(session)),
    source_version: arrived.version,
    scraped_at: arrived.scraped_at,
    event_id: arrived.event_id,
    origin_sha256: arrived.sha256,
    origin_rows: text(arrived.origin_rows),
    year: session.slice(0, 4),
  };
};

const contract = ["preco_exercicio", "preco_exercicio_pontos", "indicador_correcao", "data_vencimento"];
const without = (row: Cells, names: readonly string[]): Cells => {
  const left = { ...row };
  for (const name of names) delete left[name];
  return left;
};

type Money = { cents: bigint; trades: bigint };
/** a ÷ b against c ÷ d, without dividing. */
const compared = (a: Money, b: Money): number => {
  const difference = a.cents * b.trades - b.cents * a.trades;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};

/** The lower median of money per trade of each ticker in a year. */
const mediansOf = (cash: readonly Arrived[]): Map<string, Money> => {
  const ratios = new Map<string, Money[]>();
  for (const { record } of cash) {
    if (record.totneg === 0) continue;
    const key = `${String(record.datpre).slice(0, 4)} ${record.codneg}`;
    const same = ratios.get(key) ?? [];
    same.push({ cents: units(record.voltot), trades: BigInt(record.totneg as number) });
    ratios.set(key, same);
  }
  return new Map([...ratios].map(([key, all]) => [key, all.sort(compared)[Math.floor((all.length - 1) / 2)]!]));
};

/** TOTNEG has five digits and wrapped: more than 50 medians a trade, and still a tenth of one with 100,000 trades more. */
const wrapped = ({ record }: Arrived, median: Money | undefined): boolean => {
  const cents = units(record.voltot);
  const trades = BigInt(record.totneg as number);
  if (trades === 0n) return cents > 0n;
  if (!median) return false;
  return (
    compared({ cents, trades }, { cents: 50n * median.cents, trades: median.trades }) > 0 &&
    compared({ cents: 10n * cents, trades: trades + 100_000n }, median) >= 0
  );
};

export const refinedTable = (published: readonly Arrived[]): Cells[] => {
  const cash = published.filter(isCash);
  const medians = mediansOf(cash);
  return cash.map((arrived) => {
    const row = refinedRow(arrived);
    const [high, low] = [units(row.preco_maximo), units(row.preco_minimo)];
    return {
      ...without(row, [...contract, "tipo_mercado", "prazo_termo"]),
      alta_volatilidade: String(low > 0n && (high - low) * 20n >= low),
      baixa_volatilidade: String(low > 0n && (high - low) * 100n <= low),
      negocios_suspeitos: String(wrapped(arrived, medians.get(`${row.year} ${row.ticker}`))),
    };
  });
};

export const derivativesTable = (published: readonly Arrived[]): Cells[] =>
  published.filter((row) => !isCash(row)).map(refinedRow);

export const waitingTable = (waiting: readonly Arrived[]): Cells[] => waiting.map(refinedRow);

export const sessionsTable = (sessions: ReadonlyMap<string, Merged>): Cells[] =>
  [...sessions].flatMap(([session, { sources }]) =>
    sources.map((s) => ({
      data_pregao: session,
      source_version: s.version,
      scraped_at: s.scraped_at,
      origin_sha256: s.sha256,
      linhas_esperadas: String(s.stated),
      linhas_vistas: s.state === "superada" ? null : String(s.state === "completa" ? s.stated : s.seen),
      estado: s.state,
      mista: String(s.mixed),
      year: session.slice(0, 4),
    })),
  );

const sum = (rows: readonly Cells[], column: string): bigint => rows.reduce((total, r) => total + units(r[column]), 0n);
const extremes = (rows: readonly Cells[], column: string): { least: bigint; most: bigint } => {
  const sorted = rows.map((r) => units(r[column])).sort((a, b) => (a < b ? -1 : 1));
  return { least: sorted[0]!, most: sorted.at(-1)! };
};
const count = (rows: readonly Cells[], is: (row: Cells) => boolean): string => String(rows.filter(is).length);

export const metricsTable = (refined: readonly Cells[]): Cells[] =>
  [...Map.groupBy(refined, (r) => JSON.stringify([r.ticker, r.year, r.month])).values()].map((rows) => {
    const days = rows.toSorted((a, b) => (a.data_pregao! < b.data_pregao! ? -1 : 1));
    const [first, last] = [days[0]!, days.at(-1)!];
    const volume = sum(rows, "volume_total");
    return {
      ticker: first.ticker!,
      month: first.month!,
      pregoes: String(rows.length),
      primeiro_pregao: first.data_pregao!,
      ultimo_pregao: last.data_pregao!,
      volume_medio_diario: double(Number(volume) / (100 * rows.length)),
      volume_total: decimal(volume, 2),
      quantidade_total: String(sum(rows, "quantidade_total")),
      total_negocios: String(sum(rows, "total_negocios")),
      volume_maximo: decimal(extremes(rows, "volume_total").most, 2),
      volume_minimo: decimal(extremes(rows, "volume_total").least, 2),
      preco_abertura: first.preco_abertura!,
      preco_maximo: decimal(extremes(rows, "preco_maximo").most, 6),
      preco_minimo: decimal(extremes(rows, "preco_minimo").least, 6),
      preco_ultimo: last.preco_ultimo!,
      dias_alta_volatilidade: count(rows, (r) => r.alta_volatilidade === "true"),
      dias_negocios_suspeitos: count(rows, (r) => r.negocios_suspeitos === "true"),
      year: first.year!,
    };
  });

const outside = (price: bigint, low: bigint, high: bigint) => price < low || price > high;

const incoherent = (r: Cells): boolean => {
  const [low, high] = [units(r.preco_minimo), units(r.preco_maximo)];
  return [r.preco_abertura, r.preco_medio, r.preco_ultimo].some((p) => outside(units(p), low, high));
};

/** In units of 10⁻⁸: |volume − average × quantity| > a cent + a cent per FATCOT shares. */
const divergent = (r: Cells): boolean => {
  const quantity = units(r.quantidade_total);
  const product = units(r.preco_medio) * quantity * 100n;
  const volume = units(r.volume_total) * 1_000_000n;
  const difference = volume > product ? volume - product : product - volume;
  return difference > 1_000_000n + (1_000_000n / BigInt(r.fator_cotacao!)) * quantity;
};

export const sessionMetricsTable = (
  refined: readonly Cells[],
  derivatives: readonly Cells[],
  sessions: ReadonlyMap<string, Merged>,
): Cells[] => {
  const bySession = (rows: readonly Cells[]) => Map.groupBy(rows, (r) => r.data_pregao!);
  const [cashOf, othersOf] = [bySession(refined), bySession(derivatives)];
  return [...new Set([...cashOf.keys(), ...othersOf.keys()])].map((session) => {
    const cash = cashOf.get(session) ?? [];
    const others = othersOf.get(session) ?? [];
    const { sources } = sessions.get(session)!;
    const complete = sources.find((s) => s.state === "completa");
    return {
      data_pregao: session,
      month: session.slice(5, 7),
      tickers_vista: String(cash.length),
      negocios_vista: String(sum(cash, "total_negocios")),
      quantidade_vista: String(sum(cash, "quantidade_total")),
      volume_vista: decimal(sum(cash, "volume_total"), 2),
      linhas_derivativos: String(others.length),
      volume_derivativos: decimal(sum(others, "volume_total"), 2),
      estado: sources.length === 0 ? "avulsa" : complete ? "completa" : "parcial",
      mista: String(sources.some((s) => s.mixed)),
      linhas_esperadas: complete ? String(complete.stated) : null,
      linhas_publicadas: String(cash.length + others.length),
      linhas_avulsas: count([...cash, ...others], (r) => r.origin_rows === null),
      papeis_alta_volatilidade: count(cash, (r) => r.alta_volatilidade === "true"),
      papeis_negocios_suspeitos: count(cash, (r) => r.negocios_suspeitos === "true"),
      papeis_preco_incoerente: count(cash, incoherent),
      papeis_volume_divergente: count(cash, divergent),
      dia_de_pregao: text(hasSession(session)),
      year: session.slice(0, 4),
    };
  });
};
