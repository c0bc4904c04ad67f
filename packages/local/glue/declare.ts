export { databaseInput, movesByCommit, PARQUET, tableInput } from "../../core/declaration.ts";
