import { digest } from "../../functions/river.ts";
import { newestCommit, pausedSince } from "../aws/documents.ts";
import { create } from "../aws/store.ts";
import type { Commit } from "../core/commit.ts";
import type { Dataset } from "../core/dataset.ts";
import { PregaoError } from "../core/errors.ts";
import { type Accepted, acceptedKey } from "../core/run.ts";
import { confirmed } from "./confirm.ts";
import { acceptCommand, heldName, heldOf } from "./held.ts";
import { plural, printable } from "./output.ts";
import type { Place } from "./place.ts";
import { follow, heldLines, refusedLines, throwFailure } from "./refine.ts";

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
  const before = await newestCommit(place.aws, name);
  const held = heldNow(dataset, before);
  const fitting = held.filter((f) => fits(f, options));
  if (fitting.length === 0)
    throw new PregaoError(
      "not_held",
      `expected what holds a run of ${name} now, came ${told(options)}. ${held.length ? `Held are: ${held.map(told).join("; ")}` : `Nothing of ${name} is held`}`,
      { held },
    );
  const meant = heldOf(dataset, before).filter((h) => h.findings.some((f) => fits(f, options)));
  const objects = meant.flatMap(({ key }) => key ?? []);
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
  const { passed, why } = await follow(place, dataset, {});
  const after = await newestCommit(place.aws, name);
  const document = { dataset: name, accepted, runs: passed, commit: after?.commit ?? 0, held: heldNow(dataset, after) };
  throwFailure(dataset, before, after, document);
  const left = heldOf(dataset, after);
  const still = left.find(({ key }) => meant.some((was) => was.key === key));
  if (still) {
    const others = { findings: still.findings.filter((f) => !fitting.some((one) => told(one) === told(f))) };
    const paused = await pausedSince(place.aws, name);
    const next = paused
      ? `pregao resume ${name}`
      : others.findings.length > 0
        ? acceptCommand(name, others)
        : "pregao status";
    const reason = paused || others.findings.length === 0 ? why : others.findings.map(told).join("; ");
    throw new PregaoError(
      "held",
      `${fitting.map(told).join("; ")} is accepted, and ${heldName(name, still)} is still held: ${printable(reason)}. Next: ${next}`,
      document,
    );
  }
  place.output.result(document, () =>
    [
      `Accepted: ${fitting.map(told).join("; ")}.`,
      ...passed.map(({ run, status, reason }) => `Run ${run} is ${status}${reason ? `: ${printable(reason)}` : ""}.`),
      ...refusedLines(passed),
      ...heldLines(dataset, after),
      "",
      `Next: ${left[0] ? acceptCommand(name, left[0]) : "pregao status"}`,
      "",
    ].join("\n"),
  );
};

/** The laws that hold something at a commit, each as it was found, once. */
const heldNow = (dataset: Dataset, commit: Commit | null): Accepted[] => {
  const found = heldOf(dataset, commit).flatMap((h): Accepted[] => h.findings);
  return [...new Map(found.map((f) => [JSON.stringify(f), f])).values()];
};

/** The first digits of an origin are enough. */
const fits = (finding: Accepted, { law, session, origin }: AcceptOptions): boolean =>
  finding.law === law &&
  (session === undefined || finding.session === session) &&
  (origin === undefined || (finding.origin?.startsWith(origin) ?? false));

const told = ({ law, session, origin }: { law?: string; session?: string | null; origin?: string | null }): string =>
  printable(`--law ${law}${session ? ` --session ${session}` : ""}${origin ? ` --origin ${origin}` : ""}`);
