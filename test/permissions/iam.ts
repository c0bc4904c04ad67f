import type { Statement } from "../../stacks/statements.ts";

/** What AWS asks IAM for: one action on one resource, and what it says of the request (condition keys). */
export type Need = { action: string; resource: string; context?: Record<string, string> };

/** IAM's own: `*` is any text, `?` any character. */
export const like = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", "[^]*")
      .replaceAll("?", "[^]")}$`,
  ).test(text);

const tests: Record<string, (wanted: string, came: string) => boolean> = {
  StringEquals: (wanted, came) => wanted === came,
  StringLike: like,
};

/** A key that the request does not have fails every condition on it. */
const holds = ({ conditions = {} }: Statement, context: Record<string, string> = {}): boolean =>
  Object.entries(conditions).every(([name, keys]) => {
    const test = tests[name];
    if (!test) throw new Error(`the evaluator of the tests does not know the condition ${name}`);
    return Object.entries(keys).every(([key, wanted]) => {
      const came = context[key];
      return came !== undefined && [wanted].flat().some((one) => test(one, came));
    });
  });

/** The statements that allow it, with the resource's pattern that does; none: IAM denies it. */
export const allowing = (statements: readonly Statement[], need: Need): { statement: Statement; resource: string }[] =>
  statements.flatMap((statement) =>
    statement.actions.includes(need.action) && holds(statement, need.context)
      ? statement.resources.filter((one) => like(one, need.resource)).map((resource) => ({ statement, resource }))
      : [],
  );

export const allowed = (statements: readonly Statement[], need: Need): boolean => allowing(statements, need).length > 0;

export const shown = ({ action, resource, context }: Need): string =>
  `${action} on ${resource}${context ? ` with ${JSON.stringify(context)}` : ""}`;
