import { afterEach, expect, test, vi } from "vitest";
import { openOutput } from "../../packages/cli/output.ts";

const { isTTY } = process.stderr;
afterEach(() => {
  vi.restoreAllMocks();
  process.stderr.isTTY = isTTY;
});

/** All that a bar wrote to standard error. */
const written = (isTerminal: boolean): string => {
  let text = "";
  process.stderr.isTTY = isTerminal;
  vi.spyOn(process.stderr, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const bar = openOutput(false).bar("fetch", 1, "steps");
  bar.of(4);
  bar.at(3, "bovespa M012023 40 of 440 rows sent\u001b[2J");
  bar.done();
  return text;
};

test("on a terminal a bar of steps says which one it is at, and nothing that would steer the terminal", () => {
  expect(written(true)).toMatch(/fetch +[█░]+ 75% 3\/4 bovespa M012023 40 of 440 rows sent·\[2J/u);
});

test("without a terminal a bar says nothing", () => expect(written(false)).toBe(""));
