import { seedsSuite } from "./suite.ts";

/** Those after them are in seeds.faults.ts. */
seedsSuite(1, 10);
