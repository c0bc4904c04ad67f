import { refusal } from "./errors.ts";

/** Longer than any chunk header or trailer that a client sends. */
const LINE_BYTES = 8 * 1024;

/**
 * Decodes an `aws-chunked` body: `<hex size>[;chunk-signature=…]\r\n<bytes>\r\n`, ended by a chunk of size 0 and
 * trailers, which are put into `trailers` under lower-case names. Chunk signatures are not checked. A chunk is passed
 * on in the pieces it arrives in, so memory does not depend on its size. Throws IncompleteBody if the end is missing.
 */
export async function* dechunk(source: AsyncIterable<Buffer>, trailers: Map<string, string>): AsyncGenerator<Buffer> {
  let state: "size" | "data" | "end" | "trailer" | "done" = "size";
  let line = "";
  let left = 0;
  for await (const piece of source) {
    let at = 0;
    while (at < piece.length && state !== "done") {
      if (state === "data") {
        const take = Math.min(left, piece.length - at);
        yield piece.subarray(at, at + take);
        at += take;
        left -= take;
        if (left === 0) state = "end";
        continue;
      }
      const newline = piece.indexOf(10, at);
      const stop = newline < 0 ? piece.length : newline;
      line += piece.toString("latin1", at, stop);
      if (line.length > LINE_BYTES) throw refusal("InvalidRequest", {}, "The chunk header is too long.");
      at = stop + 1;
      if (newline < 0) continue;
      const text: string = line.endsWith("\r") ? line.slice(0, -1) : line;
      line = "";
      if (state === "end") {
        if (text !== "") throw refusal("IncompleteBody", {}, "A chunk is longer than its header says.");
        state = "size";
      } else if (state === "size") {
        const [, size] = /^([0-9a-f]{1,12})(?:;.*)?$/i.exec(text) ?? [];
        if (size === undefined)
          throw refusal("InvalidRequest", {}, "The chunk header is not of the form <hexadecimal size>[;extensions].");
        left = Number.parseInt(size, 16);
        state = left === 0 ? "trailer" : "data";
      } else if (text === "") state = "done";
      else {
        const colon = text.indexOf(":");
        if (colon < 1) throw refusal("MalformedTrailerError");
        trailers.set(text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim());
      }
    }
  }
  // Some clients leave out the last empty line: with the chunk of size 0 the body itself is whole.
  if (state === "trailer" && line !== "") {
    const colon = line.indexOf(":");
    if (colon < 1) throw refusal("MalformedTrailerError");
    trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  } else if (state !== "trailer" && state !== "done") throw refusal("IncompleteBody");
}
