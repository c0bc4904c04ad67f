import { send } from "../../packages/aws/queues.ts";
import { type Found, type GapsOptions, gaps } from "../../packages/cli/gaps.ts";
import type { Dataset, WireRecord } from "../../packages/core/dataset.ts";
import { instant, messages } from "../../packages/core/message.ts";
import { silent } from "../place.ts";
import { digest, type TestRiver } from "./stack.ts";

/** Sends records as one file of `rows` of them a session, or as messages that are of no file (`rows` null). */
export const sendFile = async (
  { aws }: TestRiver,
  dataset: Dataset,
  name: string,
  records: readonly WireRecord[],
  rows: number | null,
): Promise<void> => {
  const origin = { sha256: digest(`${dataset.name} ${name}`), version: name, scraped_at: instant(Date.now()) };
  for (const [subject, own] of Map.groupBy(records, (record) => dataset.raw!.subject(record))) {
    const group = { subject, records: own.map((record) => ({ ...record, origin_rows: rows })) };
    const sent = await send(aws, dataset.name, messages(dataset, { source: `${name}.TXT`, origin }, group, digest));
    if (sent.some(({ outcome }) => outcome !== "accepted")) throw new Error("not accepted");
  }
};

export type Looked = Found & { exit: number; screen: string };

/** What `pregao gaps` says at an instant, and with which exit status. */
export const looked = async (
  { place }: TestRiver,
  datasets: readonly Dataset[],
  options: GapsOptions,
  now: number,
): Promise<Looked> => {
  const output = silent();
  process.exitCode = 0;
  try {
    await gaps({ ...place, output }, datasets, options, now);
    return { ...(output.documents[0] as Found), exit: Number(process.exitCode), screen: output.screens[0]! };
  } finally {
    process.exitCode = 0;
  }
};
