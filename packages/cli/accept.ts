import { digest } from "../../functions/river.ts";
import { create } from "../aws/store.ts";
import type { Commit } from "../core/commit.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { holding } from "../core/report.ts";
import { type Accepted, acceptedKey } from "../core/run.ts";
import { confirmed } from "./confirm.ts";
import { newestCommit } from "./lake.ts";
import { plural, printable } from "./output.ts";
import type { Place } from "./place.ts";
import { follow, heldLines, throwFailure } from "./refine.ts";

export type AcceptOptions = { law?: string; session?: string; origin?: string; yes?: boolean };

/** @throws PregaoError without a law, before a river is started. */
export const check = ({ law }: AcceptOptions): void => {
  if (!law) throw new PregaoError("usage", "expected --law LAW, one that holds a run; pregao status names them");
};

/**
 * `pregao accept`: a person says that what breaks a law is right all the same. Accepted is what is held now and fits, each
 * finding as it is: a law is never given up for the sessions and files to come.
 */
export const accept = async (place: Place, dataset: Dataset, options: AcceptOptions): Promise<void> => {
  const { name } = dataset;
  const before = await newestCommit(place, name);
  const held = heldNow(dataset, before);
  const fitting = held.filter((f) => fits(f, options));
  if (fitting.length === 0)
    throw new PregaoError(
      "not_held",
      `expected what holds a run of ${name} now, came ${told(options)}. ${held.length ? `Held are: ${held.map(told).join("; ")}` : `Nothing of ${name} is held`}`,
      { held },
    );
  const objects = (before?.held ?? []).filter((h) => h.findings.some((f) => fits(f, options))).map((h) => h.key);
  await confirmed(
    `Accept ${fitting.map(told).join("; ")}? ${objects.length ? `${plural(objects.length, "raw object")}` : `What ${name} is made of`} will be published as it is.`,
    options.yes,
  );
  const accepted: (Accepted & { key: string })[] = [];
  for (const one of fitting) {
    const body = JSON.stringify(one);
    const key = acceptedKey(name, digest(body));
    await create(place.aws, "state", key, body);
    accepted.push({ ...one, key });
  }
  const { passed } = await follow(place, dataset, {});
  const after = await newestCommit(place, name);
  const document = { dataset: name, accepted, runs: passed, commit: after?.commit ?? 0, held: heldNow(dataset, after) };
  throwFailure(dataset, before, after, document);
  place.output.result(document, () =>
    [
      `Accepted: ${fitting.map(told).join("; ")}.`,
      ...passed.map(({ run, status, reason }) => `Run ${run} is ${status}${reason ? `: ${printable(reason)}` : ""}.`),
      ...heldLines(dataset, after),
      "",
      "Next: pregao status",
      "",
    ].join("\n"),
  );
};

/** The laws that hold something at a commit, each as it was found, once. */
const heldNow = (dataset: Dataset, commit: Commit | null): Accepted[] => {
  const findings = dataset.raw
    ? (commit?.held ?? []).flatMap((h) => h.findings)
    : commit?.status === "held"
      ? holding(commit.audit, [])
      : [];
  const found = findings.map(({ law, session, origin }): Accepted => ({ law, session, origin }));
  return [...new Map(found.map((f) => [JSON.stringify(f), f])).values()];
};

/** The first digits of an origin are enough. */
const fits = (finding: Accepted, { law, session, origin }: AcceptOptions): boolean =>
  finding.law === law &&
  (session === undefined || finding.session === session) &&
  (origin === undefined || (finding.origin?.startsWith(origin) ?? false));

const told = ({ law, session, origin }: { law?: string; session?: string | null; origin?: string | null }): string =>
  printable(`--law ${law}${session ? ` --session ${session}` : ""}${origin ? ` --origin ${origin}` : ""}`);
