import "./impatient.ts";

export { handler } from "../../../functions/scrape.ts";
