import { PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { BatchCreatePartitionCommand, BatchDeletePartitionCommand } from "@aws-sdk/client-glue";
import type { S3Event } from "aws-lambda";
import { handler as advance } from "../../functions/advance.ts";
import { backfill } from "../../functions/backfill.ts";
import { handler as consume } from "../../functions/consume.ts";
import { scrape } from "../../functions/messages.ts";
import { inMemory } from "../../functions/origin.ts";
import { digest } from "../../functions/river.ts";
import { handler as salvage } from "../../functions/salvage.ts";
import { all } from "../../packages/aws/queries.ts";
import { receive, remove } from "../../packages/aws/queues.ts";
import { remove as drop, head, list, put } from "../../packages/aws/store.ts";
import { judgeOf } from "../../packages/core/judge.ts";
import { messages } from "../../packages/core/message.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import type { Web } from "../../packages/web/index.ts";
import { sqsEvent } from "../sqs-event.ts";
import { cotahist, sessionsOf } from "../synthetic.ts";
import { context, type Step } from "./matrix.ts";
import { stage, type World } from "./world.ts";

/** Everything in a queue, taken out of it. */
const drain = async ({ plain }: World, queue: string): Promise<{ id: string; subject: string; reason?: string }[]> => {
  const found: { id: string; subject: string; reason?: string }[] = [];
  for (;;) {
    const batch = await receive(plain, queue, 30);
    if (batch.length === 0) return found;
    for (const { body } of batch) {
      const { id, subject, rejectreason } = JSON.parse(body) as Record<string, string>;
      found.push({ id: id!, subject: subject!, ...(rejectreason ? { reason: rejectreason } : {}) });
    }
    await remove(
      plain,
      queue,
      batch.map((m) => m.receipt),
    );
  }
};
const distinct = (texts: readonly string[]): string[] => [...new Set(texts)].sort();

const origin = { sha256: "0".repeat(64), version: "2024-11-08", scraped_at: "2024-11-09 01:11:00.000" };
const bodyOf = (ticker: string, session = "2024-11-08", change: object = {}): string => {
  const record = { ...bovespa.raw!.sample(ticker, session, 0), ...change };
  return messages(bovespa, { source: "matrix", origin }, { subject: ticker, records: [record] }, digest)[0]!.body;
};
const judge = judgeOf(bovespa, digest);
const rowsOf = (body: string): string[] => judge({ receipt: "r", body, sentAt: 0 }).rows;
const ask = ({ plain }: World, sql: string) => all(plain, sql, bovespa.database);

const arrive = async ({ plain, stack }: World, bodies: readonly string[]): Promise<void> => {
  await plain.firehose.send(
    new PutRecordBatchCommand({
      DeliveryStreamName: "bovespa",
      Records: bodies.map((body) => ({ Data: Buffer.from(`${rowsOf(body).join("\n")}\n`) })),
    }),
  );
  await stack.idle();
};

/** Archives a file, and sends its messages. */
export const scraping: Step = {
  calls: ["HeadObject origin/bovespa", "PutObject origin/bovespa", "SendMessageBatch bovespa"],
  situation: async (world, n) => {
    const bytes = cotahist({ sessions: ["2024-01-02", "2024-01-03"], perSession: 15, seed: n + 1 });
    const source = `matrix-${n}.txt`;
    let fresh = 0;
    let rows = 0;
    return {
      act: async (ms) => {
        const scraped = await scrape(world.aws, bovespa, { source, bytes: inMemory(bytes) }, {}, Date.now() + ms);
        rows = scraped.rows;
        if (scraped.fresh) fresh++;
        return scraped.accepted.rows === scraped.rows;
      },
      outcome: async () => {
        const sent = await drain(world, "bovespa");
        // The plain second time says what there must be.
        const again = await scrape(world.plain, bovespa, { source, bytes: inMemory(bytes) });
        const must = await drain(world, "bovespa");
        return {
          is: { ids: distinct(sent.map((m) => m.id)), rows, fresh: again.fresh || fresh > 1 },
          must: { ids: distinct(must.map((m) => m.id)), rows: 30, fresh: false },
        };
      },
    };
  },
};

/** Fetches a download: with its note all of it is there, and without it none of it is taken for sent. */
export const backfilling: Step = {
  calls: ["GetObject state/scraped", "PutObject state/scraped"],
  situation: async (world, n) => {
    const sessions = ["2024-01-02", "2024-01-03"];
    const bytes = new Uint8Array(cotahist({ sessions, perSession: 5, seed: n + 1000 }));
    const web: Web = { get: async ({ url }) => ({ is: "bytes", bytes, url }), close: async () => {} };
    const downloads = [{ name: `matrix-${n}`, sessions, otherwise: [] }];
    return {
      act: async (ms) => {
        const [outcome] = await backfill(world.aws, bovespa, downloads, { web, until: Date.now() + ms });
        return outcome?.is !== "failed";
      },
      outcome: async () => {
        const sent = await drain(world, "bovespa");
        const [again] = await backfill(world.plain, bovespa, downloads, { web });
        const more = await drain(world, "bovespa");
        await backfill(world.plain, bovespa, downloads, { web, again: true });
        const all = await drain(world, "bovespa");
        return {
          is: { ids: distinct(sent.map((m) => m.id)), again: again?.is, more: more.length },
          must: { ids: distinct(all.map((m) => m.id)), again: "unchanged", more: 0 },
        };
      },
    };
  },
};

/** Judges a batch: a good message, one of an invalid record, one with both. */
export const consuming: Step = {
  calls: ["PutRecordBatch bovespa", "SendMessageBatch bovespa-dlq"],
  situation: async (world, n) => {
    const tickers = ["A", "B", "C"].map((letter) => `MX${letter}${n}`);
    const [good, bad, both] = tickers as [string, string, string];
    const mixed = messages(
      bovespa,
      { source: "matrix", origin },
      {
        subject: both,
        records: [
          bovespa.raw!.sample(both, "2024-11-08", 0),
          { ...bovespa.raw!.sample(both, "2024-11-07", 0), premin: "-1.00" },
        ],
      },
      digest,
    )[0]!.body;
    const bodies = [bodyOf(good), bodyOf(bad, "2024-11-08", { fatcot: 7 }), mixed];
    let left = bodies.map((body, i) => ({ body, messageId: `m${i}` }));
    return {
      act: async (ms) => {
        const { batchItemFailures } = await consume(sqsEvent(stage, "bovespa", left), context(ms));
        const back = new Set(batchItemFailures.map((f) => f.itemIdentifier));
        left = left.filter((m) => back.has(m.messageId));
        return left.length === 0;
      },
      outcome: async () => {
        await world.stack.idle();
        const letters = await drain(world, "bovespa-dlq");
        const raw = await ask(world, `SELECT DISTINCT event_id FROM bovespa_raw WHERE codneg LIKE 'MX_${n}'`);
        return {
          is: {
            letters: distinct(letters.map((l) => `${l.subject} ${l.reason}`)),
            raw: distinct(raw.map((r) => r.event_id!)),
          },
          must: {
            letters: [`${bad} quote_factor`, `${both} negative`],
            raw: distinct(bodies.flatMap(rowsOf).map((row) => (JSON.parse(row) as { event_id: string }).event_id)),
          },
        };
      },
    };
  },
};

/** Turns what Firehose could not convert into dead letters: by its event, or found by the clock. */
const salvaging = (calls: readonly string[], event: (key: string) => unknown): Step => ({
  calls,
  situation: async (world, n) => {
    const key = `errors/bovespa/format-conversion-failed/${calls.length}-${n}`;
    const rows = Array.from({ length: 12 }, (_, i) => rowsOf(bodyOf(`SV${n}X${i}`))[0]!);
    const lines = rows.map((row) => ({
      rawData: Buffer.from(`${row}\n`).toString("base64"),
      lastErrorCode: "DataFormatConversion.MalformedData",
      lastErrorMessage: "by the matrix",
      arrivalTimestamp: 1_731_114_660_000,
    }));
    await put(world.plain, "lake", key, lines.map((line) => JSON.stringify(line)).join("\n"));
    const { etag } = (await head(world.plain, "lake", key))!;
    return {
      act: async (ms) => {
        await salvage(event(key) as S3Event, context(ms));
        return true;
      },
      outcome: async () => ({
        is: {
          letters: distinct((await drain(world, "bovespa-dlq")).map((l) => l.subject)),
          mark: (await head(world.plain, "state", `salvaged/bovespa/${digest(`${etag} ${key}`)}`)) !== null,
        },
        must: { letters: distinct(rows.map((_, i) => `SV${n}X${i}`)), mark: true },
      }),
    };
  },
});
export const salvagingByEvent = salvaging(
  [
    "HeadObject lake/errors",
    "HeadObject state/salvaged",
    "GetObject lake/errors",
    "SendMessageBatch bovespa-dlq",
    "PutObject state/salvaged",
  ],
  (key) => ({ Records: [{ s3: { object: { key } } }] }),
);
export const salvagingByClock = salvaging(["ListObjectsV2 state/salvaged", "ListObjectsV2 lake/errors"], () => ({
  datasets: ["bovespa"],
}));

/** Asks Athena. */
export const querying: Step = {
  calls: ["StartQueryExecution", "GetQueryExecution", "GetQueryResults"],
  situation: async (world, n) => {
    let is: unknown;
    return {
      act: async () => {
        is = await all(
          world.aws,
          `SELECT dia_semana, count(*) + ${n} AS n FROM calendario GROUP BY 1 ORDER BY 1`,
          bovespa.database,
        );
        return true;
      },
      outcome: async () => ({
        is,
        must: await ask(world, `SELECT dia_semana, count(*) + ${n} AS n FROM calendario GROUP BY 1 ORDER BY 1`),
      }),
    };
  },
};

/** The year that every situation writes to again, beside one that is new to it or nearly so. */
const USUAL = 2024;
const FIRST = 1990;
const YEARS = 34;

/** Opens a run, starts its job, and, when that has ended, commits and publishes. */
export const advancing: Step = {
  briefly: (call) => !/^(Put|Start|Batch)/.test(call) || /assets|recipes/.test(call),
  shortMs: 2_000,
  // Whatever Glue says of it, a fresh look at the catalog finds it as it is to be.
  but: {
    "BatchCreatePartition bovespa_refined misreport many": "unseen",
    "BatchUpdatePartition bovespa_refined misreport many": "unseen",
    "BatchDeletePartition bovespa_metrics misreport many": "unseen",
  },
  calls: [
    "ListObjectsV2 state/accepted",
    "ListObjectsV2 lake/raw",
    "GetPartitions bovespa_refined",
    "ListObjectsV2 state/runs",
    "ListObjectsV2 state/commits",
    "GetObject lake/raw",
    "HeadObject state/recipes",
    "PutObject state/assets",
    "PutObject state/recipes",
    "PutObject state/runs",
    "StartJobRun refine-bovespa",
    "GetObject state/runs",
    "GetJobRuns refine-bovespa",
    "ListObjectsV2 state/reports",
    "ListObjectsV2 lake/refined",
    "GetObject state/reports",
    "PutObject state/commits",
    "GetObject state/commits",
    "GetTable bovespa_metrics",
    "BatchCreatePartition bovespa_refined",
    "BatchUpdatePartition bovespa_refined",
    "BatchDeletePartition bovespa_metrics",
  ],
  situation: async (world, n) => {
    const { stack } = world;
    // The n-th is told from the others by its ticker, and counts all before it.
    const year = FIRST + (n % YEARS);
    const session = sessionsOf(year)[Math.floor(n / YEARS)]!;
    const usual = sessionsOf(USUAL)[n % 200]!;
    await arrive(world, [bodyOf(`AD${n}`, session), bodyOf(`AD${n}`, usual)]);
    await disturb(world);
    await forget(world);
    return {
      act: async (ms) => {
        let well = true;
        // Its job's end calls it again.
        for (let turn = 0; turn < 2; turn++) {
          await advance({ datasets: ["bovespa"] }, context(ms)).catch(() => {
            well = false;
          });
          await stack.idle();
        }
        return well;
      },
      outcome: async () => {
        const [rows] = await ask(
          world,
          `SELECT (SELECT count(*) FROM bovespa_refined WHERE ticker = 'AD${n}') AS refined,
                  (SELECT count(*) FROM bovespa_refined) - (SELECT count(DISTINCT ticker || CAST(data_pregao AS varchar)) FROM bovespa_refined) AS doubled,
                  (SELECT count(DISTINCT event_id) FROM bovespa_raw WHERE codneg LIKE 'AD%') - (SELECT count(*) FROM bovespa_refined) AS missing,
                  (SELECT count(*) FROM bovespa_metrics WHERE ticker = 'AD${n}') AS metrics,
                  (SELECT count(*) FROM bovespa_metrics WHERE year = '${STRAY}') AS stray`,
        );
        return {
          is: rows,
          must: {
            refined: year === USUAL && session === usual ? "1" : "2",
            doubled: "0",
            missing: "0",
            metrics: "2",
            stray: "0",
          },
        };
      },
    };
  },
};

/** As if today's recipe had not been stored by an earlier run. */
const forget = async ({ plain }: World): Promise<void> => {
  for (const prefix of ["recipes/bovespa/", "assets/"])
    for await (const { key } of list(plain, "state", prefix)) await drop(plain, "state", key);
};

const STRAY = "1970";
/** One partition that no commit names, and one less than it names: the catalog is to be made equal. */
const disturb = async ({ plain }: World): Promise<void> => {
  const at = { DatabaseName: bovespa.database };
  await plain.glue.send(
    new BatchCreatePartitionCommand({
      ...at,
      TableName: "bovespa_metrics",
      PartitionInputList: [
        { Values: [STRAY], StorageDescriptor: { Location: "s3://lake/refined/bovespa_metrics/stray/" } },
      ],
    }),
  );
  await plain.glue.send(
    new BatchDeletePartitionCommand({
      ...at,
      TableName: "bovespa_refined",
      PartitionsToDelete: [{ Values: [String(USUAL)] }],
    }),
  );
};
