import {
  type DuckDBListValue,
  type DuckDBMapValue,
  type DuckDBStructValue,
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
} from "@duckdb/node-api";

type Spell = (value: DuckDBValue) => string;
/** Spells values of a Trino type that DuckDB gives in this one. */
export type Speller = (type: string, came: DuckDBType) => Spell;

/** The types inside `array(T)`, `map(K, V)` or `row(x T, T)`, with their fields' names; null for any other type. */
export const partsOf = (type: string): { kind: string; parts: { name: string | null; type: string }[] } | null => {
  const found = /^(array|map|row)\((.*)\)$/s.exec(type);
  if (!found) return null;
  const [, kind, inside] = found as unknown as [string, string, string];
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at <= inside.length; at++) {
    const char = inside[at];
    if (char === "(") depth++;
    else if (char === ")") depth--;
    else if ((char === "," && depth === 0) || char === undefined) {
      parts.push(inside.slice(from, at).trim());
      from = at + 1;
    }
  }
  return { kind, parts: parts.map((part) => (kind === "row" ? field(part) : { name: null, type: part })) };
};

/** `x bigint`, `bigint`: types of several words are those that a name cannot be mistaken for. */
const several =
  /^(interval (day to second|year to month)|time(stamp)?(\(\d+\))? with(out)? time zone|double precision)$/;
const field = (part: string): { name: string | null; type: string } => {
  const space = /^[^( ]*? /.exec(part)?.[0].length ?? 0;
  if (space === 0 || several.test(part)) return { name: null, type: part };
  return { name: part.slice(0, space - 1), type: part.slice(space) };
};

/** Java's hash of a map's key, spread as HashMap spreads it. */
const hashOf = (type: string, key: DuckDBValue): number => {
  const spread = (hash: number): number => (hash ^ (hash >>> 16)) | 0;
  if (typeof key === "string") {
    let hash = 0;
    for (let at = 0; at < key.length; at++) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0;
    return spread(hash);
  }
  if (typeof key === "boolean") return spread(key ? 1231 : 1237);
  if (type === "bigint") return spread(Number(BigInt.asIntN(32, (key as bigint) ^ ((key as bigint) >> 32n))));
  return typeof key === "number" ? spread(key) : 0;
};

/**
 * Entries in the order of a Java HashMap into which they were put one after another, which is how Trino and Athena print
 * a map. (A bucket that becomes a tree, above eight entries of one hash, keeps that order too.)
 */
export const inHashOrder = <T>(type: string, entries: readonly T[], key: (entry: T) => DuckDBValue): T[] => {
  let capacity = 16;
  while (entries.length > capacity * 0.75) capacity *= 2;
  return entries
    .map((entry, index) => ({ entry, index, bucket: hashOf(type, key(entry)) & (capacity - 1) }))
    .sort((a, b) => a.bucket - b.bucket || a.index - b.index)
    .map(({ entry }) => entry);
};

const DAY = 86_400_000n;
const padded = (value: bigint, digits: number): string => String(value).padStart(digits, "0");

/** Milliseconds as `1 02:03:04.567`. */
export const daySecondText = (milliseconds: bigint): string => {
  const size = milliseconds < 0n ? -milliseconds : milliseconds;
  const clock = [(size / 3_600_000n) % 24n, (size / 60_000n) % 60n, (size / 1000n) % 60n].map((part) =>
    padded(part, 2),
  );
  return `${milliseconds < 0n ? "-" : ""}${size / DAY} ${clock.join(":")}.${padded(size % 1000n, 3)}`;
};
/** Months as `1-6`. */
export const yearMonthText = (months: bigint): string => {
  const size = months < 0n ? -months : months;
  return `${months < 0n ? "-" : ""}${size / 12n}-${size % 12n}`;
};

/**
 * Arrays, maps, rows and intervals as Athena prints them: `[a, null]`, `{k=v}`, `{x=1, field1=2}`. Null when the type is
 * no such, or DuckDB's no faithful form of it.
 */
export const holderSpeller = (type: string, came: DuckDBType, speller: Speller): Spell | null => {
  if (came.typeId === DuckDBTypeId.BIGINT && type === "interval day to second")
    return (value) => daySecondText(value as bigint);
  if (came.typeId === DuckDBTypeId.BIGINT && type === "interval year to month")
    return (value) => yearMonthText(value as bigint);
  const of = partsOf(type);
  if (!of) return null;
  const item = (spell: Spell) => (value: DuckDBValue) => (value === null ? "null" : spell(value));
  const { kind, parts } = of;
  if (kind === "array" && came.typeId === DuckDBTypeId.LIST) {
    const spell = item(speller(parts[0]!.type, (came as unknown as { valueType: DuckDBType }).valueType));
    return (value) => `[${(value as DuckDBListValue).items.map(spell).join(", ")}]`;
  }
  if (kind === "map" && came.typeId === DuckDBTypeId.MAP) {
    const types = came as unknown as { keyType: DuckDBType; valueType: DuckDBType };
    const [key, held] = [parts[0]!.type, parts[1]!.type];
    const [k, v] = [item(speller(key, types.keyType)), item(speller(held, types.valueType))];
    return (value) => {
      const entries = inHashOrder(key, (value as DuckDBMapValue).entries, (entry) => entry.key);
      return `{${entries.map((entry) => `${k(entry.key)}=${v(entry.value)}`).join(", ")}}`;
    };
  }
  if (kind === "row" && came.typeId === DuckDBTypeId.STRUCT) {
    const types = (came as unknown as { entryTypes: readonly DuckDBType[] }).entryTypes;
    const fields = parts.map(({ name, type }, index) => {
      return { name: name ?? `field${index}`, spell: item(speller(type, types[index]!)) };
    });
    return (value) => {
      const values = Object.values((value as DuckDBStructValue).entries);
      return `{${fields.map(({ name, spell }, index) => `${name}=${spell(values[index]!)}`).join(", ")}}`;
    };
  }
  return null;
};
