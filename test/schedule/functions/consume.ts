import { handler as real } from "../../../functions/consume.ts";
import { atThatTime } from "./time.ts";

export const handler = atThatTime(real);
