import "./impatient.ts";

export { handler } from "../../../functions/advance.ts";
