import { createHash, hash } from "node:crypto";
import { type Aws, connect } from "../packages/aws/index.ts";
import type { Dataset } from "../packages/core/dataset.ts";
import { PregaoError } from "../packages/core/errors.ts";
import { stageFrom } from "../packages/core/stage.ts";
import { catalogueOf } from "../packages/datasets/index.ts";

/** What a handler works with: its stage's clients and the catalogue in its stage's layouts. */
export type River = { aws: Aws; datasets: readonly Dataset[] };

let river: River | undefined;

/** The river of this process's environment, opened once and kept while the function is warm. */
export const openRiver = (): River => {
  if (!river) {
    const stage = stageFrom(process.env);
    river = { aws: connect(stage), datasets: catalogueOf(stage) };
  }
  return river;
};

export const datasetNamed = (datasets: readonly Dataset[], name: string): Dataset => {
  const dataset = datasets.find((d) => d.name === name);
  if (!dataset)
    throw new PregaoError(
      "unknown_dataset",
      `expected a dataset (${datasets.map((d) => d.name).join(", ")}), came ${name}`,
    );
  return dataset;
};

/** SHA-256 in hexadecimal of a text's UTF-8. */
export const digest = (text: string): string => hash("sha256", text, "hex");

export const sha256Of = async (chunks: AsyncIterable<Uint8Array>): Promise<string> => {
  const sum = createHash("sha256");
  for await (const chunk of chunks) sum.update(chunk);
  return sum.digest("hex");
};
