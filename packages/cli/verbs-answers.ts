import { type Command, Option } from "commander";
import type { Dataset } from "../core/dataset.ts";
import type { CostOptions } from "./cost/index.ts";
import type { GapsOptions } from "./gaps.ts";
import { datasetIn, datasetOr, type Global, gathered, isDeployed, type Line, optionsOf } from "./line.ts";
import type { QueryOptions } from "./query.ts";
import type { TailOptions } from "./tail.ts";
import type { VerifyOptions } from "./verify/index.ts";

/** What only asks. */
export const answerVerbs = ({ program, output, verb, at }: Line): void => {
  /** What is declared here, for which no river need run; a deployed stage's tables have layouts and databases of its own. */
  const declared = async (options: Global, show: (datasets: readonly Dataset[]) => void): Promise<void> => {
    if (!isDeployed(options)) show((await import("../datasets/index.ts")).datasets);
    else await at({ ...options, reads: true }, async ({ datasets }) => show(datasets));
  };

  verb(
    program,
    "query [sql]",
    "a statement in Athena's dialect; - reads standard input",
    "schema DATASET for what there is to ask",
  )
    .option("-f, --file <path>", "a file that holds the statement")
    .addOption(
      new Option("--format <format>", "how to give the rows (default: table)").choices([
        "table",
        "csv",
        "json",
        "arrow",
        "parquet",
      ]),
    )
    .option("-o, --output <path>", "write there")
    .addOption(
      new Option(
        "--workgroup <whose>",
        "of a deployed stage: an analyst's role has one of its own (default: people)",
      ).choices(["people", "analyst"]),
    )
    .option("--reuse <age>", "an answer that Athena gave before will do, if it is no older: 10m, 2h, up to 7d")
    .option(
      "-p, --param <value>",
      "for the next ? in WHERE: 10, 1.5, true or 2024-11-08 as they look, anything else as text, and '10' in quotes, too",
      gathered,
      [],
    )
    .action(async (sql: string | undefined, _, self: Command) => {
      const options = optionsOf<Global & QueryOptions>(self);
      const { asked, isReading, query } = await import("./query.ts");
      const question = await asked(sql, options, output.json);
      await at({ ...options, existing: true, reads: isReading(question) }, (place) => query(place, question));
    });

  verb(
    program,
    "verify [dataset]",
    "whether every row that entered is where it must be, and only there; exit status 1 if not",
    "verify --repair",
  )
    .option("--origin <sha256>", "only this file of the archive; its first digits are enough")
    .option("--session <day>", "only rows of this session, YYYY-MM-DD")
    .option("--wait", "until nothing is in flight")
    .option("--repair", "send what is missing again, from the archive, then verify again")
    .option("--yes", "with --repair: do not ask, also if no file of raw is on the disk")
    .action(async (name: string | undefined, _, self: Command) => {
      const options = optionsOf<Global & VerifyOptions>(self);
      const dataset = await datasetOr(name, "raw");
      const { check, verify } = await import("./verify/index.ts");
      check(options);
      await at(
        { ...options, existing: true, reads: !options.repair },
        (place) => verify(place, datasetIn(place.datasets, dataset.name), options),
        true,
      );
    });

  verb(
    program,
    "gaps [dataset]",
    "sessions that the calendar has and the tables have not, by dataset and by ticker; exit status 1 if there are any",
    "gaps --from 2025-01-02",
  )
    .option("--from <day>", "YYYY-MM-DD, instead of the first session that is there")
    .option("--to <day>", "YYYY-MM-DD, instead of the newest that is due")
    .option("--ticker <ticker>", "only this one, day by day")
    .action(async (name: string | undefined, _, self: Command) => {
      const options = optionsOf<Global & GapsOptions>(self);
      const { datasets } = await import("../datasets/index.ts");
      const named = (all: readonly Dataset[]) => (name === undefined ? all : [datasetIn(all, name)]);
      const { check, gaps } = await import("./gaps.ts");
      check(named(datasets), options);
      await at({ ...options, still: true, existing: true, reads: true }, (place) =>
        gaps(place, named(place.datasets), options),
      );
    });

  verb(
    program,
    "explain <ticker> <session>",
    "a row's whole history: file and line, message, raw object, run, commit, and what it superseded",
    "explain PETR4 2024-11-08",
  )
    .option("--dataset <name>", "whose row it is (default: the first of pregao datasets that has files of sessions)")
    .action(async (ticker: string, session: string, _, self: Command) => {
      const options = optionsOf<Global & { dataset?: string }>(self);
      const dataset = await datasetOr(options.dataset, "sessions");
      const { check, explain } = await import("./explain.ts");
      check(ticker, session);
      await at({ ...options, existing: true, reads: true }, (place) =>
        explain(place, datasetIn(place.datasets, dataset.name), ticker, session),
      );
    });

  verb(
    program,
    "status",
    "what is published, what is under way, what is stuck; exit status 1 if anything is",
    "status",
  ).action(async (_, self: Command) => {
    const options = optionsOf<Global>(self);
    const { status } = await import("./status/index.ts");
    // A look changes nothing: a river that it must start for itself is a still one.
    await at({ ...options, still: true, existing: true, reads: true }, (place) => status(place));
  });

  verb(
    program,
    "doctor",
    "whether everything is as it was declared, guard by guard; exit status 1 if one is broken or cannot be read",
    "doctor --stage dev",
  ).action(async (_, self: Command) => {
    const options = optionsOf<Global>(self);
    const { doctor } = await import("./doctor/index.ts");
    await doctor(options, output, (work) => at({ ...options, still: true, existing: true, reads: true }, work));
  });

  verb(program, "tail", "what happens, line by line, until Ctrl-C; of a stage what its functions print", "status")
    .option("--dataset <name>", "only what is about this one, or about none")
    .option("--level <level>", "DEBUG, INFO, WARN or ERROR, and above (default: INFO)")
    .option("--since <time>", "from then on: 10m, 2h, 3d, or 2025-08-29T21:30 in UTC")
    .option("-n, --lines <n>", "start with the last so many (default: 20; with --since all)")
    .option("--for <seconds>", "end after so long")
    .option("--once", "end after what is there")
    .action(async (_, self: Command) => {
      const options = optionsOf<Global & TailOptions>(self);
      const { tail, wanted } = await import("./tail.ts");
      const want = wanted(options, Date.now());
      if (want.dataset !== null) datasetIn((await import("../datasets/index.ts")).datasets, want.dataset);
      const ended = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ended.abort());
      const { openPlace, stateDir } = await import("./place.ts");
      if (!isDeployed(options)) return tail(stateDir(options), output, want, ended.signal);
      const place = await openPlace({ ...options, reads: true }, output);
      const { tailDeployed } = await import("./tail-deployed.ts");
      await tailDeployed(place, want, ended.signal).finally(() => place.close(false));
    });

  verb(program, "cost", "what a month on AWS costs at both paces, line by line", "cost --months 60")
    .addOption(new Option("--pace <pace>", "only this one (default: both)").choices(["daily", "intraday"]))
    .option("--months <n>", "the average of so many months, the lake empty before the first (default: 12)")
    .option("--queries <n>", "how many queries a month people run (default: 1000)")
    .option("--region <name>", "whose prices (default: the stage's)")
    .option("--prices <path>", 'your own prices over ours: {"glue.jobs": "0.69"} in dollars')
    .action(async (_, self: Command) => {
      const options = optionsOf<Global & CostOptions>(self);
      const { cost } = await import("./cost/index.ts");
      await cost(options, output, (work) => at({ ...options, still: true, existing: true, reads: true }, work));
    });

  verb(program, "datasets", "what flows here", "datasets").action(async (_, self: Command) => {
    const { listDatasets } = await import("./schema.ts");
    await declared(optionsOf(self), (datasets) => listDatasets(output, datasets));
  });

  verb(
    program,
    "schema <dataset>",
    "the columns of its tables, and its saved queries",
    "datasets, then pregao schema DATASET",
  ).action(async (name: string, _, self: Command) => {
    const { schema } = await import("./schema.ts");
    await declared(optionsOf(self), (datasets) => schema(output, datasetIn(datasets, name)));
  });
};
