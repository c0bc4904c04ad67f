import { calendarDays } from "../../../core/calendar.ts";
import { boolean, date, integer } from "../../../core/columns.ts";
import type { Table } from "../../../core/table.ts";

export const calendario = {
  name: "calendario",
  means: "Todos os dias de 1990 a 2040 e se há pregão na B3; dias entre duas datas são uma junção e uma subtração",
  columns: {
    data: date("dia"),
    dia: integer()("dias desde 1970-01-01"),
    sessao: boolean("se há pregão na B3 neste dia, pela regra e suas exceções"),
    indice_util: integer()(
      "número de pregões de 1990-01-01 até este dia, inclusive; a diferença de dois são os dias úteis",
    ),
    dia_semana: integer(7)("dia da semana, ISO: 1 segunda-feira, 7 domingo"),
  },
  key: ["data"],
  partitions: {},
  sort: ["data"],
} satisfies Table;

let lines: string | undefined;

/** The calendar as the SQL of every dataset joins it: one JSON object a line, with the columns of {@link calendario}. */
export const calendarAsset = {
  columns: calendario.columns,
  rows: (): string => {
    lines ??= `${calendarDays()
      .map((day) => JSON.stringify(day))
      .join("\n")}\n`;
    return lines;
  },
};
