import { z } from "zod";
import { PregaoError } from "./errors.ts";

/**
 * US dollars for `per` of the unit that a count is in, as a decimal text: a price is never a float. `shown` is the unit
 * as a bill says it.
 */
export type Price = { usd: string; per: number; shown: string; state: State };

/**
 * `quoted`: public documents quote AWS's own price list with it; São Paulo's were made in the two weeks before the date
 * below. `unverified`: none that we could read does, it is what we remember. `given`: of a file of the user's.
 */
export type State = "quoted" | "unverified" | "given";

/** Of the newest quotes; AWS changes prices without a word to us. */
export const AS_OF = "2026-10-08";
/** AWS's price list: JSON and CSV by service (the first part of an item's name stands for one) and region. */
export const SOURCE = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/<service>/current/<region>/index.csv";

/** S3's pricing page: a GB is 2^30 bytes. We take it for Firehose, Athena's TB (2^40) and logs, too. */
const GIB = 1024 ** 3;

/** What is paid for: AWS's service in its price list, the unit a bill shows, and how many of ours that is. */
const units = {
  "sqs.requests": { service: "AWSQueueService", per: 1_000_000, shown: "million requests" },
  "s3.puts": { service: "AmazonS3", per: 1000, shown: "1,000 PUT, POST, LIST" },
  "s3.gets": { service: "AmazonS3", per: 1000, shown: "1,000 GET, HEAD" },
  "s3.frequent": { service: "AmazonS3", per: GIB, shown: "GB-month" },
  "s3.infrequent": { service: "AmazonS3", per: GIB, shown: "GB-month" },
  "s3.archive": { service: "AmazonS3", per: GIB, shown: "GB-month" },
  "s3.monitoring": { service: "AmazonS3", per: 1000, shown: "1,000 object-months" },
  "lambda.requests": { service: "AWSLambda", per: 1_000_000, shown: "million requests" },
  // Memory in MB × milliseconds.
  "lambda.compute": { service: "AWSLambda", per: 1024 * 1000, shown: "GB-second (arm64)" },
  "firehose.ingestion": { service: "AmazonKinesisFirehose", per: GIB, shown: "GB" },
  "firehose.conversion": { service: "AmazonKinesisFirehose", per: GIB, shown: "GB" },
  "glue.jobs": { service: "AWSGlue", per: 3600, shown: "DPU-hour" },
  // Whole megabytes, as Athena bills them.
  "athena.scanned": { service: "AmazonAthena", per: 1024 ** 2, shown: "TB" },
  "kms.keys": { service: "awskms", per: 1, shown: "key-month" },
  "kms.requests": { service: "awskms", per: 10_000, shown: "10,000 requests" },
  "logs.ingestion": { service: "AmazonCloudWatch", per: GIB, shown: "GB" },
  "logs.storage": { service: "AmazonCloudWatch", per: GIB, shown: "GB-month" },
  "cloudwatch.alarms": { service: "AmazonCloudWatch", per: 1, shown: "alarm-month" },
  "cloudwatch.metrics": { service: "AmazonCloudWatch", per: 1, shown: "metric-month" },
  "cloudwatch.dashboards": { service: "AmazonCloudWatch", per: 1, shown: "dashboard-month" },
  "scheduler.invocations": { service: "AWSEvents", per: 1_000_000, shown: "million invocations" },
  "cloudtrail.events": { service: "AWSCloudTrail", per: 100_000, shown: "100,000 events" },
} as const;
export type Item = keyof typeof units;
export const ITEMS = Object.keys(units) as Item[];
export type Prices = Readonly<Record<Item, Price>>;

/** A rate that ends in `?` is unverified. */
type Rates = Readonly<Record<Item, string>>;

const regions: Readonly<Record<string, Rates>> = {
  "sa-east-1": {
    "sqs.requests": "0.40?",
    "s3.puts": "0.007",
    "s3.gets": "0.00056",
    "s3.frequent": "0.0405",
    "s3.infrequent": "0.0221?",
    "s3.archive": "0.0083?",
    "s3.monitoring": "0.0025?",
    "lambda.requests": "0.20",
    // The price list of São Paulo was quoted with the same x86 rate as Virginia's; regions that differ in one differ in both.
    "lambda.compute": "0.0000133334",
    "firehose.ingestion": "0.051?",
    "firehose.conversion": "0.032?",
    "glue.jobs": "0.69",
    "athena.scanned": "9.00",
    "kms.keys": "1.00?",
    "kms.requests": "0.03?",
    "logs.ingestion": "0.90",
    "logs.storage": "0.0408",
    "cloudwatch.alarms": "0.10?",
    "cloudwatch.metrics": "0.30?",
    "cloudwatch.dashboards": "3.00?",
    "scheduler.invocations": "1.00?",
    "cloudtrail.events": "0.10?",
  },
  "us-east-1": {
    "sqs.requests": "0.40?",
    "s3.puts": "0.005",
    "s3.gets": "0.0004",
    "s3.frequent": "0.023",
    "s3.infrequent": "0.0125?",
    "s3.archive": "0.004?",
    "s3.monitoring": "0.0025?",
    "lambda.requests": "0.20",
    "lambda.compute": "0.0000133334",
    "firehose.ingestion": "0.029",
    "firehose.conversion": "0.018?",
    "glue.jobs": "0.44",
    "athena.scanned": "5.00",
    "kms.keys": "1.00?",
    "kms.requests": "0.03?",
    "logs.ingestion": "0.50",
    "logs.storage": "0.03",
    "cloudwatch.alarms": "0.10?",
    "cloudwatch.metrics": "0.30?",
    "cloudwatch.dashboards": "3.00?",
    "scheduler.invocations": "1.00?",
    "cloudtrail.events": "0.10?",
  },
};
export const REGIONS = Object.keys(regions);

const DECIMAL = /^(0|[1-9]\d{0,8})(?:\.(\d{1,12}))?$/;
const given = z.partialRecord(z.enum(ITEMS as [Item, ...Item[]]), z.string().regex(DECIMAL));

/**
 * The prices of a region, with those of a file over them: an object of decimal texts by item, dollars for the unit shown.
 * @throws PregaoError `usage` for a region that we have no table of (unless the file has every item), and for a file
 * that is none
 */
export const pricesOf = (region: string, file?: unknown): Prices => {
  const over = parseFile(file);
  const table = regions[region];
  if (!table && ITEMS.some((item) => over[item] === undefined))
    throw new PregaoError(
      "usage",
      `expected a region whose prices are known here (${REGIONS.join(", ")}), came ${region}: give all of ${ITEMS.join(", ")} by --prices FILE. Next: pregao cost --region ${REGIONS[0]}`,
    );
  return Object.fromEntries(
    ITEMS.map((item): [Item, Price] => {
      const { per, shown } = units[item];
      const own = over[item];
      if (own !== undefined) return [item, { usd: own, per, shown, state: "given" }];
      const rate = table?.[item] ?? "";
      return [item, { usd: rate.replace("?", ""), per, shown, state: rate.endsWith("?") ? "unverified" : "quoted" }];
    }),
  ) as Prices;
};

const parseFile = (file: unknown): Partial<Record<Item, string>> => {
  if (file === undefined) return {};
  const read = given.safeParse(file);
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  throw new PregaoError(
    "usage",
    `expected {"glue.jobs": "0.69", …}: dollars as decimal texts by item (${ITEMS.join(", ")}), came ${issue?.path.join(".") || "something else"}: ${issue?.message}. Next: pregao cost --json, whose lines name items and their prices`,
  );
};

/**
 * What a whole `count` costs, in millionths of a dollar: exact until the one rounding, half up, at its end.
 * @throws RangeError for a count that is no whole number from 0 to 2^53, and for an amount that is none: some nine
 * billion dollars.
 */
export const priced = (count: number, { usd, per }: Pick<Price, "usd" | "per">): number => {
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`expected a whole count, came ${count}`);
  const [, whole = "0", fraction = ""] = DECIMAL.exec(usd) ?? [];
  const numerator = BigInt(count) * BigInt(whole + fraction) * 1_000_000n;
  const denominator = BigInt(per) * 10n ** BigInt(fraction.length);
  const micros = Number((2n * numerator + denominator) / (2n * denominator));
  if (!Number.isSafeInteger(micros)) throw new RangeError(`expected an amount below 2^53 millionths, came ${micros}`);
  return micros;
};

/** Millionths of a dollar as dollars, to the last digit. */
export const dollars = (micros: number): string => {
  const digits = String(Math.abs(micros)).padStart(7, "0");
  return `${micros < 0 ? "-" : ""}${digits.slice(0, -6)}.${digits.slice(-6)}`;
};

/** AWS's service of an item, as its price list names it. */
export const serviceOf = (item: Item): string => units[item].service;
