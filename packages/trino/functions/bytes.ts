import { varbinary, varchar } from "../types.ts";
import type { Signature } from "./table.ts";

/** Bytes exist between functions only: as a result they are refused. */
export const bytes: readonly Signature[] = [
  { name: "to_utf8", takes: ["varchar"], gives: varbinary, duckdb: "encode($1)" },
  { name: "md5", takes: ["varbinary"], gives: varbinary, duckdb: "unhex(md5($1))" },
  { name: "sha1", takes: ["varbinary"], gives: varbinary, duckdb: "unhex(sha1($1))" },
  { name: "sha256", takes: ["varbinary"], gives: varbinary, duckdb: "unhex(sha256($1))" },
  { name: "to_hex", takes: ["varbinary"], gives: varchar, duckdb: "hex($1)" },
  { name: "to_base64", takes: ["varbinary"], gives: varchar, duckdb: "to_base64($1)" },
];
