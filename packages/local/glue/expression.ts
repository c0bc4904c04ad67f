import { AwsError } from "../service.ts";

/** A partition key of a table: its name (lower case) and its Hive type. */
export type PartitionKey = { name: string; type: string };

/** Judges a partition by its values, in the order of the keys; null is Hive's default partition. */
export type PartitionFilter = (values: readonly (string | null)[]) => boolean;

/** SQL's three truths: null is unknown. */
type Truth = boolean | null;
type Node = (values: readonly (string | null)[]) => Truth;
type Token = { kind: "word" | "quoted" | "text" | "number" | "sign"; text: string; at: number };
/** A value that can be compared with others of its key's type. */
type Comparable = string | number | boolean | { digits: bigint; scale: number };

/** The longest predicate that Glue takes (API model, PredicateString). It also bounds how deep this parser recurses. */
const MAX_EXPRESSION = 2048;

const refuse = (message: string): never => {
  throw new AwsError("InvalidInputException", `Unsupported expression: ${message}`);
};

const lexicon =
  /\s+|(?<text>'(?:[^']|'')*')|(?<number>[+-]?\d+(?:\.\d+)?(?![\w.]))|(?<word>[A-Za-z_]\w*)|(?<quoted>"(?:[^"]|"")+"|`[^`]+`)|(?<sign><=|>=|<>|!=|[=<>(),])/y;

const tokens = (expression: string): Token[] => {
  const out: Token[] = [];
  lexicon.lastIndex = 0;
  while (lexicon.lastIndex < expression.length) {
    const at = lexicon.lastIndex;
    const found = lexicon.exec(expression);
    if (!found) return refuse(`cannot read ${JSON.stringify(expression.slice(at, at + 20))} at character ${at + 1}`);
    const groups = found.groups!;
    if (groups.text !== undefined) out.push({ kind: "text", text: groups.text.slice(1, -1).replaceAll("''", "'"), at });
    else if (groups.number !== undefined) out.push({ kind: "number", text: groups.number, at });
    else if (groups.word !== undefined) out.push({ kind: "word", text: groups.word, at });
    else if (groups.quoted !== undefined)
      out.push({ kind: "quoted", text: groups.quoted.slice(1, -1).replaceAll('""', '"'), at });
    else if (groups.sign !== undefined) out.push({ kind: "sign", text: groups.sign, at });
  }
  return out;
};

const decimal = (text: string): Comparable | null => {
  const found = /^([+-]?)(\d+)(?:\.(\d*))?$/.exec(text.trim());
  if (!found) return null;
  const fraction = found[3] ?? "";
  const digits = BigInt(found[2]! + fraction);
  return { digits: found[1] === "-" ? -digits : digits, scale: fraction.length };
};
const day = (text: string): string | null => {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isFinite(ms) && new Date(ms).toISOString().startsWith(text) ? text : null;
};
const moment = (text: string): string | null => {
  const found = /^(\d{4}-\d\d-\d\d)(?:[ T]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?)?$/.exec(text);
  if (!found || day(found[1]!) === null) return null;
  return `${found[1]} ${found[2] ?? "00"}:${found[3] ?? "00"}:${found[4] ?? "00"}.${(found[5] ?? "").padEnd(9, "0")}`;
};
const real = (text: string): number | null => {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isNaN(value) ? null : value;
};

/** Text → comparable value of a Hive type; null when the text is no value of it. */
const reader = (type: string): ((text: string) => Comparable | null) => {
  const base = type.toLowerCase().replace(/\(.*$/, "").trim();
  if (base === "string" || base === "varchar" || base === "char") return (text) => text;
  if (["tinyint", "smallint", "int", "integer", "bigint", "long", "decimal"].includes(base)) return decimal;
  if (base === "float" || base === "double") return real;
  if (base === "date") return day;
  if (base === "timestamp") return moment;
  if (base === "boolean") return (text) => (/^(true|false)$/i.test(text) ? text.toLowerCase() === "true" : null);
  return refuse(`a partition key of type ${type}`);
};

const compare = (a: Comparable, b: Comparable): number => {
  if (typeof a === "object" && typeof b === "object") {
    const scale = Math.max(a.scale, b.scale);
    const left = a.digits * 10n ** BigInt(scale - a.scale);
    const right = b.digits * 10n ** BigInt(scale - b.scale);
    return left < right ? -1 : left > right ? 1 : 0;
  }
  return a < b ? -1 : a > b ? 1 : 0;
};

const not = (truth: Truth): Truth => (truth === null ? null : !truth);
const both = (a: Truth, b: Truth): Truth =>
  a === false || b === false ? false : a === null || b === null ? null : true;
const either = (a: Truth, b: Truth): Truth => not(both(not(a), not(b)));

const orders: Record<string, (order: number) => boolean> = {
  "=": (o) => o === 0,
  "<>": (o) => o !== 0,
  "!=": (o) => o !== 0,
  "<": (o) => o < 0,
  ">": (o) => o > 0,
  "<=": (o) => o <= 0,
  ">=": (o) => o >= 0,
};
/** `5 < year` says the same as `year > 5`. */
const mirrored: Record<string, string> = { "<": ">", ">": "<", "<=": ">=", ">=": "<=" };

const likePattern = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&").replace(/[%_]/g, (c) => (c === "%" ? "[^]*" : "[^]"))}$`,
    "u",
  );

const reserved = new Set(["and", "or", "not", "in", "like", "between", "is", "null", "true", "false"]);

/**
 * Reads the `Expression` of GetPartitions: comparisons of one partition key with literals (`= <> != < > <= >=`, `IN`,
 * `LIKE`, `BETWEEN`, `IS NULL`), `AND`, `OR`, `NOT`, brackets. Values are compared as their key's type says; unknown
 * (a null value) is not taken. Throws InvalidInputException for anything else.
 */
export const partitionFilter = (expression: string, keys: readonly PartitionKey[]): PartitionFilter => {
  if (expression.length > MAX_EXPRESSION)
    refuse(`expected at most ${MAX_EXPRESSION} characters, came ${expression.length}`);
  const list = tokens(expression);
  let next = 0;
  const word = (ahead = 0): string | null => {
    const token = list[next + ahead];
    return token?.kind === "word" ? token.text.toLowerCase() : null;
  };
  const sign = (text: string): boolean => list[next]?.kind === "sign" && list[next]!.text === text;
  const took = (what: boolean): boolean => {
    if (what) next++;
    return what;
  };
  const lost = (wanted: string): never => {
    const token = list[next];
    return refuse(
      `expected ${wanted}, came ${token ? `${JSON.stringify(token.text)} at character ${token.at + 1}` : "its end"}`,
    );
  };
  const expectSign = (text: string) => took(sign(text)) || lost(JSON.stringify(text));
  const expectWord = (text: string) => took(word() === text) || lost(text.toUpperCase());

  const column = (): number | null => {
    const token = list[next];
    if (token?.kind !== "quoted" && !(token?.kind === "word" && !reserved.has(token.text.toLowerCase()))) return null;
    // DATE '2024-01-01' is a literal; `date` alone can be a key's name.
    if (token.kind === "word" && ["date", "timestamp"].includes(word()!) && list[next + 1]?.kind === "text")
      return null;
    const index = keys.findIndex((key) => key.name.toLowerCase() === token.text.toLowerCase());
    if (index < 0)
      refuse(
        `${JSON.stringify(token.text)} is no partition key, expected ${keys.map((key) => key.name).join(", ") || "none: the table has no partitions"}`,
      );
    next++;
    return index;
  };
  const literal = (): Token => {
    if ((word() === "date" || word() === "timestamp") && list[next + 1]?.kind === "text") next++;
    const token = list[next];
    if (token?.kind === "text" || token?.kind === "number" || word() === "true" || word() === "false") {
      next++;
      return token!;
    }
    return lost("a literal");
  };
  const bound = (index: number, token: Token): Comparable => {
    const key = keys[index]!;
    const read = reader(key.type);
    const isText = /^(string|varchar|char)\b/i.test(key.type);
    if (isText && token.kind !== "text") refuse(`${key.name} is text, expected a quoted literal, came ${token.text}`);
    return read(token.text) ?? refuse(`${key.name} is of type ${key.type}, came ${JSON.stringify(token.text)}`);
  };
  const of = (index: number): ((values: readonly (string | null)[]) => Comparable | null) => {
    const read = reader(keys[index]!.type);
    return (values) => {
      const text = values[index] ?? null;
      return text === null ? null : read(text);
    };
  };
  const ordered = (index: number, sign: string, limit: Comparable): Node => {
    const value = of(index);
    const holds = orders[sign]!;
    return (values) => {
      const came = value(values);
      return came === null ? null : holds(compare(came, limit));
    };
  };

  const comparison = (): Node => {
    const index = column();
    if (index === null) {
      const left = literal();
      const operator = list[next];
      if (operator?.kind !== "sign" || !orders[operator.text]) return lost("a comparison");
      next++;
      const right = column();
      if (right === null) return lost("a partition key");
      return ordered(right, mirrored[operator.text] ?? operator.text, bound(right, left));
    }
    const operator = list[next];
    if (operator?.kind === "sign" && orders[operator.text]) {
      next++;
      return ordered(index, operator.text, bound(index, literal()));
    }
    if (took(word() === "is")) {
      const negative = took(word() === "not");
      expectWord("null");
      return (values) => ((values[index] ?? null) === null) !== negative;
    }
    const negative = took(word() === "not");
    const result = (node: Node): Node => (negative ? (values) => not(node(values)) : node);
    if (took(word() === "in")) {
      expectSign("(");
      const wanted = [bound(index, literal())];
      while (took(sign(","))) wanted.push(bound(index, literal()));
      expectSign(")");
      const value = of(index);
      return result((values) => {
        const came = value(values);
        return came === null ? null : wanted.some((one) => compare(came, one) === 0);
      });
    }
    if (took(word() === "between")) {
      const low = ordered(index, ">=", bound(index, literal()));
      expectWord("and");
      const high = ordered(index, "<=", bound(index, literal()));
      return result((values) => both(low(values), high(values)));
    }
    if (took(word() === "like")) {
      const pattern = literal();
      if (pattern.kind !== "text") refuse(`LIKE expects a quoted pattern, came ${pattern.text}`);
      const matches = likePattern(pattern.text);
      return result((values) => {
        const text = values[index] ?? null;
        return text === null ? null : matches.test(text);
      });
    }
    return lost("a comparison, IN, BETWEEN, LIKE or IS NULL");
  };
  const factor = (): Node => {
    if (took(word() === "not")) {
      const node = factor();
      return (values) => not(node(values));
    }
    if (took(sign("("))) {
      const node = disjunction();
      expectSign(")");
      return node;
    }
    return comparison();
  };
  const chain = (part: () => Node, joined: string, join: (a: Truth, b: Truth) => Truth): Node => {
    const parts = [part()];
    while (took(word() === joined)) parts.push(part());
    return parts.length === 1 ? parts[0]! : (values) => parts.map((node) => node(values)).reduce(join);
  };
  const conjunction = (): Node => chain(factor, "and", both);
  const disjunction = (): Node => chain(conjunction, "or", either);

  const root = disjunction();
  if (next < list.length) lost("the end of the expression");
  return (values) => root(values) === true;
};
