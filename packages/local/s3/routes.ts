import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { fullDisk } from "../disk.ts";
import { AwsError } from "../service.ts";
import { refusal } from "./errors.ts";
import { closeFile } from "./reading.ts";
import { type Answer, type Operation, readRequest, type S3Request } from "./request.ts";
import { render, type Xml } from "./xml.ts";

/** Subresources of the query and what they are called in operations' names, for buckets and for objects. */
const bucketNouns: Record<string, string> = {
  abac: "BucketAbac",
  accelerate: "BucketAccelerateConfiguration",
  acl: "BucketAcl",
  analytics: "BucketAnalyticsConfiguration",
  cors: "BucketCors",
  encryption: "BucketEncryption",
  "intelligent-tiering": "BucketIntelligentTieringConfiguration",
  inventory: "BucketInventoryConfiguration",
  lifecycle: "BucketLifecycleConfiguration",
  location: "BucketLocation",
  logging: "BucketLogging",
  metadataConfiguration: "BucketMetadataConfiguration",
  metadataTable: "BucketMetadataTableConfiguration",
  metrics: "BucketMetricsConfiguration",
  notification: "BucketNotificationConfiguration",
  "object-lock": "ObjectLockConfiguration",
  ownershipControls: "BucketOwnershipControls",
  policy: "BucketPolicy",
  policyStatus: "BucketPolicyStatus",
  publicAccessBlock: "PublicAccessBlock",
  replication: "BucketReplication",
  requestPayment: "BucketRequestPayment",
  session: "Session",
  tagging: "BucketTagging",
  versioning: "BucketVersioning",
  website: "BucketWebsite",
};
const objectNouns: Record<string, string> = {
  acl: "ObjectAcl",
  annotation: "ObjectAnnotation",
  attributes: "ObjectAttributes",
  encryption: "ObjectEncryption",
  "legal-hold": "ObjectLegalHold",
  retention: "ObjectRetention",
  tagging: "ObjectTagging",
  torrent: "ObjectTorrent",
};
const verbs: Record<string, string> = { GET: "Get", PUT: "Put", DELETE: "Delete", HEAD: "Head", POST: "Post" };

/** The AWS name of the operation a request asks for. */
export const operationOf = ({
  method,
  bucket,
  key,
  query,
  header,
}: Pick<S3Request, "method" | "bucket" | "key" | "query" | "header">): string => {
  const verb = verbs[method];
  if (!verb) throw refusal("MethodNotAllowed", { Method: method });
  const noun = (nouns: Record<string, string>) => nouns[Object.keys(nouns).find((name) => query.has(name)) ?? ""];
  if (bucket === "") {
    if (method !== "GET") throw refusal("MethodNotAllowed", { Method: method });
    return "ListBuckets";
  }
  if (key === "") {
    if (query.has("versions")) return "ListObjectVersions";
    if (query.has("uploads")) return "ListMultipartUploads";
    if (method === "POST") return query.has("delete") ? "DeleteObjects" : "PostObject";
    const named = noun(bucketNouns);
    if (named) return verb + named;
    if (method === "GET") return query.get("list-type") === "2" ? "ListObjectsV2" : "ListObjects";
    return { PUT: "CreateBucket", DELETE: "DeleteBucket", HEAD: "HeadBucket" }[method] as string;
  }
  if (method === "POST") {
    if (query.has("uploads")) return "CreateMultipartUpload";
    if (query.has("uploadId")) return "CompleteMultipartUpload";
    return query.has("restore") ? "RestoreObject" : query.has("select") ? "SelectObjectContent" : "PostObject";
  }
  if (query.has("renameObject")) return "RenameObject";
  const named = noun(objectNouns);
  if (named) return verb + named;
  const copy = method === "PUT" && header("x-amz-copy-source") !== undefined;
  if (query.has("uploadId"))
    return (
      { PUT: copy ? "UploadPartCopy" : "UploadPart", GET: "ListParts", DELETE: "AbortMultipartUpload" }[method] ??
      `${verb}Upload`
    );
  return copy ? "CopyObject" : `${verb}Object`;
};

const errorXml = (error: AwsError, resource: string, id: string): Xml => [
  "Error",
  [
    ["Code", error.code],
    ["Message", error.message],
    ...Object.entries(error.fields).map(([name, value]): Xml => [name, String(value)]),
    ["Resource", resource],
    ["RequestId", id],
    ["HostId", id],
  ],
];

type Deps = { now: () => number; alarm: (message: string, metadata: Record<string, unknown>) => void };

/** S3 on HTTP: finds the operation, answers with its XML, its file, or S3's XML for its error. */
export const routesOf = (operations: Readonly<Record<string, Operation>>, { now, alarm }: Deps) => {
  const send = async (res: ServerResponse, method: string, answer: Answer): Promise<void> => {
    const { status = 200, headers = {}, file } = answer;
    const text = answer.xml ? render(answer.xml, answer.xml[0] !== "Error") : answer.text;
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) res.setHeader(name, value);
    res.statusCode = status;
    if (text !== undefined) {
      if (!res.hasHeader("content-type")) res.setHeader("content-type", "application/xml");
      res.setHeader("content-length", Buffer.byteLength(text));
      res.end(method === "HEAD" ? undefined : text);
    } else if (file && file.end >= file.start && !res.destroyed) {
      await pipeline(
        createReadStream("", { fd: file.fd, start: file.start, end: file.end, highWaterMark: 256 * 1024 }),
        res,
      );
    } else {
      closeFile(answer);
      if (method !== "HEAD" && status !== 204 && status !== 304) res.setHeader("content-length", 0);
      res.end();
    }
  };

  /** Answers one request. Never throws; a client that has gone is nobody's error. */
  return async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const id = randomBytes(8).toString("hex").toUpperCase();
    const method = req.method ?? "GET";
    res.setHeader("server", "AmazonS3");
    res.setHeader("x-amz-request-id", id);
    res.setHeader("x-amz-id-2", id);
    try {
      const request = readRequest(req, id, now());
      const name = operationOf(request);
      const operation = operations[name];
      if (!operation) throw refusal("NotImplemented", { Operation: name }, `${name} is not implemented here`);
      await send(res, method, await operation(request));
    } catch (error) {
      if (res.headersSent || res.destroyed || req.errored) {
        res.destroy();
        return;
      }
      const known =
        error instanceof AwsError ? error : (fullDisk(error) ?? refusal("InternalError", {}, String(error)));
      if (!(error instanceof AwsError))
        alarm("a request failed", {
          method,
          url: req.url,
          error: error instanceof Error ? error.stack : String(error),
        });
      for (const header of res.getHeaderNames())
        if (!/^(server|x-amz-(request-id|id-2))$/.test(header)) res.removeHeader(header);
      if (known.code === "InvalidRange")
        res.setHeader("content-range", `bytes */${known.fields.ActualObjectSize ?? "*"}`);
      const xml = errorXml(known, req.url?.split("?")[0] ?? "/", id);
      await send(
        res,
        method,
        method === "HEAD"
          ? { status: known.status, headers: { "content-type": "application/xml" } }
          : { status: known.status, xml },
      ).catch(() => res.destroy());
    } finally {
      // What a refused client still sends is read away: only then does it read the answer, and the connection lives on.
      req.resume();
    }
  };
};
