import cliProgress from "cli-progress";

/** What a command says and where: results on standard output, progress and news on standard error. */
export type Output = {
  json: boolean;
  /** The command's result, once. With --json it is the one document on standard output. */
  result: (document: unknown, screen: () => string) => void;
  /** A line for the person who waits. */
  say: (line: string) => void;
  /** A text, with the commands it names addressed to this command's stage or state directory. */
  here: (text: string) => string;
  /** The deployed stage that this command is for, if it is for one. */
  deployed?: () => string | undefined;
  /** A bar on a terminal, nothing elsewhere. Of `steps`, few and long, it says which one it is at, and not how long. */
  bar: (name: string, total: number, of?: "steps") => Bar;
};
/** `now` is what it is at, in a few words. */
export type Bar = { at: (done: number, now?: string) => void; of: (total: number) => void; done: () => void };

let answered = false;
/** Whether this process has begun its answer on standard output, where a second document must not follow a first. */
export const isAnswered = (): boolean => answered;
export const answer = (document: unknown): void => {
  answered = true;
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
};

const live = new Set<() => void>();
/** Takes the bars off the terminal and gives it back its cursor, for a command that ends in the middle. */
export const endBars = (): void => {
  for (const done of live) done();
};

/** What a command line says of where it is to work: the next commands that its screens name are for the same place. */
export type Address = { state?: string; stage?: string };

/** Where a text names a command of ours that works on a state directory. */
const COMMAND =
  /\bpregao (?=(?:accept|cost|demo|dlq|doctor|explain|gaps|ingest|pause|publish|query|refine|reset|resume|status|tail|up|verify)\b)/g;
/** Where it names one that works on a stage. */
const STAGED =
  /\bpregao (?=(?:accept|cost|datasets|dlq|doctor|explain|gaps|ingest|pause|publish|query|refine|resume|schema|status|tail|verify)\b)/g;

export const openOutput = (json: boolean, address: () => Address = () => ({})): Output => ({
  json,
  deployed: () => deployedOf(address()),
  result: (document, screen) => {
    if (json) return answer(addressed(document, address()));
    answered = true;
    process.stdout.write(there(screen(), address()));
  },
  say: (line) => {
    // A bar's line is drawn again below.
    if (live.size > 0) process.stderr.write("\r\u001b[K");
    process.stderr.write(`${there(line, address())}\n`);
  },
  here: (text) => there(text, address()),
  bar: (name, total, of) => {
    if (!process.stderr.isTTY) return { at: () => {}, of: () => {}, done: () => {} };
    const bar = new cliProgress.SingleBar(
      {
        stream: process.stderr,
        format: `${name.padEnd(9)} {bar} {percentage}% {value}/{total} ${of === "steps" ? "{now}" : "{eta_formatted}"}`,
        hideCursor: true,
        clearOnComplete: true,
      },
      cliProgress.Presets.shades_classic,
    );
    const done = () => {
      live.delete(done);
      bar.stop();
    };
    live.add(done);
    bar.start(total, 0, { now: "" });
    return {
      at: (so, now) => bar.update(so, now === undefined ? {} : { now: printable(now) }),
      of: (total) => bar.setTotal(total),
      done,
    };
  },
});

const deployedOf = ({ stage }: Address): string | undefined => (stage === "local" ? undefined : stage);

const there = (text: string, address: Address): string => {
  const stage = deployedOf(address);
  if (stage !== undefined) return text.replace(STAGED, () => `pregao --stage ${argument(stage)} `);
  const { state } = address;
  if (state === undefined) return text;
  const dir = /^[\w./~-]+$/.test(state) ? state : `'${state.replaceAll("'", "'\\''")}'`;
  return text.replace(COMMAND, () => `pregao --state ${dir} `);
};

/** Fields of a document that are a command to go on with. */
const COMMANDS = new Set(["next", "free", "fill"]);

/** A document whose next commands are for the same place as its screen's. */
const addressed = (document: unknown, address: Address): unknown => {
  if (Array.isArray(document)) return document.map((one) => addressed(one, address));
  if (typeof document !== "object" || document === null || Object.getPrototypeOf(document) !== Object.prototype)
    return document;
  return Object.fromEntries(
    Object.entries(document).map(([name, value]) => [
      name,
      typeof value === "string" && COMMANDS.has(name) && value.startsWith("pregao ")
        ? there(value, address)
        : addressed(value, address),
    ]),
  );
};

/** The reader of a stream has gone, as `head` does when it has seen enough. */
export const isGone = (error: unknown): boolean =>
  /^(EPIPE|ERR_STREAM_DESTROYED)$/.test((error as NodeJS.ErrnoException | null)?.code ?? "");

/** Writes to standard output and waits until it was taken; false when its reader has gone: there is no use in more. */
export const print = (text: string): Promise<boolean> =>
  new Promise((resolve, reject) => {
    answered = true;
    process.stdout.write(text, (error) => {
      if (!error) resolve(true);
      else if (isGone(error)) resolve(false);
      else reject(error);
    });
  });

export const count = (n: number): string => n.toLocaleString("en-US");
export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;

export const bytes = (n: number): string => {
  if (n < 1024) return plural(n, "byte");
  const units = ["KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length, Math.floor(Math.log2(n) / 10));
  return `${(n / 1024 ** power).toFixed(1)} ${units[power - 1]}`;
};

/** How long ago an instant (ISO 8601) was, in the largest unit that fits. */
export const ago = (instant: string, now = Date.now()): string => {
  const seconds = Math.max(0, Math.round((now - Date.parse(instant)) / 1000));
  if (!Number.isFinite(seconds)) return `at ${printable(instant)}`;
  if (seconds < 120) return `${plural(seconds, "second")} ago`;
  if (seconds < 120 * 60) return `${plural(Math.round(seconds / 60), "minute")} ago`;
  if (seconds < 48 * 3600) return `${plural(Math.round(seconds / 3600), "hour")} ago`;
  return `${plural(Math.round(seconds / 86_400), "day")} ago`;
};

export type Field = { name: string; type: string };
type Row = readonly (string | null)[];

const isNumber = (type: string) => /^(tinyint|smallint|int|bigint|float|real|double|decimal)/.test(type);

/**
 * Values as a person reads them: decimals of a column cut to the places that any of its rows needs, two at least. They
 * are not rounded.
 */
const readable = (fields: readonly Field[], rows: readonly Row[]): string[][] => {
  const places = fields.map((field, i) =>
    field.type.startsWith("decimal")
      ? rows.reduce((most, row) => Math.max(most, (row[i]?.split(".")[1] ?? "").replace(/0+$/, "").length), 2)
      : null,
  );
  return rows.map((row) =>
    row.map((value, i) => {
      if (value === null) return "";
      const scale = places[i];
      if (scale === null || scale === undefined || !value.includes(".")) return printable(value);
      const [whole, fraction = ""] = value.split(".");
      return `${whole}.${fraction.slice(0, scale)}`;
    }),
  );
};

/** Rows below each other, numbers right-aligned. */
export const table = (fields: readonly Field[], rows: readonly Row[]): string => {
  const names = fields.map((field) => printable(field.name));
  const cells = readable(fields, rows);
  const widths = names.map((name, i) => cells.reduce((most, row) => Math.max(most, width(row[i] ?? "")), width(name)));
  const line = (values: readonly string[]) =>
    values
      .map((value, i) => {
        const pad = " ".repeat((widths[i] ?? 0) - width(value));
        return isNumber(fields[i]?.type ?? "") ? pad + value : value + pad;
      })
      .join("  ")
      .trimEnd();
  return `${[line(names), line(widths.map((w) => "─".repeat(w))), ...cells.map(line)].join("\n")}\n`;
};

/** A screen's width where there is no terminal, and the least that is left of a column that gives way. */
const COLUMNS = 100;
const LEAST = 12;

/** A {@link table} in which one column, by index, is cut to what the screen has left for it. */
export const fitted = (fields: readonly Field[], rows: readonly Row[], giving: number): string => {
  const others = fields.reduce(
    (sum, { name }, i) =>
      i === giving ? sum : sum + 2 + rows.reduce((most, row) => Math.max(most, width(row[i] ?? "")), width(name)),
    0,
  );
  const room = Math.max(LEAST, (process.stdout.columns || COLUMNS) - others);
  const cut = (value: string | null) =>
    value !== null && width(value) > room ? `${[...value].slice(0, room - 1).join("")}…` : value;
  return table(
    fields,
    rows.map((row) => row.map((value, i) => (i === giving ? cut(value) : value))),
  );
};

/** One row after the other, a line for each of its values: for rows that are wider than the screen. */
export const records = (fields: readonly Field[], rows: readonly Row[]): string => {
  const names = fields.map((field) => printable(field.name));
  const most = names.reduce((widest, name) => Math.max(widest, width(name)), 0);
  const cells = readable(fields, rows);
  return cells
    .map((row, at) =>
      [
        `─── ${count(at + 1)} ───`,
        ...row.map((value, i) => `${names[i]}${" ".repeat(most - width(names[i] ?? ""))}  ${value}`.trimEnd()),
        "",
      ].join("\n"),
    )
    .join("");
};

/** What would steer a terminal instead of being shown: control characters, and those that turn the direction of text. */
const STEERING = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

export const printable = (text: string): string => text.replace(STEERING, "·");

/** A value from a table or a document as an argument of a command that a person may copy into a shell. */
export const argument = (text: string): string =>
  /^[\w.,:=@/+-]+$/.test(text) && !text.startsWith("-") ? text : `'${printable(text).replaceAll("'", "'\\''")}'`;

export const width = (text: string): number => [...text].length;

export const fields = (...names: (string | [string, string])[]): Field[] =>
  names.map((name) => (typeof name === "string" ? { name, type: "varchar" } : { name: name[0], type: name[1] }));
