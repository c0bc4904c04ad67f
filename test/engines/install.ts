/**
 * Installs what test/engines runs into the project's cache: a Python environment (PySpark, boto3, moto, pyarrow,
 * the aws CLI), Trino and the OpenX SerDe. It asks for Python 3.11, a JDK 17 and Maven, and says how to get the one that is missing.
 * A part is done when its marker holds the digest of what it was made from; the marker is written last, so a part
 * that was interrupted is made again. Where packages come from is pip's and Maven's own configuration.
 *
 *   node test/engines/install.ts
 */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cache, python } from "./python.ts";

const here = import.meta.dirname;

type Tool = { command: string; version: string };

/** What a program says of its version, or undefined when it cannot be run. */
const versionOf = (command: string, args: string[], pattern: RegExp): Tool | undefined => {
  const { error, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", timeout: 60_000 });
  if (error) return undefined;
  const version = pattern.exec(`${stdout}\n${stderr}`)?.[1];
  return version === undefined ? undefined : { command, version };
};

const inHome = (name: string): string =>
  process.env.JAVA_HOME === undefined ? name : join(process.env.JAVA_HOME, "bin", name);

const pick = (tools: (Tool | undefined)[], fits: (version: string) => boolean): Tool | string =>
  tools.find((tool) => tool !== undefined && fits(tool.version)) ??
  (tools.some((tool) => tool !== undefined)
    ? tools
        .filter((tool) => tool !== undefined)
        .map((tool) => `${tool.command} ${tool.version}`)
        .join(", ")
    : "none");

/** The three that a machine must bring, or one error that names each that it does not. */
const tools = (): { python: string; javac: string; mvn: string } => {
  const found = {
    python: pick(
      ["python3.11", "python3", "python"].map((name) => versionOf(name, ["--version"], /Python (\d+\.\d+)/)),
      (version) => version === "3.11",
    ),
    javac: pick([versionOf(inHome("javac"), ["-version"], /javac (\d+)/)], (version) => version === "17"),
    mvn: pick([versionOf("mvn", ["-B", "--version"], /Apache Maven (\d+\.\d+)/)], (version) => Number(version) >= 3.6),
  };
  const asked = {
    python: ["Python 3.11 with venv", "apt-get install python3.11 python3.11-venv", "brew install python@3.11"],
    javac: [
      "a JDK 17 (JAVA_HOME, or javac on the PATH)",
      "apt-get install openjdk-17-jdk-headless",
      "brew install openjdk@17",
    ],
    mvn: ["Maven 3.6 or later", "apt-get install maven", "brew install maven"],
  };
  const missing = Object.entries(found).flatMap(([name, tool]) => {
    if (typeof tool !== "string") return [];
    const [what, apt, brew] = asked[name as keyof typeof asked];
    return [`  expected ${what}, came ${tool}; do: ${apt}   (macOS: ${brew})`];
  });
  if (missing.length > 0) throw new Error(`the engines cannot be installed here:\n${missing.join("\n")}`);
  const command = (tool: Tool | string): string => (tool as Tool).command;
  return { python: command(found.python), javac: command(found.javac), mvn: command(found.mvn) };
};

/** One line that is rewritten on a terminal, and a line every few seconds elsewhere. */
const progress = (name: string) => {
  const started = Date.now();
  let last = 0;
  const line = (text: string): string => `${name.padEnd(7)} ${Math.round((Date.now() - started) / 1000)} s  ${text}`;
  return {
    at: (text: string): void => {
      if (Date.now() - last < (process.stderr.isTTY ? 100 : 10_000)) return;
      last = Date.now();
      process.stderr.write(process.stderr.isTTY ? `\r\x1b[2K${line(text)}` : `${line(text)}\n`);
    },
    done: (text: string): void => {
      process.stderr.write(`${process.stderr.isTTY ? "\r\x1b[2K" : ""}${line(text)}\n`);
    },
  };
};

/** Runs a step; all it says goes to a log beside the part, and `look` sees each line. Throws with the log's end. */
const step = (command: string, args: string[], log: string, look: (line: string) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const out = openSync(log, "a");
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    const hear = (chunk: Buffer): void => {
      writeSync(out, chunk);
      for (const line of chunk.toString("utf8").split("\n")) look(line);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.once("error", reject);
    child.once("close", (code, signal) => {
      closeSync(out);
      if (code === 0) resolve();
      else
        reject(
          new Error(
            `${command} ${args[0]} … ended with ${signal ?? code}. Run this again when the cause is mended; the whole log is ${log}, and ends:\n` +
              readFileSync(log, "utf8").trimEnd().split("\n").slice(-12).join("\n"),
          ),
        );
    });
  });

/** So often is a step begun that fetches from a network, which may break. */
const TIMES = 3;

/** A step that may be begun again where it broke off. */
const fetching: typeof step = async (command, args, log, look) => {
  for (let time = 1; ; time++)
    try {
      return await step(command, args, log, look);
    } catch (error) {
      if (time === TIMES) throw error;
      process.stderr.write(`${command} failed (${log}); once more, ${time + 1} of ${TIMES}\n`);
    }
};

const digest = (paths: string[]): string => {
  const hash = createHash("sha256");
  for (const path of paths) hash.update(readFileSync(path)).update("\0");
  return hash.digest("hex");
};

const markerOf = (part: string): string => join(cache, part, "installed");

/** The marker of a part that is whole and made from these inputs. */
const isInstalled = (part: string, inputs: string): boolean => {
  try {
    return readFileSync(markerOf(part), "utf8").trim() === inputs;
  } catch {
    return false;
  }
};

const installPython = async (base: string): Promise<void> => {
  const inputs = digest([join(here, "requirements.txt")]);
  if (isInstalled("python", inputs)) return;
  const home = join(cache, "python");
  const log = join(cache, "python.log");
  const bar = progress("python");
  bar.at("making the environment");
  // An environment names its own path inside, so it is made where it stays.
  rmSync(home, { recursive: true, force: true });
  rmSync(log, { force: true });
  await step(base, ["-m", "venv", home], log, () => {});
  let packages = 0;
  await fetching(
    python,
    [
      "-m",
      "pip",
      "install",
      "--disable-pip-version-check",
      "--progress-bar",
      "off",
      "-r",
      join(here, "requirements.txt"),
    ],
    log,
    (line) => {
      if (/^Collecting /.test(line)) packages += 1;
      bar.at(/^Installing /.test(line) ? `putting ${packages} packages in place` : `${packages} packages`);
    },
  );
  writeFileSync(markerOf("python"), `${inputs}\n`);
  bar.done(`${packages} packages in ${home}`);
};

const installTrino = async ({ mvn, javac }: { mvn: string; javac: string }): Promise<void> => {
  const pom = join(here, "trino/pom.xml");
  const entry = join(here, "trino/Start.java");
  const inputs = digest([pom, entry]);
  if (isInstalled("trino", inputs)) return;
  const home = join(cache, "trino");
  const made = join(cache, "trino.part");
  const log = join(cache, "trino.log");
  const bar = progress("trino");
  for (const path of [made, log]) rmSync(path, { recursive: true, force: true });
  mkdirSync(made, { recursive: true });
  let files = 0;
  await fetching(mvn, ["-B", "-f", pom, `-Dtrino.home=${made}`, "generate-resources"], log, (line) => {
    if (/Downloaded from /.test(line)) files += 1;
    bar.at(/Copying |Unpacking /.test(line) ? "putting the server in place" : `${files} files`);
  });
  const unpacked = readdirSync(join(made, "unpacked"));
  if (unpacked.length !== 1) throw new Error(`expected one folder in the Hive connector's archive, came ${unpacked}`);
  mkdirSync(join(made, "plugin"));
  renameSync(join(made, "unpacked", unpacked[0]!), join(made, "plugin/hive"));
  rmSync(join(made, "unpacked"), { recursive: true });
  await step(javac, ["-d", join(made, "classes"), "-cp", join(made, "lib/*"), entry], log, () => {});
  writeFileSync(join(made, "installed"), `${inputs}\n`);
  rmSync(home, { recursive: true, force: true });
  renameSync(made, home);
  bar.done(`Trino in ${home}`);
};

/** The OpenX JSON SerDe, which judges our stand-in for Firehose; Hadoop's classes come with PySpark. */
const installSerde = async ({ mvn, javac }: { mvn: string; javac: string }): Promise<void> => {
  const pom = join(here, "serde/pom.xml");
  const entry = join(here, "serde/Oracle.java");
  const inputs = digest([pom, entry]);
  if (isInstalled("serde", inputs)) return;
  const made = join(cache, "serde.part");
  const log = join(cache, "serde.log");
  const bar = progress("serde");
  for (const path of [made, log]) rmSync(path, { recursive: true, force: true });
  mkdirSync(made, { recursive: true });
  await fetching(mvn, ["-B", "-f", pom, `-Dserde.home=${made}`, "generate-resources"], log, () =>
    bar.at("the libraries"),
  );
  const hadoop = join(cache, "python/lib/python3.11/site-packages/pyspark/jars");
  const path = [join(made, "lib/*"), join(hadoop, "*")].join(delimiter);
  await step(javac, ["-d", join(made, "classes"), "-cp", path, entry], log, () => {});
  writeFileSync(join(made, "installed"), `${inputs}\n`);
  rmSync(join(cache, "serde"), { recursive: true, force: true });
  renameSync(made, join(cache, "serde"));
  bar.done(`the SerDe in ${join(cache, "serde")}`);
};

/** True when a process of this id runs. */
const runs = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
};

/** One installer at a time; the lock of one that was killed is taken over. */
const locked = async (work: () => Promise<void>): Promise<void> => {
  const path = join(cache, "install.lock");
  const take = (): boolean => {
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: "wx" });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      return false;
    }
  };
  for (let said = false; !take(); ) {
    try {
      const holder = Number(readFileSync(path, "utf8"));
      // A lock without an id is one that is being written, or whose writer died between the two.
      const isDead = holder > 0 ? !runs(holder) : Date.now() - statSync(path).mtimeMs > 10_000;
      if (isDead) rmSync(path, { force: true });
      else if (!said) process.stderr.write(`waiting for process ${holder}, which installs the same\n`);
      said = true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
    await sleep(200);
  }
  try {
    await work();
  } finally {
    rmSync(path, { force: true });
  }
};

try {
  mkdirSync(cache, { recursive: true });
  await locked(async () => {
    const found = tools();
    await installPython(found.python);
    await installTrino(found);
    await installSerde(found);
  });
  process.stderr.write(`the engines are in ${cache}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
