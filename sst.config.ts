/// <reference path="./.sst/platform/config.d.ts" />

/** The river on AWS, from the origin to the answer: one file of `stacks/` for each reach, in the order rows flow. */
export default $config({
  app: ({ stage }) => ({
    name: "pregao",
    home: "aws",
    version: "4.17.1",
    protect: stage === "production",
    removal: stage === "production" ? "retain" : "remove",
    providers: { aws: { version: "7.20.0", region: process.env.PREGAO_REGION || "sa-east-1" } },
  }),
  async run() {
    // An sst from elsewhere brings the Node that it finds there.
    if (!Object.groupBy)
      throw new Error(`expected Node 24, came ${process.version}. Next: npx sst deploy, by this repository's own`);
    const { river } = await import("./stacks/river.ts");
    const { lake } = await import("./stacks/lake.ts");
    const { queues } = await import("./stacks/queues.ts");
    const { functions } = await import("./stacks/functions.ts");
    const { scrape } = await import("./stacks/scrape.ts");
    const { consume } = await import("./stacks/consume.ts");
    const { refine } = await import("./stacks/refine.ts");
    const { query } = await import("./stacks/query.ts");
    const { watch } = await import("./stacks/watch.ts");

    const here = await river();
    const stores = lake(here);
    const boxes = queues(here, stores);
    const handlers = functions(here, stores);
    scrape(here, stores, boxes, handlers);
    consume(here, stores, boxes, handlers);
    refine(here, stores, boxes, handlers);
    query(here, stores);
    watch(here, stores, handlers);
    return { stage: here.stage.name, account: here.stage.account, region: here.stage.region };
  },
});
