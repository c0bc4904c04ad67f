import { readFileSync } from "node:fs";
import { manners } from "../../../packages/web/index.ts";

/**
 * The real handlers on another day: the file that PREGAO_TEST_CLOCK names holds by how many ms, and is read whenever one
 * is called. They ask the recorded origin without ado.
 */
let offset = 0;
const real = Date.now;
Date.now = () => real() + offset;
globalThis.Date = new Proxy(Date, {
  construct: (of, args, target) => Reflect.construct(of, args.length ? args : [of.now()], target) as Date,
});
Object.assign(manners, { perSecond: 10_000, backoffMs: 1, attempts: 2 });

export const atThatTime = <E, C, R>(handler: (event: E, context: C) => R): ((event: E, context: C) => R) => {
  offset = Number(readFileSync(process.env.PREGAO_TEST_CLOCK!, "utf8"));
  return (event, context) => {
    offset = Number(readFileSync(process.env.PREGAO_TEST_CLOCK!, "utf8"));
    return handler(event, context);
  };
};
