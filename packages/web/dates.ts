/**
 * A date as HTTP sends it (RFC 9110, 5.6.7: `Fri, 20 Nov 2026 23:31:07 GMT`), as ms since 1970; null for anything else:
 * without `GMT` it would be read in the zone of whoever reads it.
 */
export const httpDate = (text: string | undefined): number | null => {
  const at = Date.parse(text ?? "");
  return Number.isFinite(at) && new Date(at).toUTCString() === text ? at : null;
};
