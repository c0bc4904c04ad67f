import { PregaoError } from "../core/errors.ts";

const NO_CREDENTIALS = /^(CredentialsProviderError|TokenProviderError)$/;
/** Names under which the services say that they do not know who asks. */
const NOBODY =
  /^(ExpiredToken|ExpiredTokenException|InvalidClientTokenId|InvalidAccessKeyId|UnrecognizedClientException|InvalidSignatureException|SignatureDoesNotMatch|RequestExpired|RequestTimeTooSkewed|MissingAuthenticationToken|IncompleteSignature)$/;
const DENIED =
  /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|AuthorizationError|KMSAccessDeniedException|Forbidden)$/;
/** Names of the services for what a stage has and is not there. */
const ABSENT =
  /^(QueueDoesNotExist|NoSuchBucket|EntityNotFoundException|ResourceNotFoundException|AWS\.SimpleQueueService\.NonExistentQueue)$/;
const UNREACHED = /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|EPIPE|ETIMEDOUT)$/;

/**
 * What AWS, or the way to it, refused a person at a deployed stage, and what to do; null for anything else.
 * `credentials`, `denied`, `absent` and `unreached`.
 */
export const refusalOf = (error: unknown, stage: string): PregaoError | null => {
  const e = error as { name?: string; message?: string; code?: string; $metadata?: { httpStatusCode?: number } };
  const { name = "", message = "", code = "" } = e;
  const who = "aws sso login, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
  if (NO_CREDENTIALS.test(name))
    return new PregaoError("credentials", `expected credentials of AWS, came none (${message}). Next: ${who}`);
  if (NOBODY.test(name))
    return new PregaoError(
      "credentials",
      `expected credentials that AWS takes, it answered ${name}: ${message}. Next: ${who}`,
    );
  if (DENIED.test(name) || (e.$metadata?.httpStatusCode === 403 && !ABSENT.test(name)))
    return new PregaoError(
      "denied",
      `expected to be allowed what this command does on the stage ${stage}, AWS answered ${name}: ${message}. Take a role that may (AWS_PROFILE); docs/security.md says what each verb needs`,
    );
  if (ABSENT.test(name))
    return new PregaoError(
      "absent",
      `expected all of the stage ${stage} to be there, AWS answered ${name}: ${message}. Next: pregao doctor, or sst deploy --stage ${stage}`,
    );
  if (UNREACHED.test(code) || name === "TimeoutError")
    return new PregaoError(
      "unreached",
      `expected AWS to answer, came ${code || name}: ${message}. See to the network, AWS_REGION and AWS_ENDPOINT_URL, then run the same command again: what was accepted is kept`,
    );
  return null;
};
