import { type Type, varchar, varcharOf } from "../types.ts";

const MAX_LENGTH = 2_147_483_647;
/** Trino's bound on the length of a replacement's result: `more` from the lengths of the text and what is put in. */
export const longer =
  (more: (x: number, z: number) => number) =>
  (types: Type[]): Type => {
    const [x, z] = [types[0], types[2]].map((type) => (type?.name === "varchar" ? type.length : 0));
    return typeof x === "number" && typeof z === "number" ? varcharOf(Math.min(MAX_LENGTH, more(x, z))) : varchar;
  };
