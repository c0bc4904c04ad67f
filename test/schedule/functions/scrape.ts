import { handler as real } from "../../../functions/scrape.ts";
import { atThatTime } from "./time.ts";

export const handler = atThatTime(real);
