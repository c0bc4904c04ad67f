/** As much of an answer as tells a page. */
const HEAD = 64;

const isBlank = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);

/**
 * Whether B3 says that it has no such file (yet): 404; or 200 with nothing but blanks, or with a page. What begins with
 * blanks and goes on is an answer, whatever it is.
 */
export const saysNothing = ({ status, bytes }: { status: number; bytes: Uint8Array }): boolean =>
  status === 404 || (status === 200 && (/^(\u00ef\u00bb\u00bf)?\s*</.test(headOf(bytes)) || bytes.every(isBlank)));

const headOf = (bytes: Uint8Array): string => Buffer.from(bytes.subarray(0, HEAD)).toString("latin1");
