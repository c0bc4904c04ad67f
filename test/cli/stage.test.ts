import { describe, expect, test } from "vitest";
import { document, pregao, stackTrace } from "./command.ts";
import { cases, dir, laptopOnly, onBoth, verbIn, verbs } from "./stage.cases.ts";
import { banner, credentials, prova } from "./stage.fixture.ts";
import { gate } from "./stage.recorder.ts";

describe("every verb", () => {
  test("has a case here: none is without a test of what it does on a deployed stage", () => {
    const tested = new Set([...cases.map(verbIn), ...laptopOnly]);
    expect(verbs.filter((verb) => !tested.has(verb))).toEqual([]);
    expect([...tested].filter((verb) => !verbs.includes(verb))).toEqual([]);
  });
});

test("nothing but which stage it is is asked for before a verb that writes has said so, also with --json", {
  timeout: 180_000,
}, async () => {
  const arn = `arn:aws:ssm:${prova.region}:${prova.account}:parameter/pregao/${prova.name}/stage`;
  const aws = await gate(JSON.stringify({ Parameter: { ARN: arn, Value: JSON.stringify(prova) } }));
  const writing = [
    ...Map.groupBy(
      cases.filter((one) => one.writes),
      verbIn,
    ).values(),
  ].map(([one]) => one!);
  try {
    for (const { args } of writing) {
      let err = "";
      aws.expect(() => err.includes(banner));
      const ended = await pregao([...args, "--stage", prova.name, ...(args.includes("--json") ? [] : ["--json"])], {
        env: credentials(aws.url, dir),
        watch: (_, so) => {
          err = so.err;
        },
      });
      expect([args, ended.status, aws.early]).toEqual([args, 1, []]);
      expect(aws.asked).toBeGreaterThan(0);
      expect(ended.err).toContain(banner);
      expect(document(ended)).toMatchObject({ error: expect.stringMatching(/^(denied|not_accepted)$/) });
      expect(ended.err).not.toMatch(stackTrace);
    }
  } finally {
    await aws.stop();
  }
});

describe("of every kind of verb one; stage.faults.ts has all command lines", () => {
  const { river, wire } = onBoth(cases.filter(({ soon }) => soon));

  test.each(laptopOnly)(
    "%s is refused: a deployed stage is not run, emptied or shown off by a laptop",
    async (verb) => {
      wire().operations.length = 0;
      const { status, out, err } = await river().run([verb], { env: { AWS_ENDPOINT_URL: wire().url } });
      expect([status, out]).toEqual([2, ""]);
      expect(err).toMatch(new RegExp(`expected ${verb} without --stage prova`));
      expect(wire().operations).toEqual([]);
    },
  );
});
