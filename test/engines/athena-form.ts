/** What Trino's protocol gives, in the form in which Athena's GetQueryResults and its CSV give it. */
import { javaDouble } from "../../packages/engines/duckdb/text.ts";
import type { Raw } from "./raw-json.ts";
import type { Column, Signature } from "./trino.ts";

export type Field = { name: string; type: string; precision: number; scale: number };

/** Athena's names and precisions of types that do not say one themselves. Source: its JDBC driver's column metadata. */
const plain: Record<string, [string, number]> = {
  tinyint: ["tinyint", 3],
  smallint: ["smallint", 5],
  integer: ["integer", 10],
  bigint: ["bigint", 19],
  real: ["float", 17],
  double: ["double", 17],
  varchar: ["varchar", 2_147_483_647],
};

const numbers = (signature: Signature): number[] =>
  signature.arguments.filter(({ kind }) => kind === "LONG").map(({ value }) => Number(value));

export const fieldOf = ({ name, typeSignature }: Column): Field => {
  const { rawType } = typeSignature;
  const [first, second] = numbers(typeSignature);
  const [type, precision] = plain[rawType] ?? [rawType, 0];
  // The protocol says how long a varchar without a length may be; Athena says the same number.
  return { name, type, precision: first ?? precision, scale: rawType === "decimal" ? (second ?? 0) : 0 };
};

const text = (raw: Raw): string =>
  typeof raw === "object" && raw !== null && "number" in raw ? raw.number : String(raw);

const types = (signature: Signature): Signature[] =>
  signature.arguments.filter(({ kind }) => kind === "TYPE").map(({ value }) => value as Signature);

/** A value as Athena prints it; null is no text. */
export const textOf = (raw: Raw, signature: Signature): string | null => (raw === null ? null : inside(raw, signature));

const inside = (raw: Raw, signature: Signature): string => {
  if (raw === null) return "null";
  switch (signature.rawType) {
    // Trino's JSON has the digits of Java 17, which are one too many at times: the double itself is compared.
    case "double":
      return javaDouble(Number(text(raw)));
    case "array":
      return `[${(raw as Raw[]).map((item) => inside(item, types(signature)[0]!)).join(", ")}]`;
    case "map": {
      const { members } = raw as { members: [string, Raw][] };
      return `{${members.map(([key, value]) => `${key}=${inside(value, types(signature)[1]!)}`).join(", ")}}`;
    }
    case "row": {
      const fields = signature.arguments.map(
        ({ value }) => value as { fieldName?: { name: string }; typeSignature: Signature },
      );
      return `{${fields
        .map(({ fieldName, typeSignature }, at) => {
          return `${fieldName?.name ?? `field${at}`}=${inside((raw as Raw[])[at]!, typeSignature)}`;
        })
        .join(", ")}}`;
    }
    default:
      return text(raw);
  }
};
