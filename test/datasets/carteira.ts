import { readFileSync } from "node:fs";
import type { WireRecord } from "../../packages/core/dataset.ts";
import { portfolio as format } from "../../packages/datasets/carteira/origin.ts";
import { publication } from "../../packages/datasets/carteira/publication.ts";
import type { Portfolio } from "../origin/portfolios.ts";
import { bytesOf } from "./cotahist.ts";

/** Portfolios through the format, and what they must become, spelled without the code under test. */

export const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
export const fileOf = (url: URL): Uint8Array => new Uint8Array(readFileSync(url));
/** A portfolio's JSON as a file of a person who says which index it is of, and which day where it does not. */
export const given = (bytes: Uint8Array, part?: string, session?: string): Uint8Array =>
  publication.fromFile!(bytes, { file: "file", ...(part ? { part } : {}), ...(session ? { session } : {}) });

export const read = async (bytes: Uint8Array) => {
  const survey = await format.survey(bytesOf(bytes));
  const groups: { subject: string; records: WireRecord[] }[] = [];
  for await (const some of format.groups(bytesOf(bytes), survey)) groups.push(...some);
  return { survey, groups, records: groups.flatMap(({ records }) => records) };
};

/** The fault a person sees, its code and its sentence; "accepted" if there is none. */
export const faultOf = async (make: () => Uint8Array): Promise<string> => {
  try {
    await format.survey(bytesOf(make()));
  } catch (error) {
    const { name, code, message } = error as Error & { code?: string };
    if (name !== "PregaoError") throw error;
    return `${code}: ${message}`;
  }
  return "accepted";
};

const scaled = (units: bigint | number, decimals: number): string => {
  const digits = String(units).padStart(decimals + 1, "0");
  return `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
};

/** The records that a portfolio must become. */
export const expected = (of: Portfolio, sectors = true): WireRecord[] =>
  of.rows.map((row) => ({
    data: of.date,
    indice: of.index,
    codigo: row.ticker,
    acao: row.name,
    tipo: row.type,
    setor: sectors ? row.segment : null,
    qtde_teorica: String(row.quantity),
    part: scaled(row.part, 3),
    redutor: scaled(of.reductor, 8),
    qtde_total: String(of.total),
    part_total: "100.000",
    origin_rows: of.rows.length,
  }));
