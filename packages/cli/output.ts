import cliProgress from "cli-progress";

/** What a command says and where: results on standard output, progress and news on standard error. */
export type Output = {
  json: boolean;
  /** The command's result, once. With --json it is the one document on standard output. */
  result: (document: unknown, screen: () => string) => void;
  /** A line for the person who waits. */
  say: (line: string) => void;
  /** A bar on a terminal, nothing elsewhere. */
  bar: (name: string, total: number) => Bar;
};
export type Bar = { at: (done: number) => void; done: () => void };

export const openOutput = (json: boolean): Output => ({
  json,
  result: (document, screen) => {
    process.stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : screen());
  },
  say: (line) => {
    process.stderr.write(`${line}\n`);
  },
  bar: (name, total) => {
    if (!process.stderr.isTTY) return { at: () => {}, done: () => {} };
    const bar = new cliProgress.SingleBar(
      { stream: process.stderr, format: `${name.padEnd(9)} {bar} {percentage}% {value}/{total} {eta_formatted}`, hideCursor: true, clearOnComplete: true },
      cliProgress.Presets.shades_classic,
    );
    bar.start(total, 0);
    return { at: (done) => bar.update(done), done: () => bar.stop() };
  },
});

export const count = (n: number): string => n.toLocaleString("en-US");
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

export const bytes = (n: number): string => {
  if (n < 1024) return plural(n, "byte");
  const units = ["KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length, Math.floor(Math.log2(n) / 10));
  return `${(n / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
};

export type Field = { name: string; type: string };

const isNumber = (type: string) => /^(tinyint|smallint|int|bigint|float|real|double|decimal)/.test(type);

/**
 * Rows as a person reads them: numbers right-aligned, decimals of a column cut to the places that any of them needs,
 * two at least. Values are not rounded.
 */
export const table = (fields: readonly Field[], rows: readonly (readonly (string | null)[])[]): string => {
  const places = fields.map((field, i) =>
    field.type.startsWith("decimal") ? Math.max(2, ...rows.map((row) => (row[i]?.replace(/0+$/, "").split(".")[1] ?? "").length)) : null,
  );
  const text = (value: string | null, i: number): string => {
    if (value === null) return "";
    const scale = places[i];
    if (scale === null || scale === undefined || !value.includes(".")) return printable(value);
    const [whole, fraction = ""] = value.split(".");
    return `${whole}.${fraction.slice(0, scale)}`;
  };
  const cells = rows.map((row) => row.map(text));
  const widths = fields.map((field, i) => Math.max(width(field.name), ...cells.map((row) => width(row[i] ?? ""))));
  const line = (values: readonly string[]) =>
    values
      .map((value, i) => {
        const pad = " ".repeat((widths[i] ?? 0) - width(value));
        return isNumber(fields[i]?.type ?? "") ? pad + value : value + pad;
      })
      .join("  ")
      .trimEnd();
  return `${[line(fields.map((f) => f.name)), line(widths.map((w) => "─".repeat(w))), ...cells.map(line)].join("\n")}\n`;
};

/** Control characters of a value must not steer the terminal. */
export const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "·");

const width = (text: string): number => [...text].length;

export const fields = (...names: (string | [string, string])[]): Field[] =>
  names.map((name) => (typeof name === "string" ? { name, type: "varchar" } : { name: name[0], type: name[1] }));
