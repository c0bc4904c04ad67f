import { handler as real } from "../../../functions/advance.ts";
import { atThatTime } from "./time.ts";

export const handler = atThatTime(real);
