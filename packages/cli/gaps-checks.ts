import { all } from "../aws/queries.ts";
import type { Check, Dataset } from "../core/dataset.ts";
import { type Asked, checkSql, comparedSql } from "./gaps-sql.ts";
import type { Place } from "./place.ts";

/** A check of a dataset, and what it found: `rows` in all, the newest thousand of them in `findings`. */
export type Checked = Pick<Check, "means"> & {
  check: string;
  severity: "fail" | "warn";
  rows: number;
  /** How many were looked at where none was found: 0, and nothing holds. Null: the check does not tell, or it found some. */
  compared: number | null;
  findings: { session: string | null; ticker: string | null; detail: string }[];
};

/** What a dataset's own checks find in these days, of this ticker. */
export const checked = (place: Place, dataset: Dataset, asked: Asked): Promise<Checked[]> =>
  Promise.all(
    Object.entries(dataset.checks ?? {}).map(async ([name, check]): Promise<Checked> => {
      const rows = await all(place.aws, checkSql(check, asked), dataset.database);
      const found = Number(rows[0]?.achados ?? 0);
      const compared =
        check.compared === undefined || found > 0
          ? null
          : await all(place.aws, comparedSql(check.compared, asked), dataset.database);
      return {
        ...{ check: name, means: check.means, severity: check.severity ?? "warn" },
        rows: found,
        compared: compared && Number(compared[0]?.comparados ?? 0),
        findings: rows.map(({ sessao, ticker, detalhe }) => ({
          ...{ session: sessao ?? null, ticker: ticker ?? null, detail: detalhe ?? "" },
        })),
      };
    }),
  );
