#!/usr/bin/env node
// Plain JavaScript, so that an old Node can read it: it finds a Node that runs TypeScript, then hands over.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
const enough = major > 24 || (major === 24 && minor >= 2);
const pinned = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));

if (enough) {
  const { main } = await import("../packages/cli/index.ts");
  await main(process.argv.slice(2));
} else if (existsSync(pinned)) {
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
} else {
  console.error(
    `pregao needs Node 24.2 or newer, this is ${process.version}. Run \`npm ci\` in its folder: it installs one of its own.`,
  );
  process.exit(1);
}
