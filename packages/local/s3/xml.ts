import { refusal } from "./errors.ts";

/** An element: its name, and its text or its children. Children that are null are left out. */
export type Xml = readonly [name: string, content: Content];
type Content = string | number | boolean | readonly (Xml | null)[];

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** Control characters become references, which is how S3 lists keys that hold them unless `encoding-type=url` is asked for. */
const escapeText = (text: string): string =>
  text.replace(/[&<>"\u0000-\u0008\u000b-\u001f\u007f\ufffe\uffff]/g, (c) =>
    c === "&"
      ? "&amp;"
      : c === "<"
        ? "&lt;"
        : c === ">"
          ? "&gt;"
          : c === '"'
            ? "&quot;"
            : `&#x${c.charCodeAt(0).toString(16)};`,
  );

const renderInto = (out: string[], [name, content]: Xml, attributes = ""): void => {
  out.push(`<${name}${attributes}>`);
  if (typeof content === "object") {
    for (const child of content) if (child) renderInto(out, child);
  } else out.push(escapeText(String(content)));
  out.push(`</${name}>`);
};

/** A document with S3's namespace on its root; errors have none. */
export const render = (root: Xml, namespace = true): string => {
  const out = ['<?xml version="1.0" encoding="UTF-8"?>\n'];
  renderInto(out, root, namespace ? ` xmlns="${NAMESPACE}"` : "");
  return out.join("");
};

export type Element = { name: string; text: string; children: Element[] };

const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
const unescapeText = (text: string): string =>
  text.replace(/&(#x[0-9a-f]+|#\d+|[a-z]+);/gi, (_, name: string) => {
    const code = name.startsWith("#x")
      ? Number.parseInt(name.slice(2), 16)
      : name.startsWith("#")
        ? Number(name.slice(1))
        : -1;
    const character = code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : entities[name];
    if (character === undefined) throw refusal("MalformedXML");
    return character;
  });

const token =
  /<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[\w.:-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|([^<]+)/y;

/**
 * The small documents that requests carry. Attributes and namespaces are ignored; document types are refused, so no
 * entity can expand. Throws MalformedXML.
 */
export const parse = (document: string): Element => {
  const root: Element = { name: "", text: "", children: [] };
  const open: Element[] = [root];
  const text = document.replace(/^\ufeff/, "");
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const match = token.exec(text);
    const current = open.at(-1);
    if (!match || !current) throw refusal("MalformedXML");
    const [, cdata, closing, name, , empty, characters] = match;
    if (cdata !== undefined) current.text += cdata;
    else if (characters !== undefined) current.text += unescapeText(characters);
    else if (name !== undefined) {
      const local = name.slice(name.indexOf(":") + 1);
      if (closing) {
        if (current.name !== local || open.length === 1) throw refusal("MalformedXML");
        open.pop();
      } else {
        const element: Element = { name: local, text: "", children: [] };
        current.children.push(element);
        if (!empty) open.push(element);
      }
    }
  }
  const [first] = root.children;
  if (open.length !== 1 || root.children.length !== 1 || !first || root.text.trim()) throw refusal("MalformedXML");
  return first;
};

/** The parsed document if its root has one of these names, else MalformedXML. */
export const parseAs = (document: string, ...names: string[]): Element => {
  const root = parse(document);
  if (!names.includes(root.name)) throw refusal("MalformedXML");
  return root;
};

export const childrenOf = (element: Element, name: string): Element[] =>
  element.children.filter((c) => c.name === name);
export const textOf = (element: Element, name: string): string | undefined =>
  element.children.find((c) => c.name === name)?.text;
