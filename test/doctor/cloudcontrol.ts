import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A resource in CloudFormation's shape. */
export type Document = { type: string; id: string; properties: Record<string, unknown> };

/** What is refused, by type: the error's name and text. */
export type Refusals = Record<string, { name: string; message: string }>;

type Request = Record<string, string>;

/** Types whose reader is Glue itself, by the operation that reads them; the answer's shape is Glue's. */
const glue: Record<
  string,
  { type: string; id: (r: Request) => string; answer: (p: Record<string, unknown>) => object }
> = {
  GetDatabase: { type: "AWS::Glue::Database", id: (r) => r.Name!, answer: (p) => ({ Database: p.DatabaseInput }) },
  GetTable: {
    type: "AWS::Glue::Table",
    id: (r) => `${r.DatabaseName}|${r.Name}`,
    answer: (p) => ({ Table: p.TableInput }),
  },
  GetSecurityConfiguration: {
    type: "AWS::Glue::SecurityConfiguration",
    id: (r) => r.Name!,
    answer: (p) => {
      const { S3Encryptions, ...by } = p.EncryptionConfiguration as Record<string, unknown>;
      return {
        SecurityConfiguration: { Name: p.Name, EncryptionConfiguration: { ...by, S3Encryption: S3Encryptions } },
      };
    },
  },
  GetDataCatalogEncryptionSettings: {
    type: "AWS::Glue::DataCatalogEncryptionSettings",
    id: () => "",
    answer: (p) => ({ DataCatalogEncryptionSettings: p.DataCatalogEncryptionSettings }),
  },
};

/** AWS as the doctor asks it: Cloud Control's two reads, Glue's and SSM's, of these documents, in pages of two. */
export const cloudControl = async (documents: () => readonly Document[], refusals: () => Refusals = () => ({})) => {
  const asked: string[] = [];
  const answer = (target: string, request: Request): { status: number; body: object } => {
    const operation = target.slice(target.indexOf(".") + 1);
    const refuse = (name: string, message: string) => ({ status: 400, body: { __type: name, message } });
    if (operation === "GetParameter") {
      const found = documents().find((one) => one.id === request.Name);
      const arn = `arn:aws:ssm:sa-east-1:123456789012:parameter${request.Name}`;
      return found
        ? { status: 200, body: { Parameter: { Name: request.Name, ARN: arn, Value: found.properties.Value } } }
        : refuse("ParameterNotFound", "");
    }
    const byGlue = target.startsWith("AWSGlue.") ? glue[operation] : undefined;
    const type = byGlue?.type ?? request.TypeName ?? "";
    const id = byGlue ? byGlue.id(request) : request.Identifier;
    asked.push(`${operation} ${type} ${id ?? request.NextToken ?? ""}`.trim());
    const refused = refusals()[type];
    if (refused) return refuse(refused.name, refused.message);
    const of = documents().filter((one) => one.type === type);
    if (operation === "ListResources") {
      const from = Number(request.NextToken ?? 0);
      const page = of
        .slice(from, from + 2)
        .map((one) => ({ Identifier: one.id, Properties: JSON.stringify({ Id: one.id }) }));
      const more = from + 2 < of.length ? { NextToken: String(from + 2) } : {};
      return { status: 200, body: { TypeName: type, ResourceDescriptions: page, ...more } };
    }
    const found = byGlue && id === "" ? of[0] : of.find((one) => one.id === id);
    if (!found)
      return refuse(byGlue ? "EntityNotFoundException" : "ResourceNotFoundException", `${type} ${id} not found`);
    if (byGlue) return { status: 200, body: byGlue.answer(found.properties) };
    const description = { Identifier: id, Properties: JSON.stringify(found.properties) };
    return { status: 200, body: { TypeName: type, ResourceDescription: description } };
  };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      const said = answer(String(request.headers["x-amz-target"]), JSON.parse(body || "{}") as Request);
      response.writeHead(said.status, { "content-type": "application/x-amz-json-1.0" });
      response.end(JSON.stringify(said.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
};
