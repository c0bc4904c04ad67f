import type { Bill, Line } from "../../core/cost.ts";
import { AS_OF, dollars, type Item } from "../../core/prices.ts";
import { count, fields, plural, table } from "../output.ts";
import type { Cost, Projected } from "./index.ts";

const CENT = 10_000;
/** To the cent, half up; what is less than one, but not nothing, says so. */
const cents = (micros: number): string => {
  const rounded = Math.floor((micros + CENT / 2) / CENT) * CENT;
  if (rounded === 0) return micros === 0 ? "0" : "< 0.01";
  const [whole, fraction = ""] = dollars(rounded).split(".");
  return `${count(Number(whole))}.${fraction.slice(0, 2)}`;
};

/** A count in the unit of its price, three digits of it; `~`: assumed. */
const amount = ({ count: n, price, basis }: Line): string => {
  const value = n / price.per;
  const text = value >= 1000 ? count(Math.round(value)) : String(Number(value.toPrecision(3)));
  return n > 0 && basis === "assumed" ? `~${text}` : text;
};

const SERVICES: Readonly<Record<string, string>> = {
  sqs: "SQS",
  s3: "S3",
  lambda: "Lambda",
  firehose: "Firehose",
  glue: "Glue",
  athena: "Athena",
  kms: "KMS",
  logs: "CloudWatch Logs",
  cloudwatch: "CloudWatch",
  scheduler: "EventBridge Scheduler",
  cloudtrail: "CloudTrail (option)",
};
const serviceOf = (item: Item): string => SERVICES[item.split(".")[0] ?? ""] ?? item;

/** Paces beside each other: what, how much of it, its price, the amount, and what moves it. */
export const screenOf = ({ paces, ...cost }: Cost): string => {
  const lines = paces[0]?.bill.lines ?? [];
  const rows = lines.map(({ item, of, price, knob }, at) => [
    `${serviceOf(item)}: ${of}`,
    ...paces.map(({ bill }) => amount(bill.lines[at]!)),
    price.shown,
    `${price.usd}${price.state === "unverified" ? "?" : ""}`,
    ...paces.map(({ bill }) => cents(bill.lines[at]!.micros)),
    knob,
  ]);
  const blank = paces.map(() => "");
  rows.push(["total", ...blank, "", "", ...paces.map(({ bill }) => cents(bill.micros)), ""]);
  const columns = fields(
    "what",
    ...paces.map(({ pace }): [string, string] => [pace, "int"]),
    "unit",
    ["US$ a unit", "int"],
    ...paces.map(({ pace }): [string, string] => [`${pace} US$`, "int"]),
    "what moves it",
  );
  return [
    `What ${cost.months === 1 ? "a month" : `${cost.months} months together`} would cost in ${cost.region}: ${paces.map(said).join(", or ")}.`,
    ...cost.measured.map(
      ({ from, batch }) => `${from}: ${plural(batch.rows, "row")} in ${plural(batch.messages, "message")} a session.`,
    ),
    "",
    table(columns, rows).trimEnd(),
    "",
    "~ is assumed, as only AWS could tell: docs/deploy.md says what. The CloudTrail option is not in the total. Free tiers and taxes are not counted.",
    pricesIn(paces[0]?.bill),
    "",
    `Next: ${cost.next}`,
    "",
  ].join("\n");
};

const said = ({ pace, sessions, snapshots, bill }: Projected): string =>
  `${cents(bill.micros)} US$ ${pace} (${sessions} sessions a month${snapshots > 1 ? ` of ${snapshots} snapshots, each as large as a session's file` : ""})`;

const pricesIn = (bill: Bill | undefined): string => {
  const doubtful = (bill?.lines ?? []).filter((l) => l.price.state === "unverified").map((l): Item => l.item);
  const items = [...new Set(doubtful)];
  return items.length === 0
    ? `Prices as of ${AS_OF}.`
    : `Prices as of ${AS_OF}. Could not be verified (?), give your own by --prices FILE: ${items.join(", ")}.`;
};
