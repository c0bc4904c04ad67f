import { openArchived, originKey } from "../../../functions/origin.ts";
import { newestCommit } from "../../aws/documents.ts";
import { meanDpuSeconds } from "../../aws/jobs.ts";
import { list } from "../../aws/store.ts";
import type { Batch } from "../../core/cost.ts";
import type { Dataset } from "../../core/dataset.ts";
import { PregaoError } from "../../core/errors.ts";
import { unitsOf } from "../../core/rebuild.ts";
import { laptop } from "../../core/stage.ts";
import { openFile } from "../ingest.ts";
import { askAll, rowTables } from "../lake.ts";
import { plural } from "../output.ts";
import type { Place } from "../place.ts";
import { type Weight, weigh } from "./weigh.ts";

/** One session of a dataset as it was measured, and where: of a stage's lake, or of the file that comes with it. */
export type Measured = {
  dataset: string;
  /** The sentence that says what was measured. */
  from: string;
  batch: Batch;
  /** In the lake; 0: nothing is there, and the lake's figures are those that come with the file. */
  sessions: number;
  runs: number;
  jobDpuSeconds: number | null;
  unitMonths: number;
};

/** An archived file up to this size is weighed; a year's would take minutes to say the same. */
const WEIGHED_BYTES = 8 * 1024 ** 2;

/** The dataset whose file comes with it: what is measured where nothing has flowed yet. */
const shipped = (datasets: readonly Dataset[]): Dataset & { demo: NonNullable<Dataset["demo"]> } => {
  const dataset = datasets.find((d) => d.demo && d.raw);
  if (!dataset?.demo) throw new PregaoError("demo", "no dataset has a file to measure");
  return { ...dataset, demo: dataset.demo };
};

/** The file that the demo ships, weighed, and what its lake was when it was measured. It asks no stage. */
export const measureFile = async (datasets: readonly Dataset[], empty: string | null): Promise<Measured> => {
  const dataset = shipped(datasets);
  const { demo } = dataset;
  const { file, close } = await openFile(decodeURIComponent(demo.file.pathname));
  try {
    const { sessions: _, ...weight } = await weigh(dataset, file.source, file.bytes);
    return {
      dataset: dataset.name,
      from: `${empty ? `${empty}; ` : ""}measured on ${file.source}, the real session that the demo ships`,
      batch: { ...weight, ...demo.lake },
      sessions: 0,
      runs: 0,
      jobDpuSeconds: null,
      unitMonths: unitMonthsOf(dataset),
    };
  } finally {
    await close();
  }
};

/** For how many months rows go into a dataset's unit. One of another kind than a year or a month is taken for a session's. */
const unitMonthsOf = ({ unit }: Dataset): number =>
  unit?.partition === "year" ? 12 : unit?.partition === "month" ? 1 : 0;

/** What the stores of a stage say of every dataset that has sessions; of none: the file's. */
export const measureStage = async (place: Place): Promise<Measured[]> => {
  const found: Measured[] = [];
  for (const dataset of place.datasets) {
    const measured = dataset.raw && dataset.sessions ? await measureDataset(place, dataset) : null;
    if (measured) found.push(measured);
  }
  return found.length > 0 ? found : [await measureFile(place.datasets, `nothing is published on ${nameOf(place)} yet`)];
};

const nameOf = ({ stage }: Place): string => (stage.name === laptop().name ? "this laptop" : `stage ${stage.name}`);

const measureDataset = async (place: Place, dataset: Dataset): Promise<Measured | null> => {
  const commit = await newestCommit(place.aws, dataset.name);
  const { table, column } = dataset.sessions!;
  const files = Object.values(commit?.tables ?? {}).flatMap((partitions) =>
    Object.values(partitions).flatMap((entry) => entry.files),
  );
  if (!commit || files.length === 0) return null;
  const [row] = await askAll(place, dataset, `SELECT count(DISTINCT ${column}) AS sessions FROM ${table}`);
  const sessions = Number(row?.sessions ?? 0);
  if (sessions === 0) return null;
  const raw = { objects: 0, bytes: 0 };
  for await (const { size } of list(place.aws, "lake", `raw/${dataset.name}/`)) {
    raw.objects += 1;
    raw.bytes += size;
  }
  const rows = rowTables(dataset)
    .published.flatMap((t) => Object.values(commit.tables[t.name] ?? {}).flatMap((entry) => entry.files))
    .reduce((sum, { rows }) => sum + rows, 0);
  const weighed = (await newestWeight(place, dataset)) ?? (await shippedWeight(place.datasets));
  const perSession = (n: number) => Math.ceil(n / sessions);
  const share = Math.ceil(rows / sessions) / (weighed.weight.rows / weighed.weight.sessions);
  // A session's messages and bytes are those of the file that was weighed; its rows too, where it is this stage's own.
  const scale = weighed.own ? 1 / weighed.weight.sessions : share / weighed.weight.sessions;
  const scaled = (n: number) => Math.ceil(n * scale);
  const { weight } = weighed;
  const units = Math.max(1, unitsOf(commit, dataset.unit?.partition ?? null).length);
  return {
    dataset: dataset.name,
    from: `measured on ${nameOf(place)}: ${plural(sessions, "session")} of ${dataset.name} in the tables, messages of ${weighed.source}`,
    batch: {
      rows: scaled(weight.rows),
      messages: scaled(weight.messages),
      messageBytes: scaled(weight.messageBytes),
      sendRequests: scaled(weight.sendRequests),
      recordBytes: scaled(weight.recordBytes),
      originBytes: scaled(weight.originBytes),
      rawObjects: perSession(raw.objects),
      rawBytes: perSession(raw.bytes),
      refinedBytes: perSession(files.reduce((sum, { bytes }) => sum + bytes, 0)),
      refinedFiles: Math.ceil(files.length / units),
    },
    sessions,
    runs: commit.commit,
    jobDpuSeconds: await meanDpuSeconds(place.aws, dataset.name),
    unitMonths: unitMonthsOf(dataset),
  };
};

type Weighed = { weight: Weight; source: string; own: boolean };

/** Of the newest archived file that is small enough. What is archived of an origin's bad answers is no file. */
const newestWeight = async (place: Place, dataset: Dataset): Promise<Weighed | null> => {
  const files: { sha256: string; at: number }[] = [];
  const prefix = originKey(dataset.name, "");
  for await (const { key, size, modified } of list(place.aws, "origin", prefix))
    if (size <= WEIGHED_BYTES) files.push({ sha256: key.slice(prefix.length), at: modified.getTime() });
  for (const { sha256 } of files.sort((a, b) => b.at - a.at))
    try {
      const { archived, bytes } = await openArchived(place.aws, dataset, sha256);
      return { weight: await weigh(dataset, archived.source, bytes), source: archived.source, own: true };
    } catch (error) {
      if (!(error instanceof PregaoError)) throw error;
    }
  return null;
};

const shippedWeight = async (datasets: readonly Dataset[]): Promise<Weighed> => {
  const dataset = shipped(datasets);
  const { file, close } = await openFile(decodeURIComponent(dataset.demo.file.pathname));
  try {
    return { weight: await weigh(dataset, file.source, file.bytes), source: file.source, own: false };
  } finally {
    await close();
  }
};
