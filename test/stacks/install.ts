/**
 * Lays SST's platform (its components' source and types, and Pulumi's AWS provider) out in `.sst/platform`, as `sst
 * install` does, from the package registry alone. SST asks for a Pulumi binary before it does that, and would download
 * one: nothing here runs Pulumi, so it finds a stand-in that knows its version, in the project's cache.
 *
 *   node test/stacks/install.ts
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { platform, root } from "./places.ts";

/** What sst 4.17.1 asks for. */
const PULUMI = "v3.215.0";
const MINUTES = 8;

const wanted = (): string =>
  (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { devDependencies: { sst: string } }).devDependencies
    .sst;

/** Written last: SST's own file says which version began to be laid out, not whether it was finished. */
const marker = join(platform, ".whole");

const install = (): void => {
  const version = wanted();
  if (existsSync(marker) && readFileSync(marker, "utf8") === version) return;
  console.error(`test/stacks: laying out SST ${version}'s platform in .sst, about 330 MB; a minute or two`);
  const config = join(root, ".cache/sst");
  const pulumi = join(config, "sst/bin/pulumi");
  mkdirSync(join(config, "sst/bin"), { recursive: true });
  writeFileSync(pulumi, `#!/bin/sh\necho ${PULUMI}\n`);
  chmodSync(pulumi, 0o755);
  rmSync(platform, { recursive: true, force: true });
  const { status, error } = spawnSync(
    process.execPath,
    [join(root, "node_modules/sst/bin/sst.mjs"), "install", "--stage", "test"],
    {
      cwd: root,
      // Standard output is for the tests' own summary.
      stdio: ["ignore", 2, 2],
      timeout: MINUTES * 60_000,
      env: { ...process.env, XDG_CONFIG_HOME: config, SST_NO_BUN: "1", SST_TELEMETRY_DISABLED: "1", NO_COLOR: "1" },
    },
  );
  if (error || status !== 0 || !existsSync(join(platform, "node_modules/@pulumi/aws")))
    throw new Error(
      `expected SST's platform in ${platform}, sst install ended with ${error?.message ?? status}: its own words are above, its log is in .sst/log`,
    );
  writeFileSync(marker, version);
};

install();
