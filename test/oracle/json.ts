/** The first key that an object in a valid JSON text has twice, or null. Reads the text itself: parsing keeps the last. */
export const doubledKey = (text: string): string | null => {
  let at = 0;
  const space = () => {
    while (" \t\r\n".includes(text[at] ?? "x")) at++;
  };
  const string = (): string => {
    const from = at++;
    while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
    at++;
    return JSON.parse(text.slice(from, at)) as string;
  };
  /** Open containers: the keys of an object, null for a list. No recursion: a text may nest as deep as it is long. */
  const open: (Set<string> | null)[] = [];
  for (space(); at < text.length; space()) {
    const c = text[at]!;
    if (c === "{" || c === "[") {
      open.push(c === "{" ? new Set() : null);
      at++;
    } else if (c === "}" || c === "]") {
      open.pop();
      at++;
    } else if (c === '"') {
      const value = string();
      space();
      if (text[at] !== ":") continue;
      at++;
      const keys = open.at(-1) as Set<string>;
      if (keys.has(value)) return value;
      keys.add(value);
    } else at++;
  }
  return null;
};

/** Whether a value nests more than `levels` lists and objects, itself one of them. */
export const deeper = (value: unknown, levels: number): boolean => {
  let layer: unknown[] = [value];
  for (let level = 0; layer.length > 0; level++) {
    const containers = layer.filter((v) => typeof v === "object" && v !== null) as object[];
    if (containers.length > 0 && level >= levels) return true;
    layer = containers.flatMap((v) => Object.values(v));
  }
  return false;
};
