import { seen } from "./seen.ts";
import { badAnswers } from "./suite.ts";

badAnswers((name) => !seen.includes(name));
