// What is published, what is under way, what is stuck.
//   status.ts   the verb, and what a status says
//   dataset.ts  one dataset, from the stores
//   letters.ts  dead letters by reason
//   stuck.ts    what does not go on by itself, and the command that frees it
//   screen.ts   all of it on a screen
export { type Status, status } from "./status.ts";
export type { Stuck } from "./stuck.ts";
