import type { Case, Json, Step } from "./case.ts";
import type { Client, Outcome } from "./client.ts";
import { differences } from "./match.ts";

type Names = Record<string, string>;

const filled = (text: string, names: Names): string =>
  text.replace(/<([A-Za-z]\w*)>/g, (whole, name: string) => names[name] ?? whole);

/** An input as it is sent, or an answer as it is wanted: names and forms of input replaced. */
const written = (value: Json, names: Names): Json => {
  if (typeof value === "string") return filled(value, names);
  if (Array.isArray(value)) return value.map((item) => written(item, names));
  if (typeof value !== "object" || value === null) return value;
  const fields = value as Record<string, Json>;
  if (fields.$repeat) {
    const [text, times] = fields.$repeat as [string, number];
    return text.repeat(times);
  }
  if (fields.$times) {
    const [times, item] = fields.$times as [number, Json];
    return Array.from({ length: times }, (_, i) => written(item, { ...names, i: String(i) }));
  }
  if (fields.$blob !== undefined) {
    const content = written(fields.$blob, names);
    return { $blob: Buffer.from(content as string).toString("base64") };
  }
  if (typeof fields.$date === "number") return { $date: Math.floor(Date.now() / 1000) + fields.$date };
  return Object.fromEntries(Object.entries(fields).map(([name, item]) => [filled(name, names), written(item, names)]));
};

const at = (value: Json, path: string): Json | undefined =>
  path.split(".").reduce<Json | undefined>((found, name) => (found as Record<string, Json> | undefined)?.[name], value);

const judged = (step: Step, outcome: Outcome, who: string, names: Names): string[] => {
  if ("gives" in step) {
    if (!outcome.ok)
      return [`expected an answer, came ${outcome.status} ${outcome.code ?? outcome.name}: ${outcome.message}`];
    return differences(written(step.gives, names), outcome.output);
  }
  const { name, status, code = name } = step.fails;
  const shown = who === "boto3" ? code : name;
  if (outcome.ok)
    return [`expected ${status} ${shown}, came an answer: ${JSON.stringify(outcome.output).slice(0, 200)}`];
  const came = who === "boto3" ? outcome.code : outcome.name;
  return came === shown && outcome.status === status
    ? []
    : [`expected ${status} ${shown}, came ${outcome.status} ${came}: ${outcome.message}`];
};

/** What a case came to: `differs` names the first step that was not answered as expected, `outcomes` are all of them. */
export type Verdict = { differs: string[]; outcomes: { step: Step; outcome: Outcome }[] };

/** Does a case's steps in order, up to the first that is not answered as expected. */
export const carryOut = async (one: Case, client: Client, who: string, given: Names): Promise<Verdict> => {
  const names = { ...given };
  const outcomes: Verdict["outcomes"] = [];
  for (const [index, step] of one.steps.entries()) {
    const [service, operation] = step.call.split(".") as [string, string];
    const outcome = await client.call(service, operation, written(step.with, names));
    outcomes.push({ step, outcome });
    const differs = judged(step, outcome, who, names).map((text) => `step ${index + 1}, ${operation}: ${text}`);
    if (differs.length > 0) return { differs, outcomes };
    if (outcome.ok)
      for (const [name, path] of Object.entries(step.keep ?? {})) names[name] = String(at(outcome.output, path) ?? "");
  }
  return { differs: [], outcomes };
};
