import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import type { FunctionSpec } from "../../packages/core/topology.ts";
import { root } from "./places.ts";

/** The project's own files that a function's handler reaches. */
export const ownInputs = ({ inputs }: Pick<Bundled, "inputs">): string[] =>
  inputs.filter((file) => !file.startsWith("node_modules/"));

/** A function's bundle: its file, what went into it, what it still imports, and its size, unpacked and in a zip. */
export type Bundled = { file: string; inputs: string[]; imports: string[]; bytes: number; zipped: number };

/** What SST puts before every bundle in ESM. */
const BANNER = [
  "import { createRequire as topLevelCreateRequire } from 'module';",
  "const require = topLevelCreateRequire(import.meta.url);",
  'import { fileURLToPath as topLevelFileUrlToPath, URL as topLevelURL } from "url"',
  "const __filename = topLevelFileUrlToPath(import.meta.url)",
  'const __dirname = topLevelFileUrlToPath(new topLevelURL(".", import.meta.url))',
  "",
].join("\n");

/**
 * Bundles a function's handler into `<dir>/<name>/bundle.mjs` as SST 4.17.1 does for nodejs24.x with no `nodejs` settings
 * (its pkg/runtime/node/build.go): one file in ESM, not minified, names kept. What SST leaves out of the zip, the source
 * map, is not there.
 */
export const bundle = async ({ name, handler }: FunctionSpec, dir: string): Promise<Bundled> => {
  const file = join(dir, name, "bundle.mjs");
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [handler.replace(/\.[^.]+$/, ".ts")],
    outfile: file,
    platform: "node",
    format: "esm",
    target: "es2024",
    mainFields: ["module", "main"],
    external: ["sharp", "pg-native"],
    bundle: true,
    keepNames: true,
    sourcemap: false,
    metafile: true,
    banner: { js: BANNER },
    logLevel: "error",
  });
  const made = readFileSync(file);
  const outputs = Object.values(metafile.outputs);
  return {
    file,
    inputs: Object.keys(metafile.inputs),
    imports: [...new Set(outputs.flatMap(({ imports }) => imports.map(({ path }) => path)))],
    bytes: made.byteLength,
    zipped: gzipSync(made).byteLength,
  };
};

/** Where the local stack looks for a function: a file of its name that is nothing but its bundle. */
export const layOut = (dir: string, { name, handler }: FunctionSpec): void => {
  const [path, exported] = handler.split(".");
  const at = join(dir, `${path}.ts`);
  mkdirSync(join(at, ".."), { recursive: true });
  writeFileSync(at, `export { ${exported} } from "${join(dir, name, "bundle.mjs")}";\n`);
};
