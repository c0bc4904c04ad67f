import { hash } from "node:crypto";
import { z } from "zod";
import { AwsError, type JsonService } from "../service.ts";
import { backwards } from "./lines.ts";

/** FilterLogEvents gives at most so many events, and so many bytes, at a time (API reference). */
const MAX_EVENTS = 10_000;
const MAX_BYTES = 1024 * 1024;
/** Clocks of threads differ a little, so lines of the file may stand a little out of order. */
const DISORDER_MS = 60_000;

const time = z.int().min(0);
const asked = z.looseObject({
  logGroupName: z.string().min(1).max(512).optional(),
  logGroupIdentifier: z.string().min(1).max(2048).optional(),
  startTime: time.optional(),
  endTime: time.optional(),
  limit: z.int().min(1).max(MAX_EVENTS).optional(),
  nextToken: z.string().min(1).optional(),
});
/** What would leave events out, and is not done here. */
const NOT_DONE = ["filterPattern", "logStreamNames", "logStreamNamePrefix"] as const;

type Event = { id: string; at: number; text: string };

/**
 * CloudWatch Logs of the functions, answered from the log of the state directory: a function's lines are those that name
 * it as their component. `groups`: log group → function. Without a directory there is no event.
 */
export const logs = ({
  dir,
  groups,
}: {
  dir: string | null;
  groups: ReadonlyMap<string, string>;
}): { service: JsonService } => {
  const refuse = (message: string): never => {
    throw new AwsError("InvalidParameterException", message);
  };

  /** A function's lines from `from` until before `to`, in order. */
  const eventsOf = (component: string, from: number, to: number): Event[] => {
    const found: Event[] = [];
    for (const { text, entry } of dir === null ? [] : backwards(dir)) {
      const at = Date.parse(entry?.timestamp ?? "");
      if (at < from - DISORDER_MS) break;
      if (entry?.component === component && at >= from && at < to) found.push({ id: "", at, text });
    }
    const same = new Map<string, number>();
    const named = found.reverse().map((event) => {
      const before = same.get(event.text) ?? 0;
      same.set(event.text, before + 1);
      return { ...event, id: hash("sha256", `${before} ${event.text}`, "hex").slice(0, 56) };
    });
    return named.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  };

  const operations = {
    FilterLogEvents: (input: unknown) => {
      const { success, data, error } = asked.safeParse(input);
      if (!success) return refuse(`${error.issues[0]?.path.join(".")}: ${error.issues[0]?.message}`);
      const { logGroupName, logGroupIdentifier, startTime = 0, endTime = Number.POSITIVE_INFINITY } = data;
      for (const name of NOT_DONE)
        if (data[name] !== undefined && data[name] !== "") refuse(`${name} is not part of this stand-in.`);
      if (Boolean(logGroupName) === Boolean(logGroupIdentifier))
        refuse("expected logGroupName or logGroupIdentifier, and not both");
      const group = logGroupName ?? logGroupIdentifier!.replace(/^arn:[^/]*:log-group:/, "").replace(/:\*$/, "");
      const component = groups.get(group);
      if (component === undefined)
        throw new AwsError("ResourceNotFoundException", "The specified log group does not exist.");
      const after = afterOf(data.nextToken);
      const events = eventsOf(component, startTime, endTime).filter(
        ({ at, id }) => after === null || at > after.at || (at === after.at && id > after.id),
      );
      let bytes = 0;
      const most = data.limit ?? MAX_EVENTS;
      const page = events.filter(({ text }, index) => {
        bytes += Buffer.byteLength(text);
        return index === 0 || (index < most && bytes <= MAX_BYTES);
      });
      const last = page.at(-1);
      return {
        events: page.map(({ id, at, text }) => ({
          ...{ eventId: id, logStreamName: "local", timestamp: at, ingestionTime: at, message: text },
        })),
        searchedLogStreams: [],
        ...(last && page.length < events.length ? { nextToken: tokenOf(last) } : {}),
      };
    },
  };
  return { service: { target: "Logs_20140328", version: "1.1", operations } };
};

const tokenOf = ({ at, id }: Event): string => Buffer.from(JSON.stringify({ at, id })).toString("base64url");

const place = z.strictObject({ at: z.number(), id: z.string() });
const afterOf = (token: string | undefined): { at: number; id: string } | null => {
  if (token === undefined) return null;
  try {
    return place.parse(JSON.parse(Buffer.from(token, "base64url").toString()));
  } catch {
    throw new AwsError("InvalidParameterException", "The specified nextToken is invalid.");
  }
};
