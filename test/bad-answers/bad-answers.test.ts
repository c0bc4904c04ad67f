import { seen } from "./seen.ts";
import { badAnswers } from "./suite.ts";

/** Those that may come besides are in bad-answers.faults.ts. */
badAnswers((name) => seen.includes(name));
