// Whether every row that entered is where it must be, and only there. By what is asked, what must be, what is, and what
// is made of it:
//   verify.ts      the verb
//   look.ts        one look at all origins, and again at what is amiss
//   account.ts     one origin: expected against found
//   expected.ts    the archive's bytes, made into messages and judged again
//   census.ts      where each of its rows is
//   superseded.ts  which rows are rightly in no table, and by whose order
//   letters.ts     what the dead letters and their replays say
//   ids.ts         millions of event ids in a few dozen MiB
//   repair.ts      what is missing, sent again
//   screen.ts      all of it on a screen
export type { Account, Lost } from "./account.ts";
export type { Verified } from "./look.ts";
export { check, isDay, type VerifyOptions, verify } from "./verify.ts";
