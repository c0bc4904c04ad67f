import { clocks } from "./clocks.ts";
import type { Handlers } from "./functions.ts";
import type { Stores } from "./lake.ts";
import type { Boxes } from "./queues.ts";
import type { River } from "./river.ts";

/** When a session's file is due, `scrape` looks for it. A look that failed for good lies in a queue for a person. */
export const scrape = (river: River, stores: Stores, boxes: Boxes, handlers: Handlers): void => {
  clocks(river, stores, boxes, handlers, "scrape");
};
