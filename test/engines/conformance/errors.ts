import * as athena from "@aws-sdk/client-athena";
import * as cloudcontrol from "@aws-sdk/client-cloudcontrol";
import * as cloudwatch from "@aws-sdk/client-cloudwatch";
import * as cloudwatchlogs from "@aws-sdk/client-cloudwatch-logs";
import * as firehose from "@aws-sdk/client-firehose";
import * as glue from "@aws-sdk/client-glue";
import * as s3 from "@aws-sdk/client-s3";
import * as sqs from "@aws-sdk/client-sqs";
import * as ssm from "@aws-sdk/client-ssm";

const models = { athena, cloudcontrol, cloudwatch, cloudwatchlogs, firehose, glue, s3, sqs, ssm } as unknown as Record<
  string,
  Record<string, unknown>
>;
const serviceOf = (call: string): string => call.slice(0, call.indexOf("."));

/** The HTTP status that AWS's model, as the SDK carries it, gives an error; null: the model has no such error. */
export const statedBy = (call: string, name: string): number | null => {
  const schema = models[serviceOf(call)]?.[`${name}$`];
  if (!Array.isArray(schema)) return null;
  const { error, httpError } = schema[3] as { error?: string; httpError?: number };
  return httpError ?? (error === "server" ? 500 : 400);
};

/** What Amazon's own protocols answer before a service sees a request, whatever its model says (Common Errors). */
const common: Readonly<Record<string, number>> = { ValidationException: 400, SerializationException: 400 };

/** Errors that documentation names and models do not, or that SDKs name by their status alone. */
const named: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  // Both spellings: of the JSON protocol, and of the query protocol, which SDKs go on showing.
  sqs: {
    ...common,
    InvalidParameterValue: 400,
    InvalidParameterValueException: 400,
    MissingParameter: 400,
    MissingRequiredParameterException: 400,
  },
  firehose: common,
  glue: common,
  athena: common,
  cloudwatch: common,
  cloudwatchlogs: common,
  cloudcontrol: common,
  ssm: common,
  // "Error responses", API reference.
  s3: {
    BadDigest: 400,
    BadRequest: 400,
    BucketNotEmpty: 409,
    EntityTooSmall: 400,
    IllegalLocationConstraintException: 400,
    InvalidArgument: 400,
    InvalidBucketName: 400,
    InvalidDigest: 400,
    InvalidLocationConstraint: 400,
    InvalidPart: 400,
    InvalidPartNumber: 416,
    InvalidPartOrder: 400,
    InvalidRange: 416,
    InvalidRequest: 400,
    InvalidStorageClass: 400,
    InvalidTag: 400,
    KeyTooLongError: 400,
    MalformedXML: 400,
    MetadataTooLarge: 400,
    // Modelled for HEAD, without its status.
    NotFound: 404,
    NotImplemented: 501,
    PreconditionFailed: 412,
  },
};

/** Whether documentation names an error that the model does not, with this status. */
export const isNamed = (call: string, name: string, status: number): boolean => {
  const service = serviceOf(call);
  // A 304 and what HEAD is refused with have no body: the SDK has no name for them.
  if (service === "s3" && name === "Unknown") return status === 304 || status === 412;
  return named[service]?.[name] === status;
};
