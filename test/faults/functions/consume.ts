import "./impatient.ts";

export { handler } from "../../../functions/consume.ts";
