import { fileURLToPath } from "node:url";
import { all, query } from "../aws/queries.ts";
import { PregaoError } from "../core/errors.ts";
import { flow, openFile } from "./ingest.ts";
import { accountLines } from "./ingest-screen.ts";
import { bytes, plural, table } from "./output.ts";
import type { Place } from "./place.ts";

/** `pregao demo`: a real session file through the whole river, one line per step, then the README's query. */
export const demo = async (place: Place): Promise<void> => {
  const dataset = place.datasets.find((d) => d.demo);
  if (!dataset?.demo) throw new PregaoError("demo", "no dataset has a demo");
  const { file, close } = await openFile(fileURLToPath(dataset.demo.file));
  const began = performance.now();
  const step = (name: string, text: string) => place.output.say(`${name.padEnd(8)} ${text}`);
  try {
    step("origin", `${file.source}, ${bytes(file.bytes.size)}, as the exchange published it`);
    const { scraped, account } = await flow(place, dataset, file, true, ({ rows, sessions, messages }) =>
      step(
        "scrape",
        `${plural(rows, "record")} of ${Object.keys(sessions).join(", ")} in ${plural(messages, "message")}, one ticker each`,
      ),
    );
    if (!account) return;
    const [raw] = await all(place.aws, `SELECT count(*) AS n FROM ${dataset.raw!.table.name}`, dataset.database);
    const [consumed, refined] = accountLines(account).map((line) => line.trim());
    step("consume", consumed!);
    step(
      "deliver",
      `${plural(Number(raw?.n), "row")} of Parquet in raw${scraped.fresh ? "" : " (this file was here before: the same rows again change nothing)"}`,
    );
    step("refine", refined!);
    step(
      "publish",
      `commit ${account.commit}, ${((performance.now() - began) / 1000).toFixed(1)} s after the file was opened`,
    );
    const { sql, means } = dataset.queries[dataset.demo.query]!;
    step("query", means);
    const result = await query(place.aws, sql, dataset.database);
    const rows: (string | null)[][] = [];
    for await (const page of result.rows) rows.push(...page);
    place.output.result(
      {
        scraped,
        account,
        query: { sql, rows: rows.map((r) => Object.fromEntries(result.fields.map((f, i) => [f.name, r[i]]))) },
      },
      () =>
        [
          "",
          ...sql
            .trim()
            .split("\n")
            .map((line) => `  ${line}`),
          "",
          table(result.fields, rows),
          "Next, in this folder:",
          `  npx pregao query "SELECT * FROM ${dataset.tables[0]!.name} WHERE ticker = 'PETR4'"`,
          `  npx pregao schema ${dataset.name}`,
          `  npx pregao publish ${dataset.name} --invalid && npx pregao dlq list ${dataset.name}`,
          "  npx pregao up",
          "",
        ].join("\n"),
    );
  } finally {
    await close();
  }
};
