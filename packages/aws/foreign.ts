import type { S3Client } from "@aws-sdk/client-s3";

type Response = { statusCode?: number; headers?: Record<string, string>; body?: { destroy?: () => void } };

/** That an answer is not the service's own: nobody knows whether the request was carried out. */
export const FOREIGN = "ForeignAnswer";

/** Another attempt may mend it. Its status is nobody's word: a page with 404 does not say that there is none. */
export const foreign = (what: string): Error =>
  Object.assign(new Error(what), { name: FOREIGN, $retryable: {}, $metadata: {} });

/**
 * A captive portal, a proxy or a wrong endpoint answers with pages, and S3's client reads them as an empty success, as
 * "there is none" or as "denied". What is S3's own bears a request id, whatever it says, and an ETag if it wrote (API
 * reference: common response headers; PutObject). Anything else is an unknown outcome, and is tried again.
 */
export const onlyS3 = (s3: S3Client): S3Client => {
  s3.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const result = await next(args);
        const { statusCode = 0, headers = {}, body } = result.response as Response;
        const ok = statusCode >= 200 && statusCode < 300;
        const lacks = !headers["x-amz-request-id"]
          ? "a request id of S3"
          : ok && commandName === "PutObjectCommand" && !headers.etag
            ? "an ETag"
            : null;
        if (lacks === null) return result;
        body?.destroy?.();
        const type = headers["content-type"];
        throw foreign(`${statusCode}${type ? ` (${type})` : ""} without ${lacks}`);
      },
    // Beneath the one that reads the body.
    { step: "deserialize", priority: "low", name: "onlyS3" },
  );
  return s3;
};
