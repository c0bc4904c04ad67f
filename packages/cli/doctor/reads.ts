import type { Wanted } from "../../aws/inventory.ts";
import { argument } from "../output.ts";

type Flags = (id: string) => Record<string, string>;

/** What Cloud Control cannot read, or reads by another name than the doctor's, by the service's own command. */
const own: Record<string, { command: string; flags: Flags }> = {
  "AWS::KMS::Key": { command: "kms describe-key", flags: (id) => ({ "key-id": id }) },
  "AWS::Lambda::EventSourceMapping": {
    command: "lambda list-event-source-mappings",
    flags: (id) => ({ "event-source-arn": id }),
  },
  "AWS::Glue::Database": { command: "glue get-database", flags: (id) => ({ name: id }) },
  "AWS::Glue::Table": {
    command: "glue get-table",
    flags: (id) => ({ "database-name": id.split("|")[0] ?? "", name: id.split("|")[1] ?? "" }),
  },
  "AWS::Glue::SecurityConfiguration": { command: "glue get-security-configuration", flags: (id) => ({ name: id }) },
  "AWS::Glue::DataCatalogEncryptionSettings": {
    command: "glue get-data-catalog-encryption-settings",
    flags: (id) => ({ "catalog-id": id }),
  },
};

/** The command by which a person reads a resource as the doctor does. */
export const readCommand = ({ type, id }: Wanted, region: string): string => {
  const { command, flags } = own[type] ?? {
    command: "cloudcontrol get-resource",
    flags: () => ({ "type-name": type, identifier: id }),
  };
  return [
    `aws ${command} --region ${region}`,
    ...Object.entries(flags(id)).map(([flag, value]) => `--${flag} ${argument(value)}`),
  ].join(" ");
};
