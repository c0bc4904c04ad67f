import { count, fields, plural, table } from "../output.ts";
import { type Letterbox, short } from "./choice.ts";
import type { Because, Survey } from "./survey.ts";

/** What a replay would do, or has done, as a person reads it. */
export const expectation = ({ pass, refuse }: Survey): string => {
  const back = refuse.reduce((total, r) => total + r.records, 0);
  return `${plural(pass.records, "record")} of ${plural(pass.letters, "letter")} would pass today${back ? `, ${plural(back, "record")} come back` : ""}.`;
};

export const forecast = (box: Letterbox, asked: Survey): string[] => [
  `${plural(asked.found.letters, "dead letter")} of ${box.name}, ${plural(asked.found.records, "record")}: ${plural(asked.names.length, "letter")} would be sent again.`,
  ...(asked.names.length ? [`  ${expectation(asked)}`] : []),
  ...explained(asked),
  ...reasons("Would come back:", asked.refuse),
  ...reasons("Would be refused, and are left where they are:", asked.stay.refused),
  "",
];

/** Why letters that were asked for are not sent. */
export const explained = ({ stay }: Survey): string[] => {
  const refused = stay.refused.reduce((total, r) => total + r.letters, 0);
  return [
    ...(stay.failedBefore.letters
      ? [
          `  left where they are: ${plural(stay.failedBefore.letters, "letter")} that failed again after a replay; --again sends them too`,
        ]
      : []),
    ...(refused
      ? [
          `  left where they are: ${plural(refused, "letter")} that would be refused again today; --again sends them too`,
        ]
      : []),
    ...(stay.beyondLimit.letters ? [`  beyond --limit: ${plural(stay.beyondLimit.letters, "letter")}`] : []),
  ];
};

const reasons = (title: string, all: readonly Because[]): string[] =>
  all.length === 0
    ? []
    : [
        "",
        title,
        table(
          fields("reason", ["letters", "bigint"], ["records", "bigint"], "for example"),
          all.map((r) => [r.reason, count(r.letters), count(r.records), short(r.message)]),
        ),
      ];
