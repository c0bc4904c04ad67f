import { isOpen, type ReplayState, replays } from "../../aws/replays.ts";
import { ago, count, fields, fitted, plural } from "../output.ts";
import type { Place } from "../place.ts";
import { type Letterbox, thing } from "./choice.ts";

/** `dlq replays`: who sent what again, and when; the newest last. */
export const listReplays = async (place: Place, box: Letterbox): Promise<void> => {
  const all: ReplayState[] = [];
  for await (const one of replays(place.aws, box.name)) all.push(one);
  const open = all.findLast(isOpen);
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
          // A replay's name begins with its time.
          fitted(
            fields(
              "replay",
              "by",
              ["letters", "bigint"],
              [`${thing(box)}s`, "bigint"],
              "letters accepted",
              "options",
              "undone",
            ),
            documents.map((d, i) => [
              d.replay,
              d.by.user,
              count(d.letters),
              count(d.records),
              `${count(d.accepted)}${d.cut ? `, ${plural(d.cut, "part")} unknown` : ""}`,
              optionsOf(d.options),
              d.undone ? `${ago(d.undone)}${isOpen(all[i]!) ? ", not finished" : ""}` : "",
            ]),
            5,
          ),
          box.raw && open
            ? `Next: pregao dlq undo ${box.name} ${open.replay.replay}\n`
            : `Next: pregao dlq list ${box.name}\n`,
        ].join("\n"),
  );
};

const optionsOf = (options: Record<string, unknown>): string =>
  Object.entries(options)
    .map(([name, value]) => (value === true ? name : `${name} ${[value].flat().join(" ")}`))
    .join(", ")
    .slice(0, 60);
