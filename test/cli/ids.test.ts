import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { newIds } from "../../packages/cli/verify/ids.ts";

const idOf = (n: number) => createHash("sha256").update(String(n)).digest("hex").slice(0, 32);

test("a set of ids is a map from id to bits, whatever is done to it in which order", () => {
  const step = fc.record({ do: fc.constantFrom("add", "mark"), n: fc.nat(40), bits: fc.nat(0x7fff) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const ids = newIds();
      const model = new Map<string, number>();
      for (const { do: action, n, bits } of steps) {
        const id = idOf(n);
        const before = model.get(id);
        if (action === "add") expect(ids.add(id, bits)).toBe(before === undefined);
        else expect(ids.mark(id, bits)).toBe(before ?? null);
        if (action === "add" || before !== undefined) model.set(id, (before ?? 0) | bits);
      }
      const all = new Map<string, number>();
      ids.each((id, bits) => all.set(id, bits));
      expect(all).toEqual(model);
      expect(ids.size()).toBe(model.size);
    }),
  );
});

test("it grows past its first places and loses none; ids that share their first bits stay apart", () => {
  const ids = newIds();
  const near = Array.from({ length: 100 }, (_, n) => `${"0".repeat(24)}${n.toString(16).padStart(8, "0")}`);
  for (let n = 0; n < 5000; n++) ids.add(idOf(n), n % 7);
  for (const id of near) expect(ids.add(id)).toBe(true);
  expect(ids.size()).toBe(5100);
  for (let n = 0; n < 5000; n++) expect(ids.bits(idOf(n))).toBe(n % 7);
  for (const id of near) expect(ids.bits(id)).toBe(0);
  expect(ids.bits(idOf(5000))).toBeNull();
});

test("what is no id is never there, and is not taken for one", () => {
  const ids = newIds();
  for (const odd of ["", "x".repeat(32), `${idOf(1)}0`, idOf(1).toUpperCase()]) {
    expect(ids.bits(odd)).toBeNull();
    expect(ids.mark(odd, 1)).toBeNull();
    expect(() => ids.add(odd)).toThrow("32 hexadecimal digits");
  }
});
