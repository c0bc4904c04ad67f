import { Cron } from "croner";
import { list } from "../../packages/aws/store.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { interval } from "../../packages/local/clock.ts";
import { openRiver, record } from "../cli/stack.ts";
import { csvOf } from "../oracle/answers.ts";

/**
 * A small river under the TZ of this process, whose clock stands at instants at which the days of UTC, of São Paulo and
 * of Tokyo differ, or São Paulo changed its clocks. On standard output, as JSON, all that comes of it: it must say the
 * same under every TZ.
 */
export type Told = {
  /** Of this process's TZ, in minutes, in January and July 2018: the proof that it took effect. */
  offsets: number[];
  /** By instant: the day that its raw object is filed under, and the time in the object's name. */
  days: Record<string, string>;
  tables: Record<string, string>;
  queries: Record<string, string>;
  /** The next ticks of clocks in São Paulo and UTC, over the nights at which São Paulo changed its clocks. */
  ticks: Record<string, string[]>;
};

/** [instant, session]: each makes a row of a ticker of its own, in this order of arrival. */
export const arrivals: [instant: string, session: string][] = [
  ["2017-12-31T23:30:00.000Z", "2017-12-28"], // 21:30 in São Paulo, the new year's morning in Tokyo
  ["2018-01-01T01:59:59.999Z", "2017-12-27"], // still the old year in São Paulo
  ["2018-02-18T01:59:59.999Z", "2018-02-16"], // the hour that São Paulo had twice: the first time
  ["2018-02-18T02:30:00.000Z", "2018-02-15"], // and the second
  ["2018-02-18T03:00:00.000Z", "2018-02-14"],
  ["2018-11-04T02:59:59.999Z", "2018-11-01"], // the last of a day whose midnight São Paulo did not have
  ["2018-11-04T03:00:00.000Z", "2018-10-31"],
  ["2024-02-29T02:30:00.000Z", "2024-02-28"], // the 29th of February in UTC and Tokyo
  ["2024-11-08T14:59:59.999Z", "2024-11-07"], // Tokyo's midnight
  ["2024-11-09T01:11:00.123Z", "2024-11-08"], // a file published at 22:11
];

const nights = ["2018-02-17T12:00:00Z", "2018-11-03T12:00:00Z", "2019-02-16T12:00:00Z", "2024-12-30T12:00:00Z"];
const clocks = [
  { cron: "30 22 * * MON-FRI", zone: "America/Sao_Paulo" },
  { cron: "30 23 * * *", zone: "America/Sao_Paulo" },
  { cron: "30 0 * * *", zone: "America/Sao_Paulo" },
  { cron: "0 6 * * SUN", zone: "UTC" },
  { cron: "*/15 * * * *", zone: "UTC" },
];

const ticks = (): Told["ticks"] =>
  Object.fromEntries(
    clocks.flatMap(({ cron, zone }) =>
      nights.map((night) => {
        const next = new Cron(cron, { timezone: zone, paused: true }).nextRuns(3, new Date(night));
        return [`${cron} ${zone} from ${night}`, next.map((at) => at.toISOString())];
      }),
    ),
  );

const tell = async (): Promise<Told> => {
  let clock = 0;
  const river = await openRiver({
    now: () => clock,
    // Nothing waits: the clock stands. And no bell rings: all that arrived is one run's.
    topology: (built) => ({
      ...built,
      mappings: built.mappings.map((m) => ({ ...m, window: 0, batch: 10 })),
      streams: built.streams.map((s) => ({ ...s, seconds: 0 })),
      notices: [],
    }),
  });
  try {
    await river.make("calendario");
    const days: Told["days"] = {};
    const known = new Set<string>();
    for (const [i, [at, session]] of arrivals.entries()) {
      clock = Date.parse(at);
      await river.file(`v${i}`, [record(`TZ${String(i).padStart(2, "0")}3`, session, 0)], 1, clock);
      await river.idle();
      for await (const { key } of list(river.aws, "lake", "raw/bovespa/")) {
        if (known.has(key)) continue;
        known.add(key);
        const ingest = /ingest_date=([\d-]+)\/bovespa-1-([\d-]+)-[0-9a-f-]{36}\.parquet$/.exec(key);
        days[at] = `${ingest?.[1]} ${ingest?.[2]}`;
      }
    }
    await river.make("bovespa");
    const database = bovespa.database;
    const tables: Told["tables"] = {};
    for (const { name, key, sort } of [bovespa.raw!.table, ...bovespa.tables])
      tables[name] = await csvOf(
        { aws: river.aws, database },
        `SELECT * FROM ${name} ORDER BY ${[...key, ...sort].join(", ")}`,
      );
    const queries: Told["queries"] = {};
    for (const sql of [
      "SELECT data_processamento FROM bovespa_refined ORDER BY ticker",
      "SELECT ticker FROM bovespa_refined WHERE data_processamento = DATE '2018-11-03'",
      "SELECT CAST(scraped_at AS varchar), CAST(scraped_at AS date), hour(scraped_at), date_trunc('day', scraped_at), date_format(scraped_at, '%Y-%m-%d %H:%i:%s') FROM bovespa_refined ORDER BY ticker",
      "SELECT ticker FROM bovespa_refined WHERE scraped_at < TIMESTAMP '2018-02-18 02:30:00' ORDER BY ticker",
      "SELECT date_diff('day', data_pregao, data_processamento), dias_corridos, dias_uteis, dia_semana FROM bovespa_refined ORDER BY ticker",
    ])
      queries[sql] = await csvOf({ aws: river.aws, database }, sql);
    // Raw's partitions are projected up to the day that it is now, in UTC.
    for (const at of ["2024-11-08T23:59:59.999Z", "2024-11-09T00:00:00.000Z"]) {
      clock = Date.parse(at);
      const sql = "SELECT ingest_date, count(*) FROM bovespa_raw GROUP BY 1 ORDER BY 1";
      queries[`${sql} at ${at}`] = await csvOf({ aws: river.aws, database }, sql);
    }
    return {
      offsets: ["2018-01-01T12:00:00Z", "2018-07-01T12:00:00Z"].map((at) => new Date(at).getTimezoneOffset()),
      days,
      tables,
      queries,
      ticks: { ...ticks(), interval: [String(interval(clocks[0]!))] },
    };
  } finally {
    await river.close();
  }
};

if (import.meta.main) process.stdout.write(`${JSON.stringify(await tell())}\n`);
