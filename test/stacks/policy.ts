/** A request as AWS judges it. `context` has what the request says of itself, and nothing that it does not. */
export type Request = {
  /** A service's or a role's name. */
  principal: string;
  action: string;
  resource: string;
  context?: Record<string, string>;
};
type Text = string | string[];
export type Statement = {
  Sid: string;
  Effect: "Allow" | "Deny";
  Principal: "*" | Record<string, Text>;
  Action: Text;
  Resource: Text;
  Condition?: Record<string, Record<string, Text>>;
};

export const statementsOf = (policy: unknown): Statement[] =>
  (JSON.parse(String(policy)) as { Statement: Statement[] }).Statement;

const list = (value: Text): string[] => [value].flat();
const like = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
    "s",
  ).test(text);

/** IAM's operators, of a key's value; `undefined`: the request has none. What is negated holds of no value, too. */
const operators: Record<string, (value: string | undefined, given: string[]) => boolean> = {
  Bool: (value, given) => value !== undefined && given.includes(value),
  Null: (value, given) => given.includes(String(value === undefined)),
  StringEquals: (value, given) => value !== undefined && given.includes(value),
  StringNotEquals: (value, given) => value === undefined || !given.includes(value),
  StringLike: (value, given) => value !== undefined && given.some((one) => like(one, value)),
  ArnEquals: (value, given) => value !== undefined && given.some((one) => like(one, value)),
  ArnLike: (value, given) => value !== undefined && given.some((one) => like(one, value)),
  NumericLessThan: (value, given) => value !== undefined && given.some((one) => Number(value) < Number(one)),
};

const holds = (statement: Statement, { context = {} }: Request): boolean =>
  Object.entries(statement.Condition ?? {}).every(([operator, keys]) => {
    const test = operators[operator];
    if (!test) throw new Error(`${statement.Sid}: no meaning for ${operator} in these tests`);
    return Object.entries(keys).every(([key, given]) => test(context[key], list(given)));
  });

const isAbout = (statement: Statement, request: Request): boolean =>
  (statement.Principal === "*" ||
    Object.values(statement.Principal).some((names) => list(names).includes(request.principal))) &&
  list(statement.Action).some((one) => like(one.toLowerCase(), request.action.toLowerCase())) &&
  list(statement.Resource).some((one) => like(one, request.resource));

/** What a resource's own policy says; `silent`: nothing, and then it is for the caller's. */
export const verdict = (policy: unknown, request: Request): "allowed" | "denied" | "silent" => {
  const found = statementsOf(policy).filter((one) => isAbout(one, request) && holds(one, request));
  if (found.some((one) => one.Effect === "Deny")) return "denied";
  return found.length > 0 ? "allowed" : "silent";
};
