import "./impatient.ts";

export { handler } from "../../../functions/salvage.ts";
