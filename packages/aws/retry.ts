/** Full jitter, 50 ms doubling up to 5 s: what is throttled together does not come back together. */
const delay = (attempt: number): number => Math.random() * Math.min(5_000, 50 * 2 ** attempt);

/** Waits before the next attempt; false, at once, when there is no time left for it. `until` in ms since 1970. */
export const backOff = async (attempt: number, until: number): Promise<boolean> => {
  const ms = delay(attempt);
  if (Date.now() + ms >= until) return false;
  await new Promise((resolve) => setTimeout(resolve, ms));
  return true;
};

/** The time a function has left, less what it needs to answer. Ms since 1970. */
export const deadline = (context: { getRemainingTimeInMillis: () => number }): number =>
  Date.now() + Math.max(0, context.getRemainingTimeInMillis() - 2_000);

/** Node's timers take no longer one. */
const LONGEST_MS = 2 ** 31 - 1;

/** For a request that must not outlive its caller: aborts at `until`, ms since 1970. */
export const abortAt = (until: number): AbortSignal =>
  AbortSignal.timeout(Math.min(Math.max(1, until - Date.now()), LONGEST_MS));

/** What a client gives up with that saw no answer: nobody knows whether the request was carried out. */
const BROKEN = /^(ECONNRESET|ECONNREFUSED|ECONNABORTED|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|ENOTFOUND)$/;
/** Names under which the services refuse what they would take later. */
const LATER =
  /Throttl|ServiceUnavailable|TooManyRequests|RequestLimitExceeded|ProvisionedThroughputExceeded|SlowDown|InternalFailure|InternalError|InternalServer|Timeout|^AbortError$/i;

/**
 * An error that another attempt may mend: throttling, outages, broken or silent connections, an answer that cannot be
 * read, the caller's own deadline. After all but the first, what was asked for may have been done. Anything else is final.
 */
export const isTransient = (error: unknown): boolean => {
  const e = error as { $retryable?: unknown; $metadata?: { httpStatusCode?: number }; name?: string; code?: string };
  const status = e.$metadata?.httpStatusCode;
  if (e.$retryable || status === 429 || (status !== undefined && (status >= 500 || status < 300))) return true;
  return LATER.test(e.name ?? "") || BROKEN.test(e.code ?? "");
};
