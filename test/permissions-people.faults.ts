import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { logTo } from "../functions/log.ts";
import { bucket } from "../packages/core/stage.ts";
import { flows, operates, watches } from "./permissions/scenario.ts";
import { queriesOf, viewsOf } from "./permissions/unseen.ts";
import { type Asked, denied, granted, openWorld, stage, unused, type World } from "./permissions/world.ts";

const [state, catalog] = [bucket(stage, "state"), "athena:sa-east-1:123456789012:datacatalog/AwsDataCatalog"];

const CONSOLE = "consoles and drivers ask for it, no verb does";
const ATHENA = "Athena asks so for SHOW and DESCRIBE, or for a few partitions of many";
const FIRST = "whoever advances first publishes; here the function is always the first";
const RARE = "of a verb that needs what this scenario does not have: a held run, objects that are gone";

/** What is granted to people though no verb below uses it, and why. */
const RESERVED: Record<string, Record<string, string>> = {
  watcher: {
    "Query athena:StopQueryExecution": "Ctrl-C",
    "Recall athena:GetWorkGroup": CONSOLE,
    "Recall athena:ListQueryExecutions": CONSOLE,
    "Recall athena:BatchGetQueryExecution": CONSOLE,
    "Recall athena:ListNamedQueries": CONSOLE,
    "Recall athena:GetNamedQuery": CONSOLE,
    "Recall athena:BatchGetNamedQuery": CONSOLE,
    "Recall arn:aws:athena:sa-east-1:123456789012:workgroup/pregao-prova-people": CONSOLE,
    "Browse athena:GetDataCatalog": CONSOLE,
    "Browse athena:ListDatabases": CONSOLE,
    "Browse athena:GetDatabase": CONSOLE,
    "Browse athena:ListTableMetadata": CONSOLE,
    "Browse athena:GetTableMetadata": CONSOLE,
    [`Browse arn:aws:${catalog}`]: CONSOLE,
    "ReadCatalog glue:GetTables": ATHENA,
    "ReadCatalog glue:GetPartition": ATHENA,
    "ReadCatalog glue:BatchGetPartition": ATHENA,
  },
  operator: {
    "Publish glue:BatchCreatePartition": FIRST,
    "Publish glue:BatchUpdatePartition": FIRST,
    "Publish glue:BatchDeletePartition": FIRST,
    [`WriteState arn:aws:s3:::${state}/commits/*`]: FIRST,
    [`WriteState arn:aws:s3:::${state}/recipes/*`]: FIRST,
    [`WriteState arn:aws:s3:::${state}/assets/*`]: FIRST,
    "Refine arn:aws:glue:sa-east-1:123456789012:job/pregao-prova-refine-calendario": FIRST,
    [`WriteState arn:aws:s3:::${state}/accepted/*`]: RARE,
    [`WriteState arn:aws:s3:::${state}/lost/*`]: RARE,
  },
};

let world: World;
let asked: Asked[] = [];
beforeAll(async () => {
  logTo(() => {});
  vi.stubEnv("AWS_ACCESS_KEY_ID", "watcher");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "none");
  world = await openWorld();
  await flows(world);
  await watches(world);
  await operates(world);
  const queries = [...queriesOf("watcher", true), ...queriesOf("operator", true)];
  asked = [...world.asked(), ...queries, ...viewsOf("operator")];
}, 290_000);
afterAll(async () => {
  vi.unstubAllEnvs();
  logTo((line) => process.stdout.write(`${line}\n`));
  await world.close();
});

test.each(["watcher", "operator"])("%s is denied what a verb asks for", (who) => {
  const own = asked.filter((one) => one.who === who);
  expect(own.length).toBeGreaterThan(50);
  expect(denied(own)).toEqual([]);
});

test.each(["watcher", "operator"])("%s has a permission that no verb uses", (who) => {
  // An operator watches, too: what that takes is the watcher's.
  const watching = new Set(
    who === "watcher"
      ? []
      : granted.watcher!.flatMap(({ sid, actions, resources }) =>
          [...actions, ...resources].map((one) => `${sid} ${one}`),
        ),
  );
  expect(new Set(unused(who, asked).filter((one) => !watching.has(one)))).toEqual(
    new Set(Object.keys(RESERVED[who] ?? {})),
  );
});

test("who only watches changes something", () => {
  const writing = /:(Put|Delete|Create|Update|Start|Batch(Create|Update|Delete)|Send|Abort)\w*$/;
  const own = granted.watcher!.flatMap(({ actions, resources }) =>
    actions.filter((action) => writing.test(action)).flatMap((action) => resources.map((on) => `${action} ${on}`)),
  );
  // A query is started, and its result written.
  const query =
    /^(athena:StartQueryExecution |s3:(PutObject|AbortMultipartUpload) arn:aws:s3:::pregao-prova-results-\d+\/athena\/)/;
  expect(own.filter((one) => !query.test(one))).toEqual([]);
});
