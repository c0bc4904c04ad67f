import { z } from "zod";

const list = z.string().transform((text) =>
  text
    .split(",")
    .map((part) => part.trim())
    .filter(Boolean),
);
const yes = z.enum(["true", "false"]).transform((text) => text === "true");

/**
 * What a stage may choose, from the environment: SST reads `.env` and `.env.<stage>` into it. Everything else follows
 * from the catalogue and the topology.
 */
const settings = z.object({
  /** How long the river waits before it acts: `daily` for one batch after the close, `intraday` for snapshots. */
  PREGAO_PACE: z.enum(["daily", "intraday"]).default("daily"),
  /** Tables whose partitions are not the declared ones: `{"bovespa_refined": ["year", "ticker"]}`. */
  PREGAO_LAYOUTS: z
    .string()
    .default("{}")
    .transform((text, context) => {
      try {
        return z.record(z.string(), z.array(z.string())).parse(JSON.parse(text));
      } catch {
        context.addIssue(`expected JSON such as {"bovespa_refined": ["year", "ticker"]}, came ${text}`);
        return z.NEVER;
      }
    }),
  /** Who is told of critical alarms, by e-mail; addresses apart by commas. */
  PREGAO_ALARM_EMAILS: list.pipe(z.array(z.email())).default([]),
  /** A role that exists, for accounts in which roles cannot be created. Every function, stream, job and clock takes it. */
  PREGAO_ROLE: z
    .string()
    .regex(/^arn:aws:iam::\d{12}:role\/\S+$/, "expected a role's ARN")
    .optional(),
  /** Log every read and write of the stage's objects by CloudTrail data events. */
  PREGAO_AUDIT: yes.default(false),
  /** Encrypt Glue's catalog. It is a setting of the whole account and region: one stage of an account sets it. */
  PREGAO_CATALOG_ENCRYPTION: yes.default(false),
});
export type Settings = {
  pace: "daily" | "intraday";
  layouts: Record<string, string[]>;
  emails: string[];
  role: string | undefined;
  audit: boolean;
  catalogEncryption: boolean;
};

/** @throws Error that names each variable that cannot be read, what it should be, and where it is set. */
export const settingsFrom = (env: Record<string, string | undefined>, stage: string): Settings => {
  const read = settings.safeParse(env);
  if (!read.success)
    throw new Error(
      read.error.issues
        .map(({ path, message }) => `${String(path[0])}: ${message}. Set it in .env.${stage}`)
        .join("\n"),
    );
  const of = read.data;
  return {
    pace: of.PREGAO_PACE,
    layouts: of.PREGAO_LAYOUTS,
    emails: of.PREGAO_ALARM_EMAILS,
    role: of.PREGAO_ROLE,
    audit: of.PREGAO_AUDIT,
    catalogEncryption: of.PREGAO_CATALOG_ENCRYPTION,
  };
};
