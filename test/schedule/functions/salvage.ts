import { handler as real } from "../../../functions/salvage.ts";
import { atThatTime } from "./time.ts";

export const handler = atThatTime(real);
