import type { Commit } from "../core/commit.ts";
import type { Dataset } from "../core/dataset.ts";
import { holding } from "../core/report.ts";
import { argument, printable } from "./output.ts";

/** What waits for a person: a raw object, or (`key` null) what a computed dataset is made of. */
export type Held = { key: string | null; findings: Commit["held"][number]["findings"] };

export const heldOf = (dataset: Dataset, commit: Commit | null): Held[] => {
  if (dataset.raw) return (commit?.held ?? []).map(({ key, findings }) => ({ key, findings }));
  const findings = commit?.status === "held" ? holding(commit.audit, []) : [];
  return findings.length > 0
    ? [{ key: null, findings: findings.map(({ law, session, origin }) => ({ law, session, origin })) }]
    : [];
};

export const heldName = (dataset: string, { key }: Held): string =>
  key === null ? `what ${dataset} is made of` : printable(key);

export const lawsOf = ({ findings }: Pick<Held, "findings">): string =>
  printable(findings.map((f) => `${f.law}${f.session ? ` on ${f.session}` : ""}`).join(", "));

/** The command that accepts the first of what holds it. */
export const acceptCommand = (dataset: string, { findings: [first] }: Pick<Held, "findings">): string =>
  [
    `pregao accept ${dataset}`,
    ...(first ? [`--law ${argument(first.law)}`] : []),
    ...(first?.session ? [`--session ${argument(first.session)}`] : []),
    ...(first?.origin ? [`--origin ${argument(first.origin)}`] : []),
  ].join(" ");
