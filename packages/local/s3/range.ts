import { refusal } from "./errors.ts";

/** Bytes `start` to `end`, both included; an empty body is `{start: 0, end: -1}`. */
export type Range = { start: number; end: number };

/**
 * The one range of a `Range` header over `size` bytes, or null where S3 answers with the whole object: no header,
 * another unit, several ranges, bad syntax. Throws InvalidRange (416) for one that covers no byte.
 */
export const rangeOf = (header: string | undefined, size: number): Range | null => {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return null;
  const none = () => refusal("InvalidRange", { RangeRequested: header as string, ActualObjectSize: size });
  if (first === "") {
    const length = Math.min(Number(last), size);
    if (length === 0) throw none();
    return { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return null;
  if (start >= size) throw none();
  return { start, end: last === "" ? size - 1 : Math.min(Number(last), size - 1) };
};

/** UploadPartCopy's range, which must lie inside the source and name both ends. */
export const copyRangeOf = (header: string | undefined, size: number): Range => {
  if (header === undefined) return { start: 0, end: size - 1 };
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(header) ?? [];
  if (first === undefined || last === undefined || Number(last) < Number(first))
    throw refusal(
      "InvalidArgument",
      { ArgumentName: "x-amz-copy-source-range", ArgumentValue: header },
      "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
    );
  if (Number(last) >= size)
    throw refusal("InvalidRange", {}, `Range specified is not valid for source object of size: ${size}`);
  return { start: Number(first), end: Number(last) };
};
