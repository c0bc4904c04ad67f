import { z } from "zod";
import type { Choices, Stage } from "../packages/core/stage.ts";
import { catalogue } from "../packages/datasets/index.ts";

type Layouts = Stage["layouts"];
/** Where what a stage chose before is to be chosen no more, and nothing stands in its place. */
const NONE = "none";

const expected = (what: string) => ({
  error: ({ input }: { input?: unknown }) => `expected ${what}, came ${String(input)}`,
});
const yes = z.enum(["true", "false"], expected("true or false")).transform((text) => text === "true");
const email = z.email();

const LAYOUTS = 'JSON such as {"bovespa_refined": ["year", "ticker"]}';
const ROLE =
  "a role's ARN without a path (SST reads what comes after the first / as its name), or none for roles of its own";

/**
 * What a stage may choose, from the environment: SST reads `.env` and `.env.<stage>` into it. Everything else follows
 * from the catalogue and the topology. An empty text is no choice: CI passes a variable that it does not have as one.
 */
const settings = z.object({
  /** Where it is deployed. sst.config.ts reads it first, for the provider; sa-east-1 if it is not said. */
  PREGAO_REGION: z.string().regex(/^[a-z]{2}(-[a-z]+)+-\d$/, expected("a region such as sa-east-1")),
  /** How long the river waits before it acts: `daily` for one batch after the close, `intraday` for snapshots. */
  PREGAO_PACE: z.enum(["daily", "intraday"], expected("daily or intraday")),
  /** Tables whose partitions are not the declared ones: `{"bovespa_refined": ["year", "ticker"]}`. */
  PREGAO_LAYOUTS: z.string().transform((text, context): Layouts => {
    try {
      return z.record(z.string(), z.array(z.string())).parse(JSON.parse(text));
    } catch {
      context.addIssue(`expected ${LAYOUTS}, came ${text}`);
      return z.NEVER;
    }
  }),
  /** Who is told of critical alarms, by e-mail; addresses apart by commas, or `none`. */
  PREGAO_ALARM_EMAILS: z.string().transform((text, context): string[] => {
    const all = text === NONE ? [] : text.split(",").flatMap((part) => part.trim() || []);
    const wrong = all.filter((one) => !email.safeParse(one).success);
    if (wrong.length > 0)
      context.addIssue(`expected e-mail addresses apart by commas, or ${NONE}, came ${wrong.join(", ")}`);
    // SNS has one subscription for an address, however often it is asked.
    const known = new Map(all.map((one) => [one.toLowerCase(), one] as const).reverse());
    return all.filter((one) => known.get(one.toLowerCase()) === one && known.delete(one.toLowerCase()));
  }),
  /** A role that exists, for accounts in which roles cannot be created. Every function, stream, job and clock takes it. */
  PREGAO_ROLE: z
    .string()
    .regex(/^(none|arn:aws:iam::\d{12}:role\/[\w+=,.@-]{1,64})$/, expected(ROLE))
    .transform((text) => (text === NONE ? null : text)),
  /** Log every read and write of the stage's objects by CloudTrail data events. */
  PREGAO_AUDIT: yes,
  /** Encrypt Glue's catalog. It is a setting of the whole account and region: one stage of an account sets it. */
  PREGAO_CATALOG_ENCRYPTION: yes,
});
export const VARIABLES = settings.shape;

/** Of the same prefix and no settings: the first row is set on functions; commands, and the second, tests read the rest. */
export const OTHERS: readonly string[] = [
  ...["PREGAO_STAGE", "PREGAO_ACCOUNT", "PREGAO_DEBUG", "PREGAO_PYTHON", "PREGAO_SILENT_MS", "PREGAO_LATE_MS"],
  "PREGAO_MIRROR",
  ...["PREGAO_SEED", "PREGAO_SEEDS", "PREGAO_RUNS", "PREGAO_KILL", "PREGAO_POINTS", "PREGAO_PAGES"],
  ...["PREGAO_FULL", "PREGAO_FULL_AT", "PREGAO_TEST_CLOCK"],
];

export type Settings = {
  pace: "daily" | "intraday";
  layouts: Layouts;
  emails: string[];
  /** undefined: each function, stream, job and clock has its own. */
  role: string | undefined;
  audit: boolean;
  catalogEncryption: boolean;
};

/** What the deployment before wrote down: of addresses only how many. `choices` null: it wrote none. */
export type Recorded = { stage: Stage; choices: Choices | null };

/**
 * What the environment says, and for what it does not mention what the stage chose before: a deployment from another
 * machine undoes nothing silently.
 * @throws Error that names each variable that cannot be read or kept, what it should be, and where it is set.
 */
export const settingsFrom = (
  env: Record<string, string | undefined>,
  stage: string,
  recorded: Recorded | null = null,
): Settings => {
  const said = Object.entries(env).flatMap(([name, text]): [string, string][] =>
    name.startsWith("PREGAO_") && text?.trim() ? [[name, text.trim()]] : [],
  );
  const read = settings.partial().safeParse(Object.fromEntries(said));
  const faults = [
    ...said
      .filter(([name]) => !(name in VARIABLES) && !OTHERS.includes(name))
      .map(([name]) => `${name}: expected one of ${Object.keys(VARIABLES).join(", ")}, came another name`),
    ...(read.error?.issues.map(({ path, message }) => `${String(path[0])}: ${message}`) ?? []),
  ];
  const of = read.data ?? {};
  const chosen = recorded?.choices ?? null;
  const told = chosen?.emails ?? 0;
  if (told > 0 && read.success && of.PREGAO_ALARM_EMAILS === undefined)
    faults.push(
      `PREGAO_ALARM_EMAILS: expected the addresses (${told} of them are told of alarms now, and are not written down), came nothing: name them, or set PREGAO_ALARM_EMAILS=${NONE}`,
    );
  const layouts = of.PREGAO_LAYOUTS ?? (recorded ? thatAre(recorded.stage.layouts) : {});
  if (recorded && of.PREGAO_LAYOUTS) faults.push(...moved(recorded.stage.layouts, layouts));
  if (faults.length > 0)
    throw new Error(
      `${faults.join("\n")}\nSettings come from the environment, into which SST reads .env and .env.${stage}. Next: set them there, and deploy again`,
    );
  return {
    pace: of.PREGAO_PACE ?? recorded?.stage.pace ?? "daily",
    layouts,
    emails: of.PREGAO_ALARM_EMAILS ?? [],
    role: (of.PREGAO_ROLE === undefined ? chosen?.role : of.PREGAO_ROLE) ?? undefined,
    audit: of.PREGAO_AUDIT ?? chosen?.audit ?? false,
    catalogEncryption: of.PREGAO_CATALOG_ENCRYPTION ?? chosen?.catalogEncryption ?? false,
  };
};

/** Partitions of each table, in their order. */
const partitionsBy = (layouts: Layouts): Map<string, string> =>
  new Map(
    catalogue(layouts).flatMap(({ tables }) =>
      tables.map(({ name, partitions }) => [name, Object.keys(partitions).join(", ")] as const),
    ),
  );

/** A table may have gone since its layout was chosen. */
const thatAre = (layouts: Layouts): Layouts => {
  const there = partitionsBy({});
  return Object.fromEntries(Object.entries(layouts).filter(([name]) => there.has(name)));
};

/** Files lie in folders by their partitions: what was written by others is found by no query, and by no run. */
const moved = (before: Layouts, after: Layouts): string[] => {
  const was = partitionsBy(thatAre(before));
  return [...partitionsBy(after)]
    .filter(([name, now]) => was.get(name) !== now)
    .map(
      ([name, now]) =>
        `PREGAO_LAYOUTS: expected ${name} by ${was.get(name)}, came ${now}: a layout cannot change under data that is there. Leave it out to keep it, or deploy another stage`,
    );
};
