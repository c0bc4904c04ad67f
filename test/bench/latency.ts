import { publish } from "../../packages/cli/publish.ts";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { ask, testPlace } from "../place.ts";
import { figures, percentile, seconds } from "./child.ts";

/** From a published message until a query sees its row, at the pace `intraday`, one message after the other. */
const times = Number(process.argv[2] ?? 30);
const place = await testPlace();
try {
  const waits: number[] = [];
  for (let i = 0; i <= times; i++) {
    const ticker = `LAT${i}`;
    const began = performance.now();
    await publish(place, bovespa, { ticker });
    while ((await ask(place, `SELECT ticker FROM bovespa_refined WHERE ticker = '${ticker}'`)).length === 0)
      await new Promise((resolve) => setTimeout(resolve, 10));
    // The first one also waits for what a stack does once: the calendar's run, modules to load.
    if (i > 0) waits.push(performance.now() - began);
  }
  figures({ messages: times, p50_s: seconds(percentile(waits, 0.5)), p99_s: seconds(percentile(waits, 0.99)) });
} finally {
  await place.remove();
}
