import type { Json } from "./case.ts";

type Fields = { readonly [name: string]: Json };
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const brief = (value: unknown): string => (JSON.stringify(value) ?? "nothing").slice(0, 160);

/** What a form of {@link Case} says of a value; null: the wanted value is no form. */
const judge = (wanted: Fields, came: Json | undefined): boolean | null => {
  const [form, ...more] = Object.keys(wanted);
  if (form === undefined || more.length > 0) return null;
  const value = wanted[form]!;
  if (form === "$any") return came !== undefined && came !== null;
  if (form === "$none") return came === undefined || came === null;
  if (form === "$like") return typeof came === "string" && new RegExp(`^(?:${value})$`, "s").test(came);
  if (form === "$size") return Array.isArray(came) && came.length === value;
  if (form === "$has")
    return (
      Array.isArray(came) && (value as Json[]).every((item) => came.some((one) => differences(item, one).length === 0))
    );
  if (form === "$date") {
    const seconds = isFields(came) ? Number(came.$date) : Number.NaN;
    const [least, most] = value as [number, number];
    const age = Date.now() / 1000 - seconds;
    return age >= -most && age <= -least;
  }
  return null;
};

/** Where what came is not as wanted; empty: it is. */
export const differences = (wanted: Json, came: Json | undefined, path = "answer"): string[] => {
  const differs = (): string[] => [`${path}: expected ${brief(wanted)}, came ${brief(came)}`];
  if (Array.isArray(wanted)) {
    if (!Array.isArray(came) || came.length !== wanted.length) return differs();
    return wanted.flatMap((item, index) => differences(item, came[index], `${path}.${index}`));
  }
  if (isFields(wanted)) {
    const judged = judge(wanted, came);
    if (judged !== null) return judged ? [] : differs();
    if (!isFields(came)) return differs();
    return Object.entries(wanted).flatMap(([name, value]) => differences(value, came[name], `${path}.${name}`));
  }
  return wanted === came ? [] : differs();
};
