/**
 * Where a key's body lies inside its bucket's folder. A normal key lies under its own name; one that a file system
 * could not keep apart, could not hold, or would take for a way out of the folder lies under an escaped name in
 * `.escaped/`. Both are reversible: {@link keyAt}.
 */
export const ESCAPED = ".escaped";

/** Most file systems' limit of one name, in bytes. */
const NAME_BYTES = 255;
/** Of an escaped name's pieces, all but the last end in `~`, so that no name is both a file and a folder. */
const PIECE = 200;

/**
 * The place under the key's own name, or null if it must be escaped: empty, `.` or `..` segments (also a slash at
 * either end), segments over 255 bytes, control characters, a backslash (a separator on Windows), Unicode that is not
 * in composed form (file systems of Apple do not tell it from the composed one), or our own folder.
 */
export const plainPlace = (key: string): string | null => {
  if (key.normalize("NFC") !== key || /[\u0000-\u001f\u007f\\]/.test(key)) return null;
  const segments = key.split("/");
  if (segments.some((s) => s === "" || s === "." || s === ".." || Buffer.byteLength(s) > NAME_BYTES)) return null;
  return fold(segments[0] as string) === ESCAPED ? null : key;
};

/** The escaped place: lower-case letters, digits, `=`, `_` and `-` as they are, every other byte as `%xx`. */
export const escapedPlace = (key: string): string => {
  let name = "";
  for (const byte of Buffer.from(key)) {
    const c = String.fromCharCode(byte);
    name += /[a-z0-9=_-]/.test(c) ? c : `%${byte.toString(16).padStart(2, "0")}`;
  }
  const pieces = [ESCAPED];
  while (name.length > PIECE) {
    pieces.push(`${name.slice(0, PIECE)}~`);
    name = name.slice(PIECE);
  }
  return [...pieces, name].join("/");
};

/** The key that lies at a place. */
export const keyAt = (place: string): string => {
  if (!place.startsWith(`${ESCAPED}/`)) return place;
  const name = place.slice(ESCAPED.length + 1).replaceAll("~/", "");
  return Buffer.from(
    name.replace(/%([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  ).toString();
};

/** Two places with the same fold may be the same file on a file system that ignores case. */
export const fold = (place: string): string => place.toUpperCase().toLowerCase().normalize("NFC");

/** The folders a place lies in, outermost first: of `a/b/c`, `a` and `a/b`. */
export const foldersOf = (place: string): string[] => {
  const folders: string[] = [];
  for (let at = place.indexOf("/"); at >= 0; at = place.indexOf("/", at + 1)) folders.push(place.slice(0, at));
  return folders;
};
