import { list, object } from "./shapes.ts";

/** A policy's statement, with lists where AWS permits one value. */
export type Statement = {
  sid: string;
  effect: string;
  /** `Service:…`, `AWS:…`, or `*`. */
  principals: string[];
  actions: string[];
  resources: string[];
  /** `NotAction`, `NotResource`, `NotPrincipal`: everything but these. */
  except: string[];
  /** operator → key, in lower case → values */
  conditions: Record<string, Record<string, string[]>>;
};

const texts = (value: unknown): string[] => list(value).map(String);

const principalsOf = (value: unknown): string[] =>
  typeof value === "string"
    ? [value]
    : Object.entries(object(value)).flatMap(([kind, names]) =>
        texts(names).map((name) => (name === "*" ? "*" : `${kind}:${name}`)),
      );

export const statementsOf = (policy: unknown): Statement[] =>
  list(object(policy).Statement).map((one) => {
    const s = object(one);
    return {
      sid: String(s.Sid ?? ""),
      effect: String(s.Effect ?? ""),
      principals: principalsOf(s.Principal),
      actions: texts(s.Action),
      resources: texts(s.Resource),
      except: ["NotAction", "NotResource", "NotPrincipal"].filter((name) => s[name] !== undefined),
      conditions: Object.fromEntries(
        Object.entries(object(s.Condition)).map(([operator, keys]) => [
          operator,
          Object.fromEntries(Object.entries(object(keys)).map(([key, values]) => [key.toLowerCase(), texts(values)])),
        ]),
      ),
    };
  });

/** Whether everybody is denied what goes without TLS. */
export const deniesPlain = (statements: readonly Statement[]): boolean =>
  statements.some(
    (s) =>
      deniesAll(s) &&
      Object.entries(s.conditions).some(
        ([operator, keys]) => operator.startsWith("Bool") && keys["aws:securetransport"]?.join() === "false",
      ),
  );

/** Whether everybody is denied what goes by a TLS before 1.2. `key`: `s3:tlsversion`, which other services lack. */
export const deniesOldTls = (statements: readonly Statement[], key: string): boolean =>
  statements.some(
    (s) =>
      deniesAll(s) &&
      Object.entries(s.conditions).some(
        ([operator, keys]) => operator.startsWith("NumericLessThan") && Number(keys[key]?.[0]) >= 1.2,
      ),
  );

/** Of everything, to everybody, under one condition alone: a second one would let others through. */
const deniesAll = (s: Statement): boolean =>
  s.effect === "Deny" &&
  s.principals.includes("*") &&
  s.except.length === 0 &&
  s.actions.some((action) => /^(\*|\w+:\*)$/.test(action)) &&
  Object.values(s.conditions).reduce((sum, keys) => sum + Object.keys(keys).length, 0) === 1;

/** Conditions that bind a statement to one account, resource or organisation. */
const BOUND = /^(aws:source(account|arn|owner|orgid)|aws:principal(account|arn|orgid)|kms:calleraccount|sns:endpoint)$/;

/** Statements that let in whoever asks. */
export const openTo = (statements: readonly Statement[]): Statement[] =>
  statements.filter(
    (s) =>
      s.effect === "Allow" &&
      (s.principals.includes("*") || s.except.includes("NotPrincipal")) &&
      !Object.values(s.conditions).some((keys) => Object.keys(keys).some((key) => BOUND.test(key))),
  );

/** `context`: what is encrypted, by the names of the encryption context in lower case. */
type Wanted = {
  service: string;
  action: string;
  source: string;
  account: string;
  context?: Readonly<Record<string, string>>;
};

/** Whether a service may do this; `source`: of that ARN or account alone. */
export const lets = (statements: readonly Statement[], wanted: Wanted): boolean =>
  statements.some(
    (s) =>
      s.effect === "Allow" &&
      s.principals.includes(`Service:${wanted.service}`) &&
      s.actions.some((action) => matches(action, wanted.action)) &&
      boundTo(s, wanted),
  );

/** No condition that binds the source to something else. */
const boundTo = (s: Statement, { source, account, context = {} }: Wanted): boolean =>
  Object.values(s.conditions).every((keys) =>
    Object.entries(keys).every(([key, values]) => {
      const encrypted = context[key.replace("kms:encryptioncontext:", "")];
      if (encrypted !== undefined) return values.some((value) => matches(value, encrypted));
      if (key === "aws:sourcearn") return values.some((value) => matches(value, source));
      if (key === "aws:sourceaccount") return values.includes(account);
      return true;
    }),
  );

/** IAM's patterns: `*` any text, `?` one character; actions without regard to case. */
export const matches = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
    "i",
  ).test(text);
