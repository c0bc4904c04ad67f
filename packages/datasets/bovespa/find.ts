import type { Bytes, FoundRecord } from "../../core/dataset.ts";
import { decodeBlock, newBlock } from "./decode.ts";
import { SESSION, TICKER } from "./layout.ts";
import { type Slab, slabs } from "./lines.ts";
import { subject } from "./record.ts";
import { recordsOf } from "./rows.ts";

const latin1 = ({ bytes, stride }: Slab, row: number, { at, width }: { at: number; width: number }): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + row * stride + at, width).toString("latin1");

/** The lines of a COTAHIST file about one ticker's session. Of all others only these two fields are looked at. */
export async function* find(bytes: Bytes, of: { subject: string; session: string }): AsyncGenerator<FoundRecord> {
  const day = of.session.replaceAll("-", "");
  const one = newBlock(1);
  for await (const slab of slabs(bytes))
    for (let row = 0; row < slab.rows; row++) {
      if (latin1(slab, row, SESSION) !== day) continue;
      const ticker = latin1(slab, row, TICKER).trimEnd();
      if (ticker !== of.subject && of.subject !== "?") continue;
      const line = slab.bytes.slice(row * slab.stride, row * slab.stride + slab.stride);
      const [record] = recordsOf(decodeBlock(line, 1, slab.stride, one));
      if (record && subject(record).trimEnd() === of.subject) yield { line: slab.line + row, record };
    }
}
