#!/usr/bin/env node
// Plain JavaScript, so that an old Node can read it: it finds a Node that runs TypeScript, then hands over.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import module from "node:module";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

const [major, minor] = process.versions.node.split(".").map(Number);
const enough = major > 24 || (major === 24 && minor >= 2);
const pinned = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));

if (enough) {
  // Stripping and compiling a few hundred modules is most of a short command's time; Node keeps the result.
  module.enableCompileCache();
  const { main } = await import("../packages/cli/index.ts");
  await main(process.argv.slice(2));
} else if (existsSync(pinned)) {
  const child = spawn(pinned, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" });
  // A terminal's Ctrl-C reaches the child by itself. Told the same a second time, it would take it for a second Ctrl-C.
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  process.on("SIGINT", () => child.kill(terminal ? "SIGTERM" : "SIGINT"));
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("error", (error) => {
    console.error(`pregao: could not start ${pinned}: ${error.message}. Run \`npm ci\` in its folder again.`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));
} else {
  console.error(
    `pregao needs Node 24.2 or newer, this is ${process.version}. Run \`npm ci\` in its folder: it installs one of its own.`,
  );
  process.exit(1);
}
