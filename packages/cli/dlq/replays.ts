import { type ReplayState, replays } from "../../aws/replays.ts";
import { ago, count, fields, plural, table } from "../output.ts";
import type { Place } from "../place.ts";
import type { Letterbox } from "./choice.ts";

/** `dlq replays`: who sent what again, and when; the newest last. */
export const listReplays = async (place: Place, box: Letterbox): Promise<void> => {
  const all: ReplayState[] = [];
  for await (const one of replays(place.aws, box.name)) all.push(one);
  const documents = all.map(({ replay: { format: _, ...replay }, accepted, cut, undone }) => ({
    ...replay,
    accepted,
    cut,
    undone: undone?.at ?? null,
  }));
  place.output.result(documents, () =>
    documents.length === 0
      ? `No replays of ${box.name}.\n\nNext: pregao dlq list ${box.name}\n`
      : [
          table(
            fields("replay", "when", "by", ["letters", "bigint"], ["accepted", "bigint"], "options", "undone"),
            documents.map((d) => [
              d.replay,
              ago(d.at),
              `${d.by.user}@${d.by.host}`,
              count(d.letters),
              `${count(d.accepted)}${d.cut ? ` of ${plural(d.cut, "part")} unknown` : ""}`,
              optionsOf(d.options),
              d.undone ? ago(d.undone) : "",
            ]),
          ),
          box.raw
            ? `Next: pregao dlq undo ${box.name} ${documents.at(-1)!.replay}\n`
            : `Next: pregao dlq list ${box.name}\n`,
        ].join("\n"),
  );
};

const optionsOf = (options: Record<string, unknown>): string =>
  Object.entries(options)
    .map(([name, value]) => (value === true ? name : `${name} ${[value].flat().join(" ")}`))
    .join(", ")
    .slice(0, 60);
