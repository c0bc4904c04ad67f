import { seedsSuite } from "./suite.ts";

/** All two hundred are in seeds.faults.ts. */
seedsSuite(1, 20);
