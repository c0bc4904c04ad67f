import { PregaoError } from "../core/errors.ts";
import { FOREIGN } from "./foreign.ts";
import { isTransient } from "./retry.ts";

const NO_CREDENTIALS = /^(CredentialsProviderError|TokenProviderError)$/;
/** Names under which the services say that they do not know who asks. */
const NOBODY =
  /^(ExpiredToken|ExpiredTokenException|InvalidClientTokenId|InvalidAccessKeyId|UnrecognizedClientException|InvalidSignatureException|SignatureDoesNotMatch|RequestExpired|RequestTimeTooSkewed|MissingAuthenticationToken|IncompleteSignature)$/;
const DENIED =
  /^(AccessDenied|AccessDeniedException|UnauthorizedOperation|AuthorizationError|KMSAccessDeniedException|Forbidden)$/;
/** Names of the services for what a stage has and is not there. */
const ABSENT =
  /^(QueueDoesNotExist|NoSuchBucket|EntityNotFoundException|ResourceNotFoundException|AWS\.SimpleQueueService\.NonExistentQueue)$/;
const UNREACHED =
  /^(ERR_INVALID_URL|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|EPIPE|ETIMEDOUT)$/;

type Refusal = { name?: string; message?: string; code?: string; $metadata?: { httpStatusCode?: number } };

/**
 * What AWS, or the way to it, refused a person at a deployed stage, and what to do; null for anything else.
 * `credentials`, `denied`, `absent` and `unreached`.
 */
export const refusalOf = (error: unknown, stage: string): PregaoError | null => {
  const { name = "", message = "", $metadata: answer } = error as Refusal;
  const who = "Log in, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Next: aws sso login";
  if (NO_CREDENTIALS.test(name))
    return new PregaoError("credentials", `expected credentials of AWS, came none (${message}). ${who}`);
  if (NOBODY.test(name))
    return new PregaoError(
      "credentials",
      `expected credentials that AWS takes, it answered ${name}: ${sentence(message)}. ${who}`,
    );
  const came = unreached(error as Refusal);
  if (came !== null)
    return new PregaoError(
      "unreached",
      `expected AWS to answer, came ${came}. See to the network, AWS_REGION and AWS_ENDPOINT_URL, then run the same command again: what was accepted is kept. Next: pregao status`,
    );
  if (DENIED.test(name) || (answer?.httpStatusCode === 403 && !ABSENT.test(name)))
    return new PregaoError(
      "denied",
      `expected to be allowed what this command does on the stage ${stage}, AWS answered ${name}: ${sentence(message)}. Take a role that may (AWS_PROFILE); docs/security.md says what each verb needs. Next: aws sts get-caller-identity`,
    );
  if (ABSENT.test(name))
    return new PregaoError(
      "absent",
      `expected all of the stage ${stage} to be there, AWS answered ${name}: ${sentence(message)}. What a deploy makes, the next one makes again: npx sst deploy --stage ${stage}. Next: pregao doctor`,
    );
  return null;
};

/** How nothing, or nothing of AWS's, came; null if AWS did answer. A page is read as JSON by most clients, in vain. */
const unreached = (error: Refusal): string | null => {
  const { name = "", message = "", code = "", $metadata: answer } = error;
  if (name === FOREIGN) return `an answer that is not its own: ${message}`;
  if (name === "SyntaxError" && answer) return `an answer that is not its own: ${answer.httpStatusCode} with a page`;
  if (UNREACHED.test(code) || name === "TimeoutError") return `${code || name}: ${sentence(message)}`;
  if (answer && isTransient(error)) return `${name} (${answer.httpStatusCode}): ${sentence(message)}`;
  return null;
};

/** The SDK puts a hint beneath some messages, and a full stop after most. */
const sentence = (message: string): string => message.split("\n")[0]!.replace(/[\s.]+$/, "");
