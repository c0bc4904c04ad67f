import type { Checked } from "./diagnosis.ts";
import type { Finding, State } from "./guard.ts";

/** Findings that are told as one. */
export type Entry = {
  state: State;
  /** In the order of guards; the first tells it. */
  guards: string[];
  resources: string[];
  /** What was expected and what came, of what one mend puts right. */
  pairs: { expected: string; came: string }[];
  why: string | null;
  mend: string | null;
};

/**
 * What one mend puts right is one entry: what many guards or resources say in the same words, then what is wrong with
 * the same resources. What cannot be read for one reason is one, too, with the first of the commands that read it.
 */
export const entriesOf = (ill: readonly Checked[]): Entry[] => {
  const findings = ill.flatMap((guard) =>
    guard.findings.filter(({ state }) => state === guard.state || state === "unknown"),
  );
  const same = [...Map.groupBy(findings, wordsOf).values()].map(together);
  const merged = Map.groupBy(same, ({ state, guards, resources, why, mend }) =>
    JSON.stringify([state, guards, resources, why, mend]),
  );
  const entries = [...merged.values()].flatMap(([first, ...others]) =>
    first ? [{ ...first, pairs: [first, ...others].flatMap(({ pairs }) => pairs) }] : [],
  );
  return (["broken", "unknown"] as const).flatMap((state) => entries.filter((one) => one.state === state));
};

/** Of what cannot be read, the words are the reason, and the missing permission if that is it. */
const wordsOf = ({ state, expected, came, why, mend }: Finding): string =>
  JSON.stringify(
    state === "unknown" ? [state, mend?.startsWith("allow ") ? mend : why] : [state, expected, came, mend],
  );

const together = (those: readonly Finding[]): Entry => {
  const [first] = those as [Finding, ...Finding[]];
  const { state, expected, came, why, mend } = first;
  return {
    ...{ state, why, mend },
    guards: [...new Set(those.map(({ guard }) => guard))],
    resources: [...new Set(those.map(({ resource }) => resource))],
    pairs: state === "broken" ? [{ expected: expected ?? "", came: came ?? "" }] : [],
  };
};
