import { open } from "node:fs/promises";

/** Rows between two remembered offsets of a result file. A page is at most as many. */
const STEP = 1000;
/** Text that is kept before it is written, in UTF-16 units: wide rows must not wait for STEP of them. */
const MAX_WAITING = 1 << 20;

export type Cells = (string | null)[];

/** `csv` for queries, its row 0 the header; `txt` for what Hive answers (SHOW, DESCRIBE): lines, no header, no nulls. */
export type ResultFormat = "csv" | "txt";

/** Where a result's rows are: `offsets[n]` is the byte at which row n × STEP begins. */
export type ResultIndex = { format: ResultFormat; rows: number; bytes: number; offsets: number[] };

/** Athena quotes every value; a null is nothing at all, unlike the empty text. */
const line: Record<ResultFormat, (cells: Cells) => string> = {
  csv: (cells) => `${cells.map((cell) => (cell === null ? "" : `"${cell.replaceAll('"', '""')}"`)).join(",")}\n`,
  // One cell a row: Hive's lines come whole, with the tabs between their columns.
  txt: (cells) => `${cells.map((cell) => (cell ?? "").replaceAll("\n", " ")).join("\t")}\n`,
};

/** Writes a result file as rows come; its memory does not grow with them. */
export const resultWriter = async (path: string, format: ResultFormat, header: readonly string[]) => {
  const file = await open(path, "w");
  const offsets = [0];
  let rows = 0;
  let bytes = 0;
  let waiting = "";
  const flush = async () => {
    if (waiting === "") return;
    const buffer = Buffer.from(waiting);
    waiting = "";
    for (let at = 0; at < buffer.length; ) at += (await file.write(buffer, at)).bytesWritten;
    bytes += buffer.length;
  };
  const add = async (list: readonly Cells[]) => {
    for (const cells of list) {
      waiting += line[format](cells);
      rows++;
      if (rows % STEP === 0) {
        await flush();
        offsets.push(bytes);
      } else if (waiting.length > MAX_WAITING) await flush();
    }
  };
  if (format === "csv") await add([[...header]]);
  return {
    add,
    /** Closes the file. */
    end: async (): Promise<ResultIndex> => {
      await flush();
      await file.close();
      return { format, rows, bytes, offsets };
    },
    abandon: () => file.close(),
  };
};

/** The inverse of {@link line}, for whole rows. */
const parseCsv = (text: string): Cells[] => {
  const rows: Cells[] = [];
  let row: Cells = [];
  for (let at = 0; at < text.length; ) {
    let cell: string | null = null;
    if (text[at] === '"') {
      let end = at + 1;
      for (;;) {
        end = text.indexOf('"', end);
        if (text[end + 1] !== '"') break;
        end += 2;
      }
      cell = text.slice(at + 1, end).replaceAll('""', '"');
      at = end + 1;
    }
    row.push(cell);
    if (text[at] === "\n") {
      rows.push(row);
      row = [];
    }
    at++;
    // A row that ends in a null ends in a comma: the null itself has no character of its own.
    if (text[at - 1] === "," && text[at] === "\n") {
      row.push(null);
      rows.push(row);
      row = [];
      at++;
    }
  }
  return rows;
};

/** Rows `from` … `from + count` of a result file, as many as there are. */
export const readRows = async (path: string, index: ResultIndex, from: number, count: number): Promise<Cells[]> => {
  if (from >= index.rows) return [];
  const step = Math.floor(from / STEP);
  const start = index.offsets[step]!;
  const end = index.offsets[Math.ceil((from + count) / STEP)] ?? index.bytes;
  const file = await open(path);
  try {
    const buffer = Buffer.alloc(end - start);
    for (let at = 0; at < buffer.length; ) {
      const { bytesRead } = await file.read(buffer, at, buffer.length - at, start + at);
      if (bytesRead === 0) throw new Error(`expected ${index.bytes} bytes in ${path}, came fewer`);
      at += bytesRead;
    }
    const rows =
      index.format === "csv"
        ? parseCsv(buffer.toString())
        : buffer
            .toString()
            .split("\n")
            .slice(0, -1)
            .map((text) => [text]);
    return rows.slice(from - step * STEP, from - step * STEP + count);
  } finally {
    await file.close();
  }
};
