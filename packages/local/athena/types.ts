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
  "timestamp with time zone": 3,
};
/** Athena's name of a type that Trino calls otherwise. */
const athenaNames: Record<string, string> = { real: "float" };

/** A type's name without its numbers or its members, and those numbers: `array(bigint)` is an `array`. */
const parts = (type: string): { base: string; first?: number; second?: number } => {
  const [, base, first, second, zone = ""] =
    /^([a-z ]+?)(?:\((\d+)(?:, *(\d+))?\))?( with time zone)?$/.exec(type) ?? [];
  if (base === undefined) return { base: /^[a-z ]+/.exec(type)?.[0].trim() ?? type };
  return {
    base: base + zone,
    ...(first === undefined ? {} : { first: Number(first) }),
    ...(second === undefined ? {} : { second: Number(second) }),
  };
};

/** A result column as GetQueryResults describes it. */
export const columnInfo = ({ name, type }: { name: string; type: string }) => {
  const { base, first, second } = parts(type);
  return {
    CatalogName: "hive",
    SchemaName: "",
    TableName: "",
    Name: name,
    Label: name,
    Type: athenaNames[base] ?? base,
    Precision: first ?? precisions[base] ?? 0,
    Scale: second ?? 0,
    Nullable: "UNKNOWN",
    CaseSensitive: base === "varchar" || base === "char",
  };
};

const hiveNames: Record<string, string> = {
  boolean: "boolean",
  tinyint: "tinyint",
  smallint: "smallint",
  integer: "int",
  bigint: "bigint",
  real: "float",
  double: "double",
  date: "date",
  varchar: "string",
  timestamp: "timestamp",
};
/** Hive's longest VARCHAR(n). */
const MAX_VARCHAR = 65_535;

/** A Trino type as the catalog has it; null for one that Hive has not, or that is not kept here. */
export const hiveType = (type: string): string | null => {
  const { base, first, second } = parts(type);
  if (base === "decimal") return `decimal(${first ?? 38},${second ?? 0})`;
  if (base === "varchar" && first !== undefined && first <= MAX_VARCHAR && first > 0) return `varchar(${first})`;
  if (base === "timestamp") return first === undefined || first === 3 ? "timestamp" : null;
  return hiveNames[base] ?? null;
};
