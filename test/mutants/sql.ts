/** Every single-token mutant of a portable SQL text: a small change that a person could have made by mistake. */

export type Mutant = { step: string; sin: string; sql: string };

type Edit = { at: number; length: number; to: string; sin: string };

/** What each spelling is mistaken for. Order matters where one is the start of another. */
const swaps: readonly [RegExp, readonly string[]][] = [
  [/<>/g, ["="]],
  [/>=/g, [">", "<", "="]],
  [/<=/g, ["<", ">", "="]],
  [/(?<![<>])=(?!=)/g, ["<>"]],
  [/>(?!=)(?<!<>)/g, [">=", "<"]],
  [/<(?![=>])/g, ["<=", ">"]],
  [/\bDESC\b/g, ["", "DESC NULLS FIRST"]],
  [/\bNULLS FIRST\b/g, ["NULLS LAST", "DESC"]],
  [/\bMAX\(/g, ["MIN("]],
  [/\bMIN\(/g, ["MAX("]],
  [/\bSUM\(/g, ["MAX(", "COUNT("]],
  [/\bCOUNT\(DISTINCT /g, ["COUNT("]],
  [/\bDISTINCT\b/g, [""]],
  [/\bROW_NUMBER\(\)/g, ["RANK()", "DENSE_RANK()"]],
  [/\bLAG\(/g, ["LEAD("]],
  [/\bAND\b/g, ["OR"]],
  [/\bOR\b/g, ["AND"]],
  [/\bUNION ALL\b/g, ["UNION", "EXCEPT"]],
  [/\bLEFT JOIN\b/g, ["JOIN"]],
  [/(?<!LEFT |CROSS )\bJOIN\b/g, ["LEFT JOIN"]],
  [/\bIS NULL\b/g, ["IS NOT NULL"]],
  [/\bRANGE BETWEEN\b/g, ["ROWS BETWEEN"]],
  [/\bROWS BETWEEN\b/g, ["RANGE BETWEEN"]],
  [
    /\bUNBOUNDED PRECEDING AND CURRENT ROW\b/g,
    ["CURRENT ROW AND UNBOUNDED FOLLOWING", "UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"],
  ],
  [/\b(parcial|completa|superada)\b(?=')/g, ["outra"]],
  [/(?<!['\w(,])(?<!\()\b\d+\b(?!['\w)])|(?<=[ (])\d+(?=[ ,)])/g, ["+1", "-1"]],
  [/ - /g, [" + "]],
];

/** From where a token's operand starts to where it ends: at a connective, a clause or a bracket of the same depth. */
const operandEnd = (sql: string, from: number, step: 1 | -1): number => {
  let depth = 0;
  for (let at = from; at >= 0 && at < sql.length; at += step) {
    const c = sql[at]!;
    if (c === (step === 1 ? "(" : ")")) depth++;
    if (c === (step === 1 ? ")" : "(")) {
      if (depth === 0) return at;
      depth--;
    }
    if (depth > 0) continue;
    const rest = step === 1 ? sql.slice(at) : sql.slice(0, at + 1);
    if (step === 1 && /^\s(AND|OR|THEN|GROUP|ORDER|UNION|ELSE|END|WHERE)\b/.test(rest)) return at;
    if (step === -1 && /\b(AND|OR|ON|WHERE|WHEN)$/.test(rest)) return at + 1;
  }
  return step === 1 ? sql.length : 0;
};

/** Conditions in which one side of a connective is gone. */
const dropped = (sql: string): Edit[] =>
  [...sql.matchAll(/\b(AND|OR)\b/g)].flatMap(({ index, 0: word }) => {
    if (sql.slice(0, index).endsWith("UNBOUNDED PRECEDING ")) return [];
    const right = operandEnd(sql, index + word.length, 1);
    const left = operandEnd(sql, index - 1, -1);
    return [
      { at: index, length: right - index, to: "", sin: `without ${sql.slice(index, right).trim()}` },
      {
        at: left,
        length: index + word.length - left,
        to: " ",
        sin: `without ${sql.slice(left, index + word.length).trim()}`,
      },
    ];
  });

/** Lists after ORDER BY, PARTITION BY and GROUP BY in which one item is gone, or goes the other way. */
const listed = (sql: string): Edit[] =>
  [...sql.matchAll(/\b(ORDER|PARTITION|GROUP) BY ([^()]*?)(?=\)|ORDER BY|ROWS|RANGE|\n|$)/g)].flatMap((found) => {
    const [whole, kind, list] = found as unknown as [string, string, string];
    const start = found.index + whole.length - list.length;
    const items = list.split(",");
    let at = start;
    return items.flatMap((item, i): Edit[] => {
      const here = at;
      at += item.length + 1;
      const name = item.trim();
      const edits: Edit[] = [];
      if (items.length > 1)
        edits.push({
          at: i === 0 ? here : here - 1,
          length: item.trimEnd().length + 1,
          to: i === 0 ? "" : " ".repeat(item.length - item.trimEnd().length),
          sin: `${kind} BY without ${name}`,
        });
      if (kind === "ORDER" && !/DESC|NULLS/.test(item))
        edits.push({ at: here, length: item.length, to: `${item.trimEnd()} DESC `, sin: `${name} DESC` });
      return edits;
    });
  });

/** Whole conditions that are gone. */
const unconditional = (sql: string): Edit[] =>
  [...sql.matchAll(/\bWHERE\b/g)].map(({ index }) => {
    let end = index;
    for (let next = operandEnd(sql, index + 5, 1); ; next = operandEnd(sql, end + 1, 1)) {
      end = next;
      if (!/^\s(AND|OR)\b/.test(sql.slice(end))) break;
    }
    return { at: index, length: end - index, to: "", sin: `without ${sql.slice(index, end).replace(/\s+/g, " ")}` };
  });

const swapped = (sql: string): Edit[] =>
  swaps.flatMap(([pattern, others]) =>
    [...sql.matchAll(pattern)].flatMap(({ index, 0: word }) =>
      others.flatMap((other): Edit[] => {
        if (word === "AND" && sql.slice(0, index).endsWith("UNBOUNDED PRECEDING ")) return [];
        const to = other === "+1" ? String(Number(word) + 1) : other === "-1" ? String(Number(word) - 1) : other;
        return [{ at: index, length: word.length, to, sin: `${word.trim()} → ${to.trim() || "nothing"}` }];
      }),
    ),
  );

/** COALESCE without its second argument. */
const uncoalesced = (sql: string): Edit[] =>
  [...sql.matchAll(/COALESCE\((.*?), 0\)/g)].map(({ index, 0: whole, 1: inner }) => ({
    at: index,
    length: whole.length,
    to: inner!,
    sin: `${whole} → ${inner}`,
  }));

const lineOf = (sql: string, at: number): string => {
  const from = sql.lastIndexOf("\n", at - 1) + 1;
  const end = sql.indexOf("\n", at);
  return sql.slice(from, end === -1 ? sql.length : end).trim();
};

export const mutantsOf = (step: string, sql: string): Mutant[] => {
  const all = [...swapped(sql), ...dropped(sql), ...listed(sql), ...unconditional(sql), ...uncoalesced(sql)].map(
    ({ at, length, to, sin }) => ({
      step,
      sin: `${sin} | ${lineOf(sql, at)}`,
      sql: sql.slice(0, at) + to + sql.slice(at + length),
    }),
  );
  return [...new Map(all.filter((m) => m.sql !== sql).map((m) => [m.sql.replace(/\s+/g, " "), m])).values()];
};
