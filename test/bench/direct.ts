import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFile } from "../../packages/cli/ingest.ts";
import { fields } from "../../packages/datasets/bovespa/layout.ts";
import { unzipped } from "../../packages/datasets/zip.ts";
import { openSession } from "../../packages/engines/duckdb/session.ts";
import { figures, seconds } from "./child.ts";

/**
 * The peer: DuckDB alone, the same zip straight into Parquet with the same columns and types, no check of anything, no
 * message, no merge. What a script would do.
 */
const [path] = process.argv.slice(2);
if (!path) throw new Error("expected a file");
const dir = mkdtempSync(join(tmpdir(), "pregao-direct-"));
const session = await openSession({ scratch: dir });
try {
  const began = performance.now();
  const text = join(dir, "cotahist.txt");
  const { file, close } = await openFile(path);
  const out = await open(text, "w");
  for await (const piece of unzipped(file.bytes)) await out.write(piece);
  await out.close();
  await close();
  const column = ({ name, kind, at, width, scale }: (typeof fields)[number]) => {
    const slice = `substr(line, ${at + 1}, ${width})`;
    if (kind === "day") return `CAST(strptime(${slice}, '%Y%m%d') AS DATE) AS ${name}`;
    if (kind === "expiry")
      return `CASE WHEN ${slice} = '99991231' THEN NULL ELSE CAST(try_strptime(${slice}, '%Y%m%d') AS DATE) END AS ${name}`;
    if (kind === "text") return `nullif(rtrim(${slice}), '') AS ${name}`;
    if (kind === "count") return `CAST(${slice} AS INTEGER) AS ${name}`;
    return scale === 0
      ? `CAST(${slice} AS BIGINT) AS ${name}`
      : `CAST(CAST(${slice} AS BIGINT) * CAST(1e-${scale} AS DECIMAL(${scale + 1},${scale})) AS DECIMAL(18,${scale})) AS ${name}`;
  };
  await session.run(
    `CREATE TEMP TABLE linhas AS SELECT ${fields.map(column).join(", ")} FROM read_csv('${text}', columns = {'line': 'VARCHAR'}, delim = '\x01', quote = '', escape = '', header = false, encoding = 'latin-1', auto_detect = false) WHERE line LIKE '01%'`,
  );
  await session.run(
    `COPY (SELECT * FROM linhas) TO '${join(dir, "raw.parquet")}' (FORMAT parquet, COMPRESSION snappy)`,
  );
  await session.run(
    `COPY (SELECT * FROM linhas WHERE tpmerc = '010' ORDER BY codneg, datpre) TO '${join(dir, "refined.parquet")}' (FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 20000)`,
  );
  await session.run(
    `COPY (SELECT * FROM linhas WHERE tpmerc <> '010' ORDER BY codneg, datpre) TO '${join(dir, "derivativos.parquet")}' (FORMAT parquet, COMPRESSION snappy)`,
  );
  const [count] = await session.rows<{ n: string }>("SELECT count(*) AS n FROM linhas");
  figures({ rows: Number(count?.n), direct_s: seconds(performance.now() - began) });
} finally {
  session.close();
  rmSync(dir, { recursive: true, force: true });
}
