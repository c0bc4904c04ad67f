import { handler as real } from "../../../functions/archive.ts";
import { atThatTime } from "./time.ts";

export const handler = atThatTime(real);
