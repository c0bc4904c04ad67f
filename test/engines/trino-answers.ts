import { readFileSync } from "node:fs";
import { javaDouble } from "../../packages/engines/duckdb/text.ts";
import { parseRaw, type Raw } from "./raw-json.ts";

/**
 * Makes test/fixtures/trino/answers.jsonl: runs the statements of stdin, one a line, on a real Trino and prints what it
 * answered, in the fixture's form. Trino's catalog must be the memory connector under the name awsdatacatalog:
 *
 *   node test/engines/trino-answers.ts http://127.0.0.1:8080 < statements.sql >> test/fixtures/trino/answers.jsonl
 */

type Signature = { rawType: string; arguments: { kind: string; value: unknown }[] };
type Page = {
  nextUri?: string;
  columns?: { name: string; type: string; typeSignature: Signature }[];
  error?: { errorName: string; message: string };
};

const text = (raw: Raw): string =>
  typeof raw === "object" && raw !== null && "number" in raw ? raw.number : String(raw);

/** A value inside an array, map or row as Athena prints it. */
const nested = (raw: Raw, signature: Signature): string => {
  if (raw === null) return "null";
  const types = signature.arguments.filter(({ kind }) => kind === "TYPE").map(({ value }) => value as Signature);
  switch (signature.rawType) {
    case "array":
      return `[${(raw as Raw[]).map((item) => nested(item, types[0]!)).join(", ")}]`;
    case "map": {
      const entries = (raw as { members: [string, Raw][] }).members;
      return `{${entries.map(([name, value]) => `${name}=${nested(value, types[1]!)}`).join(", ")}}`;
    }
    case "row": {
      const fields = signature.arguments.map(
        ({ value }) => value as { fieldName?: { name: string }; typeSignature: Signature },
      );
      const list = fields.map(({ fieldName, typeSignature }, index) => {
        return `${fieldName?.name ?? `field${index}`}=${nested((raw as Raw[])[index]!, typeSignature)}`;
      });
      return `{${list.join(", ")}}`;
    }
    case "double":
      return javaDouble(Number(text(raw)));
    default:
      return text(raw);
  }
};

/** At the top a double is as JavaScript writes it: how Athena prints it is another test's matter. */
const spelled = (raw: Raw, signature: Signature): string | null => {
  if (raw === null) return null;
  if (signature.rawType !== "double") return nested(raw, signature);
  return Object.is(Number(text(raw)), -0) ? "-0" : String(Number(text(raw)));
};

/** The protocol's display of a type, as typeof() has it. */
const shown = (type: string): string =>
  type.replace(/decimal\((\d+), (\d+)\)/g, "decimal($1,$2)").replace(/^INTERVAL.*/, (all) => all.toLowerCase());

export const openTrino = (url: string) => {
  const headers = {
    "X-Trino-User": "t",
    "X-Trino-Catalog": "awsdatacatalog",
    "X-Trino-Schema": "db",
    "X-Trino-Time-Zone": "UTC",
    "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
  };
  /** One statement's columns and rows, or the name of its error. */
  return async (sql: string) => {
    let columns: NonNullable<Page["columns"]> = [];
    const rows: (string | null)[][] = [];
    let body = await (await fetch(`${url}/v1/statement`, { method: "POST", body: sql, headers })).text();
    for (;;) {
      const page = JSON.parse(body) as Page;
      if (page.error) return { sql, error: page.error.errorName, message: page.error.message };
      columns = page.columns ?? columns;
      const { members } = parseRaw(body) as { members: [string, Raw][] };
      const data = members.find(([name]) => name === "data")?.[1] as Raw[][] | undefined;
      for (const row of data ?? []) rows.push(row.map((cell, index) => spelled(cell, columns[index]!.typeSignature)));
      if (!page.nextUri) return { sql, columns: columns.map(({ name, type }) => `${name} ${shown(type)}`), rows };
      body = await (await fetch(page.nextUri, { headers })).text();
    }
  };
};

if (import.meta.main) {
  const ask = openTrino(process.argv[2]!);
  const source: { columns: [string, string][]; rows: string[] } = JSON.parse(
    readFileSync(new URL("../fixtures/trino/t.json", import.meta.url), "utf8"),
  );
  const columns = source.columns.map(([name, type]) => `${name} ${type.replace("string", "varchar")}`).join(", ");
  await ask("CREATE SCHEMA IF NOT EXISTS db");
  const made = await ask(`CREATE TABLE db.t (${columns.replace(/\bint\b/, "integer")})`);
  if ("columns" in made) await ask(`INSERT INTO db.t VALUES ${source.rows.join(", ")}`);
  for (const sql of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
    const answer = await ask(sql);
    if ("error" in answer && process.argv[3] !== "-v") delete (answer as { message?: string }).message;
    console.log(JSON.stringify(answer));
  }
}
