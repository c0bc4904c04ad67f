import { seedsSuite } from "./suite.ts";

seedsSuite(1, 20);
