import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { ask, sendFile, testPlace } from "../place.ts";
import { figures, seconds } from "./child.ts";

/** A file through every step of a river of its own: from its first byte until its rows answer SQL. */
const [path, layout] = process.argv.slice(2);
if (!path) throw new Error("expected a file");
const began = performance.now();
const place = await testPlace(layout ? { layout: [layout] } : {});
const up = performance.now();
try {
  const dataset = place.datasets.find((d) => d.name === bovespa.name)!;
  const { scraped, account } = await sendFile(place, dataset, path);
  const done = performance.now();
  const [refined] = await ask(place, "SELECT count(*) AS n FROM bovespa_refined");
  figures({
    rows: scraped.rows,
    messages: scraped.messages,
    refined: Number(refined?.n),
    commits: account?.commit,
    start_s: seconds(up - began),
    file_to_queryable_s: seconds(done - up),
    rows_per_s: Math.round(scraped.rows / ((done - up) / 1000)),
  });
} finally {
  await place.remove();
}
