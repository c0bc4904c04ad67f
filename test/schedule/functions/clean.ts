import { handler as real } from "../../../functions/clean.ts";
import { atThatTime } from "./time.ts";

export const handler = atThatTime(real);
