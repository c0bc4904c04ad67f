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

/** An error that another attempt may mend: throttling, outages, broken connections, timeouts. Anything else is final. */
export const isTransient = (error: unknown): boolean => {
  const e = error as { $retryable?: unknown; $metadata?: { httpStatusCode?: number }; name?: string; code?: string };
  const status = e.$metadata?.httpStatusCode;
  if (e.$retryable || status === 429 || (status !== undefined && status >= 500)) return true;
  if (/Throttl|ServiceUnavailable|TooManyRequests|SlowDown|InternalFailure|InternalError|Timeout/i.test(e.name ?? ""))
    return true;
  return /^(ECONNRESET|ECONNREFUSED|EPIPE|ETIMEDOUT|EAI_AGAIN|ENOTFOUND)$/.test(e.code ?? "");
};
