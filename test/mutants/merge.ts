import { comebacks, exhaustive, sampled } from "../datasets/merge.worlds.ts";
import { mutantsOf } from "./sql.ts";
import { checkOf, sqlOf } from "./worlds.ts";

/**
 * Every single-token mutant of the SQL that merges, against small worlds by brute force: all columns of all tables and the
 * account, run by run. Prints one JSON document: {mutants, killed, score, survivors: [{step, sin, why}]}. Exit status 1
 * below 90 % or if a survivor has no explanation. `node test/mutants/merge.ts [step …]`; minutes.
 */
const STEPS = [
  "tocadas",
  "linhas",
  "origens",
  "disputa",
  "accounts",
  "avista",
  "bovespa_derivativos",
  "bovespa_espera",
  "bovespa_sessoes",
];
const LEAST = 0.9;

/** Why a mutant gives the same rows as the SQL: what it changes cannot be seen. */
const equivalents: readonly [RegExp, string][] = [
  [
    /UNION ALL → UNION/,
    "the branches have no row in common, or copies that the merge drops by itself: it only costs more",
  ],
  [
    /NULLS FIRST → NULLS LAST/,
    "no part of an origin is ever NULL: the columns are required, `declaradas` is coalesced",
  ],
  [/DESC → DESC NULLS FIRST/, "neither `ordem` nor `event_id` is ever NULL"],
  [/^linhas .*1[38] → \d\d/, "a NULL has no digits; the table's own type is the contract's"],
  [/SUM\( → MAX\( \| SUM\(vistas\)/, "of an origin's two rows the one from bovespa_sessoes counts 0"],
  [/^origens ROW_NUMBER\(\) → (DENSE_)?RANK\(\)/, "origins are grouped by what orders them: there are no ties"],
  [/0 → -1 .*(completa|era_completa|ELSE 0 END|mista)/, "a flag that is only ever compared with 1"],
  [/^disputa 1 → 2 \| THEN 1 ELSE 0/, "a flag that is only ever compared with 0"],
  [/^disputa JOIN → LEFT JOIN/, "every row of `linhas` has its origin in `origens`, which is made of them"],
  [/ORDER BY without fonte/, "copies are equal in every column; `conhecida` looks at all of them"],
  [
    /^bovespa_espera 0 → 1 .*declaradas > 0/,
    "an origin of one row is complete as soon as that row is there: it never waits",
  ],
];

const wanted = process.argv.slice(2);
const original = sqlOf();
/** The cheap ones first: most mutants die at once. */
const checks = [await checkOf(sampled(1, 60)), await checkOf([...exhaustive(), ...sampled(2, 300), ...comebacks()])];
for (const check of checks) {
  const wrong = await check.wrong(original);
  if (wrong) throw new Error(`the SQL as it is fails: ${wrong}`);
}
const mutants = STEPS.filter((step) => wanted.length === 0 || wanted.includes(step)).flatMap((step) =>
  mutantsOf(step, original.get(step)!),
);
const survivors: { step: string; sin: string; why: string | null }[] = [];
for (const { step, sin, sql } of mutants) {
  const mutated = sqlOf({ [step]: sql });
  let dead = false;
  for (const check of checks) dead ||= (await check.wrong(mutated)) !== null;
  if (dead) continue;
  const why = equivalents.find(([pattern]) => pattern.test(`${step} ${sin}`.replace(/\s+/g, " ")))?.[1] ?? null;
  survivors.push({ step, sin, why });
}
for (const check of checks) check.close();
const killed = mutants.length - survivors.length;
const score = mutants.length === 0 ? 1 : killed / mutants.length;
process.stdout.write(
  `${JSON.stringify({ mutants: mutants.length, killed, score: Number(score.toFixed(4)), survivors }, null, 2)}\n`,
);
process.exitCode = score < LEAST || survivors.some((s) => s.why === null) ? 1 : 0;
