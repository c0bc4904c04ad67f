import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cotahist } from "../../packages/datasets/bovespa/origin.ts";
import { bytesOf, file, fixture, latin1, line, read, some, text, zip } from "./cotahist.ts";

/** The fault a person sees: its code and its sentence. */
const faultOf = async (data: Uint8Array | URL): Promise<string> => {
  try {
    await cotahist.survey(bytesOf(data));
  } catch (error) {
    const { name, code, message } = error as Error & { code?: string };
    if (name !== "PregaoError") throw error;
    return `${code}: ${message}`;
  }
  return "accepted";
};

const digest = (value: unknown) => createHash("sha256").update(JSON.stringify(value)).digest("hex");

test("the two broken real files are rejected whole, with the line and both numbers", async () => {
  expect(await faultOf(fixture.edited)).toBe(
    "origin_total: COTAHIST, line 1893: expected as many lines as the trailer counts, 1911, came 1893: the file was cut short or edited. Nothing of it was sent: download it again",
  );
  expect(await faultOf(fixture.truncated)).toBe(
    "origin_total: COTAHIST, line 506: expected as many lines as the trailer counts, 1745, came 506: the file was cut short or edited. Nothing of it was sent: download it again",
  );
});

test.each(["\r\n", "\n"])("a text cut at any byte is never accepted (%j)", async (end) => {
  const data = file(some(4), { end });
  for (let at = 0; at < data.length; at++)
    expect([at, await faultOf(data.subarray(0, at))]).not.toEqual([at, "accepted"]);
  expect(await faultOf(data)).toBe("accepted");
});

test("a zip cut at any byte is never accepted", async () => {
  const data = zip({ data: file(some(30)) });
  for (let at = 0; at < data.length; at++)
    expect([at, await faultOf(data.subarray(0, at))]).not.toEqual([at, "accepted"]);
  expect(await faultOf(data)).toBe("accepted");
});

test("the real zip cut anywhere is never accepted", async () => {
  const data = new Uint8Array(readFileSync(fixture.day));
  await fc.assert(
    fc.asyncProperty(fc.nat(data.length - 1), async (at) => {
      expect(await faultOf(data.subarray(0, at))).not.toBe("accepted");
    }),
    { numRuns: 60, examples: [[0], [1], [3], [4], [30], [data.length - 1], [data.length - 22]] },
  );
});

test("one changed bit inside the packed data of a zip is never accepted, unless it unpacks to the same text", async () => {
  const data = zip({ data: file(some(50)) });
  const same = digest(await read(data));
  const start = 30 + "COTAHIST_D08112024.TXT".length;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: start, max: data.length - 22 - 46 - 22 - 1 }), fc.nat(7), async (at, bit) => {
      const changed = Uint8Array.from(data);
      changed[at]! ^= 1 << bit;
      if ((await faultOf(changed)) === "accepted") expect(digest(await read(changed))).toBe(same);
    }),
    { numRuns: 200 },
  );
});

/** Another year and day than the usual ones in the header and in the trailer. */
const headed = (year: string, generated: string, rows: number) => {
  const named = `COTAHIST.${year}BOVESPA ${generated}`;
  return {
    header: `00${named}`.padEnd(245),
    trailer: `99${named}${String(rows + 2).padStart(11, "0")}`.padEnd(245),
  };
};

test("a year's file that B3 generates again years later is a file of that year", async () => {
  const days = ["20240102", "20241230"].map((datpre) => line({ datpre }));
  const { survey } = await read(file(days, headed("2024", "20310331", 2)));
  expect(survey).toMatchObject({ version: "2031-03-31", rows: 2 });
});

test.each<[string, Uint8Array, string]>([
  [
    "nothing at all",
    new Uint8Array(0),
    "origin_empty: COTAHIST: expected a zip or a text file, came no bytes at all: B3 answers so when there was no session.",
  ],
  [
    "a page of HTML with status 200",
    latin1("\r\n<!DOCTYPE html><html><body>Erro"),
    'origin_html: COTAHIST: expected a COTAHIST file, came an HTML or XML page, "<!DOCTYPE html><html><body>Erro": B3 answers so when there was no session.',
  ],
  [
    "a page inside a zip",
    zip({ data: latin1("<html>") }),
    'origin_html: COTAHIST: expected a COTAHIST file, came an HTML or XML page, "<html>"',
  ],
  [
    "an empty text in a zip",
    zip({ data: latin1("") }),
    "origin_empty: COTAHIST: expected a text file, came no bytes at all.",
  ],
  [
    "a CSV",
    latin1("ticker;preco\nPETR4;36.5\n"),
    'origin_header: COTAHIST, line 1: expected the header "00COTAHIST.YYYYBOVESPA YYYYMMDD", came ',
  ],
  ["no header", latin1(text(some(3)).slice(247)), "origin_header: COTAHIST, line 1: expected the header"],
  [
    "a header of a day that does not exist",
    file(some(3), { header: "00COTAHIST.2024BOVESPA 20241308".padEnd(245) }),
    "origin_header: ",
  ],
  [
    "a header too short",
    file(some(3), { header: "00COTAHIST.2024BOVESPA 20241108".padEnd(240) }),
    "origin_line: COTAHIST, line 1: expected 245 characters and CRLF or LF, came 240 characters and CRLF.",
  ],
  ["no records", file([]), "origin_empty: COTAHIST: expected at least one record, came a header and a trailer only."],
  [
    "no trailer",
    latin1(text(some(3)).slice(0, -247)),
    "origin_trailer: COTAHIST, line 5: expected a trailer (99) as the last line, came the end of the file.",
  ],
  [
    "a trailer of another file",
    file(some(3), { trailer: `99COTAHIST.2023BOVESPA 2024110800000000005`.padEnd(245) }),
    "origin_trailer: COTAHIST, line 5: expected a trailer that repeats the header's",
  ],
  [
    "a trailer with letters for a total",
    file(some(3), { trailer: `99COTAHIST.2024BOVESPA 20241108000000O0005`.padEnd(245) }),
    'origin_trailer: COTAHIST, line 5: expected a trailer with a total of 11 digits, came "000000O0005".',
  ],
  [
    "a total one too high",
    file(some(3), { total: 6 }),
    "origin_total: COTAHIST, line 5: expected as many lines as the trailer counts, 6, came 5:",
  ],
  [
    "a total one too low",
    file(some(3), { total: 4 }),
    "origin_total: COTAHIST, line 5: expected as many lines as the trailer counts, 4, came 5:",
  ],
  [
    "a file after the file",
    new Uint8Array([...file(some(3)), ...file(some(3))]),
    "origin_trailer: COTAHIST, line 6: expected the end of the file after the trailer, came more bytes.",
  ],
  [
    "a lone blank line after the trailer",
    latin1(`${text(some(3))}\r\n`),
    "origin_trailer: COTAHIST, line 6: expected the end of the file after the trailer, came more bytes.",
  ],
  [
    "a DOS end-of-file mark after the trailer",
    latin1(`${text(some(600))}\x1a`),
    "origin_trailer: COTAHIST, line 603: expected the end of the file after the trailer",
  ],
  [
    "another record type",
    file([...some(2), `02${line().slice(2)}`]),
    'origin_type: COTAHIST, line 4: expected a record (01) or the trailer (99), came type "02".',
  ],
  [
    "a second header",
    file([...some(2), "00COTAHIST.2024BOVESPA 20241108".padEnd(245)]),
    'origin_type: COTAHIST, line 4: expected a record (01) or the trailer (99), came type "00".',
  ],
  [
    "a line too short",
    file([...some(2), line().slice(0, 244)]),
    "origin_line: COTAHIST, line 4: expected 245 characters and CRLF, as in line 1, came 244 characters and CRLF.",
  ],
  [
    "a line too long",
    file([...some(2), `${line()} `]),
    "origin_line: COTAHIST, line 4: expected 245 characters and CRLF, as in line 1, came 246 characters and CRLF.",
  ],
  [
    "an empty line",
    file([...some(2), "", line()]),
    "origin_line: COTAHIST, line 4: expected 245 characters and CRLF, as in line 1, came 0 characters and CRLF.",
  ],
  [
    "one LF among CRLF",
    latin1(text(some(3)).replace(/(?<=\n01.*)\r\n/, "\n")),
    "origin_line: COTAHIST, line 2: expected 245 characters and CRLF, as in line 1, came 245 characters and LF.",
  ],
  [
    "one CRLF among LF",
    latin1(text(some(3), { end: "\n" }).replace(/(01.*)\n(?=01)/, "$1\r\n")),
    "origin_line: COTAHIST, line 2: expected 245 characters and LF, as in line 1, came 245 characters and CRLF.",
  ],
  [
    "two short lines that together are as long as one",
    file([...some(2), line({ nomres: "PETRO\r\nBRAS" })]),
    "origin_line: COTAHIST, line 4: expected a line of 245 characters, came an end of line after 32.",
  ],
  [
    "a session that does not exist",
    file([...some(2), line({ datpre: "20241131" })]),
    'origin_session: COTAHIST, line 4: expected a session from 2024-01-01 to 2024-11-08, by the header\'s year and date, as YYYYMMDD, came "20241131".',
  ],
  ...["19851231", "10241108", "09990601", "00000601", "20141108", "20231108", "20231231", "20241109", "20341108"].map(
    (datpre): [string, Uint8Array, string] => [
      `a session of ${datpre}, of another year than the header's or after its date,`,
      file([...some(2), line({ datpre })]),
      `origin_session: COTAHIST, line 4: expected a session from 2024-01-01 to 2024-11-08, by the header's year and date, as YYYYMMDD, came "${datpre}".`,
    ],
  ),
  ...(
    [
      ["2023", "20231231", "20240102"],
      ["1984", "19840601", "19840601"],
      ["2025", "20241108", "20241108"],
    ] as const
  ).map(([year, generated, datpre]): [string, Uint8Array, string] => [
    `a session of ${datpre} in a file of ${year}, generated ${generated},`,
    file([line({ datpre })], headed(year, generated, 1)),
    "origin_session: COTAHIST, line 2: expected a session from ",
  ]),
])("%s is rejected whole, with what was expected and what came", async (_, data, fault) => {
  const came = await faultOf(data);
  expect(came.slice(0, fault.length)).toBe(fault);
  if (came.includes("COTAHIST")) expect(came).toContain("Nothing of it was sent: download it again");
});

const good = latin1(text(some(40)));
test.each<[string, Uint8Array, string]>([
  ["several files", zip({ data: good }, { data: good, name: "other.txt" }), "came one with 2 files."],
  ["no file", zip(), "came one with 0 files."],
  ["a path", zip({ data: good, name: "dir/COTAHIST.TXT" }), 'came a path, "dir/COTAHIST.TXT".'],
  [
    "a way out of its folder",
    zip({ data: good, name: "../COTAHIST.TXT" }),
    "came one that cannot be read (invalid relative path: ../COTAHIST.TXT).",
  ],
  ["encryption", zip({ data: good, flags: 1 }), "came an encrypted one."],
  ["a strange method", zip({ data: good, method: 12 }), "came compression method 12 (stored or deflated can be read)."],
  ["a bomb", zip({ data: new Uint8Array(30_000_000) }), "tighter than 1:200: a zip bomb."],
  [
    "a bomb that hides its size",
    zip({ data: new Uint8Array(30_000_000), size: 100 }),
    "came more than the 100 bytes its directory states.",
  ],
  [
    "a size too large",
    zip({ data: good, size: good.length + 5 }),
    `came ${good.length} bytes where its directory states ${good.length + 5}.`,
  ],
  [
    "more text than any year has",
    zip({ data: good, size: 4_100_000_000 }),
    "came 4100000000 bytes of text, more than the 4000000000 allowed.",
  ],
  ["another checksum", zip({ data: good, crc: 1 }), "came data whose checksum (CRC-32) differs from its directory's."],
  [
    "noise after it",
    new Uint8Array([...zip({ data: good }), 1, 2, 3]),
    "came one that cannot be read (Invalid comment length.",
  ],
  [
    "noise for data",
    (() => {
      const all = zip({ data: good });
      return all.fill(0xff, 60, 90);
    })(),
    "came data that does not inflate (",
  ],
])("a zip with %s is rejected whole", async (_, data, came) => {
  const fault = await faultOf(data);
  expect(fault).toMatch(/^origin_zip: expected a whole zip with one text file in it, came /);
  expect(fault).toContain(came);
});

test("a store that fails to read is an outage, not a bad file", async () => {
  const outage = new Error("connection reset");
  const data = new Uint8Array(readFileSync(fixture.day));
  for (const failing of [1, 2, 3, 4, 5]) {
    let reads = 0;
    const bytes = {
      size: data.length,
      read: async (start: number, end: number) => {
        reads++;
        if (reads === failing) throw outage;
        return data.slice(start, end);
      },
    };
    const result = await cotahist.survey(bytes).catch((error) => error);
    if (reads >= failing) expect(result).toBe(outage);
  }
});
