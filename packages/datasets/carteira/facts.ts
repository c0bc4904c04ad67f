import type { Dataset, Row, SessionFact } from "../../core/dataset.ts";
import { dateOf, originsOf } from "../facts.ts";
import { publication } from "./publication.ts";
import { carteiraSessoes } from "./tables/sessoes.ts";

const whole = (file: Row): boolean => file.estado === "completa" && file.mista === false;

/**
 * Of one portfolio, the rows that stand: those of its complete file, and of a mixed one at least those; none complete
 * yet, those that came of the fullest.
 */
const standing = (files: readonly Row[]): number => {
  const complete = files.find((file) => file.estado === "completa");
  return complete ? Number(complete.linhas_esperadas) : Math.max(...files.map((file) => Number(file.linhas_vistas)));
};

/**
 * What is known of each day: of carteira_sessoes a row for each file, of one index each. It is complete when each
 * portfolio of it is; `tickers` are those of the largest index that a clock looks for, on a day without one of the
 * largest there is; `rows` are of all together, of a mixed portfolio at least so many.
 */
export const facts: NonNullable<NonNullable<Dataset["sessions"]>["facts"]> = {
  tables: [carteiraSessoes.name],
  of: (rows) => {
    const shown = (rows[carteiraSessoes.name] ?? []).filter((file) => file.estado !== "superada");
    return [...Map.groupBy(shown, (file) => dateOf(file.data_pregao))].map(([session, files]): SessionFact => {
      const of = Map.groupBy(files, (file) => String(file.indice));
      const sizes = new Map([...of].map(([indice, files]) => [indice, standing(files)]));
      const usual = (publication.parts?.usual ?? []).flatMap((indice) => sizes.get(indice) ?? []);
      return {
        session,
        tickers: Math.max(...(usual.length > 0 ? usual : sizes.values())),
        rows: [...sizes.values()].reduce((sum, size) => sum + size, 0),
        complete: files.every(whole),
        series: Object.fromEntries([...of].map(([indice, files]) => [indice, files.every(whole)])),
        // What contradicts its own portfolio is held, and never published.
        doubtful: 0,
        origins: originsOf(files),
      };
    });
  },
};
