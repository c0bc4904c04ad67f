import { constants, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { access, statfs } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { PregaoError } from "../../core/errors.ts";
import { openSession } from "../../engines/duckdb/session.ts";
import { findSpark } from "../../engines/spark/find.ts";
import { argument, bytes } from "../output.ts";
import { type Checked, checked } from "./diagnosis.ts";
import type { Finding, State } from "./guard.ts";
import { another, fileInTheWay, nearest } from "./river.ts";

/** A year of the exchange is this in raw, refined and scratch together, with room for a job to write it twice. */
const ROOM_BYTES = 2 * 1024 ** 3;

/** What Lambda runs, and what strips types by itself. */
const NODE = 24;

type Look = { state: State; expected?: string; came?: string; why?: string; mend?: string };

/** A fact of this machine. */
const fact = async (id: string, protects: string, resource: string, look: () => Promise<Look>): Promise<Checked> => {
  const empty: Omit<Finding, "state"> = { guard: id, resource, expected: null, came: null, why: null, mend: null };
  return checked(id, protects, [{ ...empty, ...(await look()) }]);
};

/** What a river needs of the machine: `dir` is its state directory, `engine` what runs the jobs of the one that runs. */
export const machine = (dir: string, engine: string): Promise<Checked[]> =>
  Promise.all([
    fact("laptop.node", "the program runs on the Node that it was tested on", `node ${process.version}`, async () => {
      return Number(process.versions.node.split(".")[0]) === NODE
        ? { state: "holds" }
        : {
            ...{ state: "broken", expected: `Node ${NODE}, which Lambda has, too`, came: process.version },
            mend: `install Node ${NODE} and run this again with it`,
          };
    }),
    fact("laptop.duckdb", "jobs and queries run: DuckDB's library fits this machine", "DuckDB", async () => {
      const scratch = mkdtempSync(join(tmpdir(), "pregao-doctor-"));
      try {
        const session = await openSession({ memory: "100MB", scratch });
        const [row] = await session.rows("SELECT version() AS version");
        session.close();
        return { state: "holds", why: `DuckDB ${row?.version}` };
      } catch (error) {
        return {
          ...{ state: "broken", expected: "DuckDB to start", came: (error as Error).message },
          mend: "npm ci (on this very machine: the library is one of its system and processor)",
        };
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    }),
    fact("laptop.spark", "--engine spark runs what AWS Glue runs", "Spark", async () => {
      try {
        const { version } = await findSpark();
        return { state: "holds", why: `Spark ${version}` };
      } catch (error) {
        if (!(error instanceof PregaoError)) throw error;
        const [came, ...mend] = error.message.split(". Get");
        return engine === "spark"
          ? {
              state: "broken",
              expected: "Spark, since the river runs with it",
              came: came ?? "",
              mend: `Get${mend.join("")}`,
            }
          : { state: "off", why: `nothing asks for it: jobs run in DuckDB. ${came}` };
      }
    }),
    fact("laptop.disk", "what arrives can be written: a full disk stops the river", dir, async () => {
      const { bavail, bsize } = await statfs(nearest(dir));
      const free = bavail * bsize;
      return free >= ROOM_BYTES
        ? { state: "holds", why: `${bytes(free)} free` }
        : {
            state: "broken",
            expected: `${bytes(ROOM_BYTES)} free`,
            came: `${bytes(free)}`,
            mend: `make room on the disk of ${dir}`,
          };
    }),
    fact("laptop.state", "the state directory can be written by whoever runs this", dir, async () => {
      const expected = "a folder to read and write";
      const file = fileInTheWay(dir);
      if (file) return { state: "broken", expected, ...file };
      const denied = await access(nearest(dir), constants.R_OK | constants.W_OK | constants.X_OK).then(
        () => null,
        (error: Error) => error.message,
      );
      return denied === null ? { state: "holds" } : { state: "broken", expected, came: denied, mend: opened(dir) };
    }),
    fact("laptop.processes", "nobody asks a stack that has gone", dir, async () => left(dir)),
  ]);

/** Gives a folder back to whoever runs this; one that is not there yet is made where they may. */
const opened = (dir: string): string => {
  const me = process.getuid?.();
  // Whom nobody's rights keep out, something else does: a disk that is read-only.
  if (!existsSync(dir) || me === 0) return another(join(homedir(), "river"));
  return statSync(dir).uid === me ? `chmod -R u+rwX ${argument(dir)}` : `sudo chown -R ${me} ${argument(dir)}`;
};

/** What a stack that was killed leaves behind: where it answered, which the next one on the directory replaces. */
const left = async (dir: string): Promise<Look> => {
  const file = join(dir, "stack.json");
  let pid: number;
  try {
    ({ pid } = JSON.parse(readFileSync(file, "utf8")) as { pid: number });
  } catch {
    return { state: "holds", why: "no stack has the directory" };
  }
  try {
    process.kill(pid, 0);
    return { state: "holds", why: `process ${pid} has the directory` };
  } catch (error) {
    // One of another user's is there all the same.
    if ((error as NodeJS.ErrnoException).code === "EPERM") return { state: "holds", why: `process ${pid} has it` };
    return {
      ...{
        state: "broken",
        expected: `process ${pid}, which wrote ${file}`,
        came: "it ended without a word: it was killed",
      },
      mend: "pregao up (what it was doing goes on)",
    };
  }
};
