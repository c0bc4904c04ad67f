import { afterEach, expect, test, vi } from "vitest";
import { fileAt } from "../../functions/download.ts";
import type { Web } from "../../packages/web/index.ts";

afterEach(() => vi.unstubAllEnvs());

test("when a file was changed is said by a date with GMT alone: any other would be another instant in each zone", async () => {
  const at = async (modified: string) => {
    const web: Web = {
      get: async ({ url }) => ({ is: "bytes", bytes: new Uint8Array(1), url, modified }),
      close: async () => {},
    };
    return (await fileAt("https://origin.example/a", { web })).modified;
  };
  for (const zone of ["America/Sao_Paulo", "UTC"]) {
    vi.stubEnv("TZ", zone);
    expect(await at("Fri, 20 Nov 2026 23:31:07 GMT")).toBe("2026-11-20T23:31:07.000Z");
    for (const text of ["Fri, 20 Nov 2026 23:31:07", "2026-11-20 23:31:07", "Fri, 20 Nov 2026 23:31:07 BRT", "0"])
      expect([text, await at(text)]).toEqual([text, undefined]);
  }
});
