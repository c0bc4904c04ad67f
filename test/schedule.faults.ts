import { expect, test } from "vitest";
import { folder, up } from "./cli/command.ts";
import { recorded } from "./origin/server.ts";

test("up --web asks the mirror that it is told, and up without --web nobody", async () => {
  const { dir, remove } = folder();
  const own = await recorded({ sessions: [], portfolios: [] });
  try {
    const quiet = await up(dir);
    await quiet.idle();
    expect((await quiet.stop()).status).toBe(0);
    expect(own.asked).toEqual([]);
    // At its very first start with them, its clocks make up at once for what they missed.
    const river = await up(dir, ["--web", "--mirror", own.mirror]);
    await own.seen("SerHist/COTAHIST_D");
    expect((await river.stop()).status).toBe(0);
  } finally {
    await own.close();
    remove();
  }
});
