import type { Properties, Wrong } from "./guard.ts";

// Documents come from AWS: nothing in them is of the type that it should be until it was looked at.

export const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>(
    (now, key) =>
      now === null || typeof now !== "object" ? undefined : (now as Record<string | number, unknown>)[key],
    value,
  );

export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);

/** An object that AWS gives as such, as JSON text, or as JSON text that is percent-encoded (IAM's documents). */
export const object = (value: unknown): Properties => {
  if (typeof value === "string")
    try {
      return object(JSON.parse(value.startsWith("%7B") ? decodeURIComponent(value) : value));
    } catch {
      return {};
    }
  return value !== null && typeof value === "object" && !Array.isArray(value) ? (value as Properties) : {};
};

/** A value as it is said to a person: text bare, the rest as JSON, cut. */
export const said = (value: unknown): string => {
  if (value === undefined || value === null) return "nothing";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MOST ? `${text.slice(0, MOST)}…` : text;
};
const MOST = 300;

/** The same whatever the order of an object's members. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === "object" && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  ) ?? "undefined";

/** What of these is not as it should be. Numbers are compared as numbers: services give them as text, too. */
export const differences = (
  wanted: Readonly<Record<string, unknown>>,
  came: (name: string) => unknown,
  mend?: string,
): Wrong[] =>
  Object.entries(wanted).flatMap(([name, value]) => {
    const is = came(name);
    const same =
      typeof value === "number" && typeof is === "string" ? Number(is) === value : canonical(is) === canonical(value);
    return same
      ? []
      : [{ expected: `${name} ${said(value)}`, came: `${name} ${said(is)}`, ...(mend === undefined ? {} : { mend }) }];
  });
