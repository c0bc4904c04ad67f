import { PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { CreatePartitionCommand } from "@aws-sdk/client-glue";
import { backfill, knownOf } from "../../functions/backfill.ts";
import { look } from "../../functions/look.ts";
import { inMemory } from "../../functions/origin.ts";
import { attempts } from "../../packages/aws/jobs.ts";
import { openLogs } from "../../packages/aws/logs.ts";
import { all } from "../../packages/aws/queries.ts";
import { send } from "../../packages/aws/queues.ts";
import { stageNamed } from "../../packages/aws/stages.ts";
import { list, put } from "../../packages/aws/store.ts";
import * as dlq from "../../packages/cli/dlq/index.ts";
import { explain } from "../../packages/cli/explain.ts";
import { gaps } from "../../packages/cli/gaps.ts";
import { flow } from "../../packages/cli/ingest.ts";
import { pause, resume } from "../../packages/cli/pause.ts";
import { prepare, publish } from "../../packages/cli/publish.ts";
import { refine } from "../../packages/cli/refine.ts";
import { status } from "../../packages/cli/status/index.ts";
import { verify } from "../../packages/cli/verify/index.ts";
import { wanted } from "../../packages/core/backfill.ts";
import type { Dataset } from "../../packages/core/dataset.ts";
import { acceptedKey } from "../../packages/core/run.ts";
import { resource } from "../../packages/core/stage.ts";
import type { Web } from "../../packages/web/index.ts";
import { csv, portfolios } from "../origin/portfolios.ts";
import { cotahist } from "../synthetic.ts";
import { datasets, declared, stage, type World } from "./world.ts";

const [bovespa, carteira, ...more] = datasets.filter(({ raw }) => raw) as [Dataset, Dataset];
if (more.length > 0) throw new Error(`no file of ${more.map(({ name }) => name)} flows here: give it one`);
const queued = [bovespa, carteira];
const names = datasets.map(({ name }) => name);
const RIGHT = "TESTE97";
const DAY = "2024-11-08";
const session = (day: string) => cotahist({ sessions: [day], perSession: 20 });
const portfolio = (n: number) => Buffer.from(csv(portfolios[n]!), "latin1");

const call = async ({ stack }: World, name: string, event: object): Promise<void> => {
  const end = await stack.invoke(name, event);
  if (!end.ok) throw new Error(`${name}: ${end.error.errorMessage}`);
  await stack.idle();
};

/**
 * What flows through the river and goes wrong on the way, until every function has done what it does. The services'
 * clocks are eleven days behind at first: what is archived, and what is deleted, must be old.
 */
export const flows = async (world: World): Promise<void> => {
  const others = world.as("others");
  const first = session("2024-11-07");
  world.behind(11);
  await said(world);
  await call(world, "advance", { datasets: names });
  await call(world, "scrape", { dataset: bovespa.name, url: world.serve(first) });
  await call(world, "scrape", { dataset: bovespa.name, url: world.serve(session("2024-11-08")) });
  await call(world, "scrape", { dataset: carteira.name, url: world.serve(portfolio(1)) });
  // What no function can take: a message, a bell, a row for Firehose, an object.
  await send(others, "landed", [{ id: "1", group: "x", body: "no bell" }]);
  for (const { name } of queued) {
    await send(others, name, [{ id: "1", group: "x", body: "no message" }]);
    await others.firehose.send(
      new PutRecordBatchCommand({
        DeliveryStreamName: resource(stage, name),
        Records: [{ Data: Buffer.from("no row\n") }],
      }),
    );
  }
  await put(others, "lake", `raw/${bovespa.name}/ingest_date=2024-11-08/no.parquet`, "no Parquet");
  await world.stack.idle();
  world.behind(0);
  // One that is too young for the archive.
  await send(others, bovespa.name, [{ id: "1", group: "x", body: "no message, today" }]);
  // The archived bytes are damaged, and written again.
  for await (const { key } of list(others, "origin", ""))
    await put(others, "origin", key, "damaged", { scraped_at: "2024-11-08 00:00:00.000" });
  await call(world, "scrape", { dataset: bovespa.name, url: world.serve(first) });
  await call(world, "scrape", { dataset: carteira.name, url: world.serve(portfolio(1)) });
  await call(world, "salvage", { datasets: queued.map(({ name }) => name) });
  await call(world, "archive", { boxes: [...queued.map(({ name }) => name), "landed"] });
  await call(world, "clean", { datasets: names });
  // A partition that no commit made.
  await others.glue.send(
    new CreatePartitionCommand({
      DatabaseName: bovespa.database,
      TableName: bovespa.tables[0]!.name,
      PartitionInput: { Values: ["1999"], StorageDescriptor: { Location: "s3://elsewhere/" } },
    }),
  );
  await call(world, "advance", { datasets: names, full: true });
};

/** What a person said before, and what attempts that were given up left in every table. */
const said = async ({ as }: World): Promise<void> => {
  const others = as("others");
  for (const { name } of datasets)
    await put(others, "state", acceptedKey(name, "0"), JSON.stringify({ law: "none", session: null, origin: null }));
  for (const { tables } of declared.databases)
    for (const { location, projection } of tables)
      if (!projection) await put(others, "lake", `${location}run=1-jr_gone/left.parquet`, "left behind");
};

/** A web with the file of one session. */
const web: Web = {
  get: async ({ url }) =>
    url.includes("D11112024")
      ? { is: "bytes", bytes: new Uint8Array(session("2024-11-11")), url }
      : { is: "absent", why: "404" },
  close: async () => {},
};

/** A clock's look for a session's file, as the function does it. */
export const looks = async (world: World): Promise<void> => {
  const now = Date.parse("2024-11-11T23:30:00Z");
  for (let i = 0; i < 2; i++) await look(world.as("scrape"), bovespa, { now, until: Date.now() + 60_000, web });
  await world.stack.idle();
};

/** Every verb that only looks. */
export const watches = async (world: World): Promise<void> => {
  const place = world.place("watcher");
  await stageNamed(stage.name, world.env("watcher"));
  await status(place);
  await explain(place, bovespa, "AAAA3", "2024-11-07");
  await gaps(place, datasets, { from: "2024-11-07", to: "2024-11-08" });
  await verify(place, bovespa, {});
  for (const box of [...queued, dlq.landed]) {
    await dlq.list(place, box, {});
    await dlq.show(place, box, {});
    await dlq.listReplays(place, box);
  }
  await all(place.aws, "SELECT count(*) AS n FROM bovespa_refined", place.database);
  // As `status` does of a run that is in flight.
  for (const name of names) await attempts(place.aws, name, 1);
  const logs = openLogs(stage, world.env("watcher"));
  for (const { name } of declared.functions) await logs.printed(name, 0);
  logs.close();
};

/** Every verb that does something. */
export const operates = async (world: World): Promise<void> => {
  const place = world.place("operator");
  const { idle } = world.stack;
  const bytes = session("2024-11-12");
  await flow(place, bovespa, { source: "COTAHIST.TXT", bytes: inMemory(bytes) }, true);
  await flow(place, carteira, { source: "IBOVDia.csv", bytes: inMemory(portfolio(0)) }, true);
  const days = ["2024-11-11"];
  const { notes, published } = await knownOf(place.aws, bovespa, days);
  const { publication } = bovespa.raw!;
  const downloads = wanted(publication!, days, { notes, published, parts: [], now: Date.now(), again: true });
  await backfill(place.aws, bovespa, downloads, { web });
  await pause(place, bovespa, { why: "a look" });
  await resume(place, bovespa);
  for (const one of queued) await refine(place, one, {});
  await send(world.as("others"), "landed", [{ id: "1", group: "x", body: "no bell, today" }]);
  for (const one of queued) await publish(place, one, { invalid: true }, await prepare(one, { invalid: true }));
  await idle();
  // A letter that can be put right, is, is taken back, and is sent once more.
  const patch = [`preult=${bovespa.raw!.sample(RIGHT, DAY, 0).preult}`];
  const right = { ticker: RIGHT, patch, yes: true };
  const own = { file: world.write(`${JSON.stringify({ ...bovespa.raw!.sample(RIGHT, DAY, 0), preult: "12,34" })}\n`) };
  await publish(place, bovespa, own, await prepare(bovespa, own));
  await idle();
  await dlq.replay(place, bovespa, right);
  await idle();
  await dlq.undo(place, bovespa, undefined, { yes: true });
  await idle();
  await dlq.replay(place, bovespa, right);
  await idle();
  // From their queue, and from the archive.
  await dlq.replay(place, dlq.landed, { yes: true, again: true });
  for (const one of queued) await dlq.archive(place, one, { yes: true });
  await dlq.replay(place, bovespa, { yes: true, again: true });
  await idle();
  for (const one of queued) await refine(place, one, { rebuild: true, yes: true });
  await idle();
};
