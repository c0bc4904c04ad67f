import { afterAll, beforeAll, describe } from "vitest";
import { testPlace } from "../place.ts";
import { good, letter, post, replay } from "./letters.fixture.ts";
import { cutsSuite, undoCuts } from "./letters-undo.suite.ts";

let place: Awaited<ReturnType<typeof testPlace>>;
beforeAll(async () => {
  place = await testPlace();
  await post(place, "bovespa-dlq", [letter("OUTRA1", [good("OUTRA1", 0), good("OUTRA1", 50)])]);
  await replay(place);
});
afterAll(() => place.remove());

describe("an undo that is cut", () => cutsSuite(() => place, undoCuts));
