/** JSON as it is written: members in their order, numbers with all their digits. */
export type Raw = null | boolean | string | { number: string } | Raw[] | { members: [string, Raw][] };

export const parseRaw = (source: string): Raw => {
  const tokens = source.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  let index = 0;
  const value = (): Raw => {
    const token = tokens[index++]!;
    if (token === "[") {
      const items: Raw[] = [];
      while (tokens[index] !== "]") {
        items.push(value());
        if (tokens[index] === ",") index++;
      }
      index++;
      return items;
    }
    if (token === "{") {
      const members: [string, Raw][] = [];
      while (tokens[index] !== "}") {
        const name = JSON.parse(tokens[index]!) as string;
        index += 2;
        members.push([name, value()]);
        if (tokens[index] === ",") index++;
      }
      index++;
      return { members };
    }
    if (token.startsWith('"')) return JSON.parse(token) as string;
    if (token === "null") return null;
    return token === "true" || token === "false" ? token === "true" : { number: token };
  };
  return value();
};
