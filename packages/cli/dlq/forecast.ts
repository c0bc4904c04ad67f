import { count, fields, fitted, plural } from "../output.ts";
import { type Letterbox, thing } from "./choice.ts";
import type { Because, Survey } from "./survey.ts";

/** What a replay would do, or has done, as a person reads it. */
export const expectation = (box: Letterbox, { pass, refuse }: Survey): string => {
  const back = refuse.reduce((total, r) => total + r.records, 0);
  return `${plural(pass.records, thing(box))} of ${plural(pass.letters, "letter")} would pass today${back ? `, ${plural(back, thing(box))} come back` : ""}.`;
};

export const forecast = (box: Letterbox, asked: Survey): string[] => [
  `${plural(asked.found.letters, "dead letter")} of ${box.name}, ${plural(asked.found.records, thing(box))}: ${plural(asked.names.length, "letter")} would be sent again.`,
  ...(asked.names.length ? [`  ${expectation(box, asked)}`] : []),
  ...explained(asked),
  ...reasons(box, "Would come back:", asked.refuse),
  ...reasons(box, "Would be refused, and are left where they are:", asked.stay.refused),
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

const reasons = (box: Letterbox, title: string, all: readonly Because[]): string[] =>
  all.length === 0
    ? []
    : [
        "",
        title,
        fitted(
          fields("reason", ["letters", "bigint"], [`${thing(box)}s`, "bigint"], "for example"),
          all.map((r) => [r.reason, count(r.letters), count(r.records), r.message]),
          3,
        ),
      ];
