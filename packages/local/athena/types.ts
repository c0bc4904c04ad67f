/** Athena's precision of a type, where it does not say one itself. */
const precisions: Record<string, number> = {
  tinyint: 3,
  smallint: 5,
  integer: 10,
  bigint: 19,
  real: 17,
  double: 17,
  varchar: 2_147_483_647,
  timestamp: 3,
};
/** Athena's name of a type that Trino calls otherwise. */
const athenaNames: Record<string, string> = { real: "float" };

/** A result column as GetQueryResults describes it. */
export const columnInfo = ({ name, type }: { name: string; type: string }) => {
  const [, base = type, first, second] = /^([a-z ]+?)(?:\((\d+)(?:, *(\d+))?\))?$/.exec(type) ?? [];
  return {
    CatalogName: "hive",
    SchemaName: "",
    TableName: "",
    Name: name,
    Label: name,
    Type: athenaNames[base] ?? base,
    Precision: first === undefined ? (precisions[base] ?? 0) : Number(first),
    Scale: Number(second ?? 0),
    Nullable: "UNKNOWN",
    CaseSensitive: base === "varchar",
  };
};
