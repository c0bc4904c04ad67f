import type { Bill, Line } from "../../core/cost.ts";
import { AS_OF, dollars, type Item, type State } from "../../core/prices.ts";
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

/** A month's share of a count in the unit of its price, three digits of it; `~`: assumed. */
const amount = ({ count: n, price, basis }: Line, months: number): string => {
  const value = n / price.per / months;
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

/** Paces beside each other: what, how much of it, its price, the amount at first and on average, and what moves it. */
export const screenOf = ({ paces, months, ...cost }: Cost): string => {
  const lines = paces[0]?.bill.lines ?? [];
  const amounts = (of: (bill: Bill) => number): string[] =>
    paces.flatMap(({ first, bill }) => [
      cents(of(first)),
      ...(months > 1 ? [cents(Math.round(of(bill) / months))] : []),
    ]);
  const rows = lines.map(({ item, of, price, knob }, at) => [
    `${serviceOf(item)}: ${of}`,
    ...paces.map(({ bill }) => amount(bill.lines[at]!, months)),
    price.shown,
    `${price.usd}${price.state === "unverified" ? "?" : ""}`,
    ...amounts((bill) => bill.lines[at]!.micros),
    knob,
  ]);
  const blank = paces.map(() => "");
  rows.push(["total", ...blank, "", "", ...amounts((bill) => bill.micros), ""]);
  const columns = fields(
    "what",
    ...paces.map(({ pace }): [string, string] => [pace, "int"]),
    "unit",
    ["US$ a unit", "int"],
    ...paces.flatMap(({ pace }): [string, string][] => [
      [`${pace} first US$`, "int"],
      ...(months > 1 ? [[`average US$`, "int"] as [string, string]] : []),
    ]),
    "what moves it",
  );
  return [
    `What ${months === 1 ? "the first" : "a"} month would cost in ${cost.region}${months === 1 ? "" : ", the lake empty before the first"}: ${paces.map((p) => said(p, months)).join(", ")}.`,
    ...cost.measured.map(
      ({ from, batch }) => `${from}: ${plural(batch.rows, "row")} in ${plural(batch.messages, "message")} a session.`,
    ),
    "",
    table(columns, rows).trimEnd(),
    "",
    `${months > 1 ? `Counts are of an average month of ${months}. ` : ""}~ is assumed, as only AWS could tell: docs/deploy.md says what. The CloudTrail option is not in the total. Free tiers and taxes are not counted.`,
    pricesIn(lines),
    "",
    `Next: ${cost.next}`,
    "",
  ].join("\n");
};

const said = ({ pace, sessions, snapshots, first, average }: Projected, months: number): string => {
  const later = months > 1 ? ` the first month and ${cents(average)} on average over ${months}` : "";
  const each = snapshots > 1 ? ` of ${snapshots} snapshots, each as large as a session's file` : "";
  return `${pace} ${cents(first.micros)} US$${later} (${sessions} sessions a month${each})`;
};

const pricesIn = (lines: readonly Line[]): string => {
  const items = (state: State): string[] => [
    ...new Set(lines.filter((l) => l.price.state === state).map((l) => l.item)),
  ];
  const given = items("given");
  if (given.length > 0 && lines.every((l) => l.price.state === "given")) return "Prices are all of --prices.";
  const own = given.length > 0 ? `, but for ${given.length} of --prices: ${given.join(", ")}` : "";
  const doubtful = items("unverified");
  const doubts =
    doubtful.length > 0 ? ` Could not be verified (?), give your own by --prices FILE: ${doubtful.join(", ")}.` : "";
  return `Prices as of ${AS_OF}${own}.${doubts}`;
};
