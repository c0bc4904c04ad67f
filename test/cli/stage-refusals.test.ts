import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Stage } from "../../packages/core/stage.ts";
import { document, folder, pregao, stackTrace } from "./command.ts";
import { credentials, nobody, prova } from "./stage.fixture.ts";

const { dir: home, remove } = folder();

/** What the stand-in for SSM answers to GetParameter, and to everything else. */
let parameter: { status: number; body: unknown } = { status: 200, body: {} };
let others: { status: number; type: string; message: string } | "silent" | "page" = {
  status: 500,
  type: "",
  message: "",
};
/** The workgroups in which statements were to be run. */
const workgroups: unknown[] = [];
/** The region that each request was signed for. */
const regions: string[] = [];
let url = "";
/** The status of a page that stands for a proxy's, a portal's or a wrong endpoint's. */
let pageStatus = 200;
const sendPage = (res: ServerResponse) =>
  res.writeHead(pageStatus, { "content-type": "text/html" }).end("<html><p>Sign in</html>");
const server = createServer((req, res) => {
  let asked = "";
  req.on("data", (chunk) => {
    asked += chunk;
  });
  req.on("end", () => {
    if (String(req.headers["x-amz-target"]).endsWith(".StartQueryExecution"))
      workgroups.push((JSON.parse(asked) as { WorkGroup?: string }).WorkGroup);
  });
  regions.push(/Credential=[^/]*\/\d+\/([^/]*)\//.exec(req.headers.authorization ?? "")?.[1] ?? "nobody");
  const answer = (status: number, body: unknown, type?: string) =>
    res
      .writeHead(status, {
        "content-type": "application/x-amz-json-1.1",
        "x-amz-request-id": "1",
        ...(type ? { "x-amzn-errortype": type } : {}),
      })
      .end(JSON.stringify(body));
  if (String(req.headers["x-amz-target"]).endsWith(".GetParameter") && parameter.status === 0) sendPage(res);
  else if (String(req.headers["x-amz-target"]).endsWith(".GetParameter")) {
    const { __type } = parameter.body as { __type?: string };
    answer(parameter.status, parameter.body, __type);
  } else if (others === "page") sendPage(res);
  else if (others !== "silent") answer(others.status, { __type: others.type, message: others.message }, others.type);
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  remove();
});

const ARN = "arn:aws:ssm:sa-east-1:123456789012:parameter/pregao/prova/stage";
const found = (value: unknown, arn = ARN) => {
  parameter = {
    status: 200,
    body: { Parameter: { ARN: arn, Value: typeof value === "string" ? value : JSON.stringify(value) } },
  };
};
const refused = (type: string, message = "no") => {
  parameter = { status: 400, body: { __type: type, message } };
};
const run = (args: readonly string[], env: Record<string, string | undefined> = {}) =>
  pregao(args, { cwd: home, env: { ...credentials(url, home), ...env } });
/** Fails with this code, says this, tells nothing of the program's inside, and nothing was made or answered. */
const fails = async (
  args: readonly string[],
  code: string,
  says: RegExp,
  env: Record<string, string | undefined> = {},
) => {
  const ended = await run([...args, "--json"], env);
  expect([ended.err, ended.status]).toEqual([ended.err, code === "usage" ? 2 : 1]);
  expect(document(ended)).toMatchObject({ error: code, message: expect.stringMatching(says) });
  expect(ended.err).not.toMatch(stackTrace);
  // What to do ends it, as a command line.
  expect(ended.err).toMatch(/\. Next: (pregao|npx sst|aws|export|unset) [^.;]+$/);
  expect(ended.err).not.toMatch(/\.\. |(?<!npx )sst (deploy|remove)/);
  return ended;
};

describe("a stage that cannot be found", () => {
  test("without a region, says how to name one", async () => {
    const says = /expected an AWS region: none is set.*Set AWS_REGION.*sa-east-1/;
    await fails(["status", "--stage", "prova"], "region", says, { AWS_REGION: undefined });
  });

  test("in a region that is none, says so", async () => {
    await fails(["status", "--stage", "prova"], "region", /"são paulo" is none/, { AWS_REGION: "são paulo" });
  });

  test("without credentials, says how to get some", async () => {
    const says = /expected credentials of AWS, came none .*set AWS_PROFILE.*Next: aws sso login$/;
    await fails(["status", "--stage", "prova"], "credentials", says, {
      ...nobody(home),
      AWS_REGION: "sa-east-1",
      AWS_ENDPOINT_URL: url,
    });
  });

  test.each(["ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"])(
    "with credentials that AWS answers with %s, says to get others",
    async (type) => {
      refused(type, "The security token included in the request is expired");
      await fails(["status", "--stage", "prova"], "credentials", new RegExp(`answered ${type}.*Next: aws sso login`));
    },
  );

  test("that is not there, says which deploy would make it, and what else may be wrong", async () => {
    refused("ParameterNotFound");
    const says =
      /expected the parameter \/pregao\/prov\/stage in sa-east-1 at http.*AWS_REGION.*AWS_PROFILE.*sst deploy --stage prov$/;
    await fails(["status", "--stage", "prov"], "no_stage", says);
  });

  test("to somebody who may not read it, says what is not allowed", async () => {
    refused("AccessDeniedException", "User: x is not authorized to perform: ssm:GetParameter on resource: y");
    await fails(["status", "--stage", "prova"], "denied", /not authorized to perform: ssm:GetParameter.*AWS_PROFILE/);
  });

  test("where nothing answers, says so", async () => {
    const says = /expected AWS to answer, came ECONNREFUSED.*AWS_REGION and AWS_ENDPOINT_URL/;
    await fails(["status", "--stage", "prova"], "unreached", says, { AWS_ENDPOINT_URL: "http://127.0.0.1:9" });
  });

  test.each(["Prod", "pr-1", "a".repeat(21), "../x", "1x", ""])(
    "by a name that no stage can have, %j, is refused before anybody is asked",
    async (name) => {
      regions.length = 0;
      await fails(["status", "--stage", name], "usage", /expected --stage with lower-case letters and digits/);
      expect(regions).toEqual([]);
    },
  );
});

describe("a document that is not the stage's own", () => {
  const other = (change: Partial<Stage>) => ({ ...prova, ...change });
  test.each<[string, unknown, RegExp]>([
    ["no JSON", "{", /cannot be read \(it is no such document\)/],
    ["null", "null", /cannot be read/],
    ["empty", "", /cannot be read/],
    ["without an account", other({ account: undefined as never }), /cannot be read \(account:/],
    ["with what no stage has", { ...prova, password: "x" }, /cannot be read/],
    ["of another account", other({ account: "999999999999" }), /of the account 123456789012, it is of 999999999999/],
    ["of another stage", other({ name: "outra" }), /of the stage prova, it is of outra/],
    [
      "of another region",
      other({ region: "us-east-1" }),
      /of the region sa-east-1, it is of us-east-1: set AWS_REGION=us-east-1/,
    ],
  ])("%s is refused: nothing is written by names that it makes up", async (_, value, says) => {
    found(value);
    regions.length = 0;
    const { err } = await fails(["publish", "bovespa", "--stage", "prova"], "stage", says);
    expect(err).toMatch(/Next: (npx sst deploy --stage prova|export AWS_REGION=us-east-1)$/m);
    // SSM alone was asked.
    expect(regions).toEqual(["sa-east-1"]);
  });

  test("found in another region than the command asks for, says which that is", async () => {
    found(prova, ARN.replace("sa-east-1", "eu-west-1"));
    await fails(["status", "--stage", "prova"], "stage", /in eu-west-1 .*set AWS_REGION=sa-east-1/, {
      AWS_REGION: "eu-west-1",
    });
  });
});

describe("the region", () => {
  const asked = async (env: Record<string, string | undefined>) => {
    refused("ParameterNotFound");
    regions.length = 0;
    await run(["status", "--stage", "prova"], env);
    return regions;
  };
  test("is AWS_REGION, or AWS_DEFAULT_REGION, or the profile's, in this order", async () => {
    mkdirSync(join(home, ".aws"), { recursive: true });
    const keys = "aws_access_key_id = banco\naws_secret_access_key = secret\n";
    writeFileSync(
      join(home, ".aws/config"),
      `[default]\nregion = eu-south-1\n[profile banco]\nregion = us-west-2\n${keys}`,
    );
    expect(await asked({ AWS_REGION: "sa-east-1", AWS_DEFAULT_REGION: "us-east-2" })).toEqual(["sa-east-1"]);
    expect(await asked({ AWS_REGION: undefined, AWS_DEFAULT_REGION: "us-east-2" })).toEqual(["us-east-2"]);
    expect(await asked({ AWS_REGION: undefined })).toEqual(["eu-south-1"]);
    expect(
      await asked({ ...nobody(home), AWS_ENDPOINT_URL: url, AWS_REGION: undefined, AWS_PROFILE: "banco" }),
    ).toEqual(["us-west-2"]);
  });
});

describe("what a stage lacks or refuses", () => {
  test.each<[string, number, string, RegExp]>([
    ["AccessDeniedException", 400, "denied", /expected to be allowed what this command does on the stage prova/],
    [
      "ResourceNotFoundException",
      400,
      "absent",
      /expected all of the stage prova to be there.*sst deploy --stage prova/,
    ],
    ["ExpiredTokenException", 400, "credentials", /Next: aws sso login/],
  ])("%s is told with what to do, and not as a fault of the program", async (type, status, code, says) => {
    found(prova);
    others = { status, type, message: "so AWS said" };
    const { err } = await fails(["status", "--stage", "prova"], code, says);
    expect(err).toContain("so AWS said");
  });

  test("silence is told as what it is, with what to look at", async () => {
    found(prova);
    others = "silent";
    await fails(["status", "--stage", "prova"], "unreached", /expected AWS to answer, came TimeoutError/, {
      PREGAO_SILENT_MS: "200",
    });
  });
});

describe("an endpoint that is not AWS's", () => {
  const seen = async (args: readonly string[]) => {
    const ended = await fails([...args, "--stage", "prova"], "unreached", /expected AWS to answer, came /);
    expect(ended.err).toMatch(
      /run the same command again: what was accepted is kept\. Next: pregao --stage prova status/,
    );
  };

  test.each(["nonsense", "ftp://x", "127.0.0.1:4566", "http://"])(
    "%j is refused before anybody is asked",
    async (address) => {
      const says = /expected AWS_ENDPOINT_URL to be an address .*Next: unset AWS_ENDPOINT_URL$/;
      await fails(["status", "--stage", "prova"], "endpoint", says, { AWS_ENDPOINT_URL: address });
    },
  );

  test("of one service alone, that is no address, is told", async () => {
    await fails(["status", "--stage", "prova"], "unreached", /came ERR_INVALID_URL/, {
      AWS_ENDPOINT_URL_SSM: "nonsense",
      AWS_ENDPOINT_URL: undefined,
    });
  });

  test.each([200, 403, 404, 502])("a page with %i instead of the stage's document is no document", async (status) => {
    parameter = { status: 0, body: {} };
    pageStatus = status;
    await seen(["status"]);
  });

  test.each<[number, string[]]>([
    [200, ["pause", "bovespa"]],
    [404, ["pause", "bovespa"]],
    [502, ["pause", "bovespa"]],
    [200, ["resume", "bovespa"]],
    [200, ["status"]],
    [502, ["status"]],
    [200, ["dlq", "list", "bovespa"]],
    [200, ["verify", "bovespa"]],
    [404, ["explain", "PETR4", "2024-11-08"]],
    [200, ["tail", "--once"]],
    [200, ["query", "SELECT 1"]],
    [200, ["cost"]],
    [404, ["cost"]],
  ])(
    "a page with %i instead of every other answer: %j tells nothing as done, absent or a fault of the program",
    async (status, args) => {
      found(prova);
      others = "page";
      pageStatus = status;
      await seen(args);
    },
  );
});

describe("an analyst", () => {
  test("whose role may not use the workgroup of people is told of the analysts'", async () => {
    found(prova);
    others = {
      status: 400,
      type: "AccessDeniedException",
      message: "not authorized to perform: athena:StartQueryExecution",
    };
    const says = /athena:StartQueryExecution.*Next: pregao --stage prova query --workgroup analyst -f FILE$/;
    await fails(["query", "SELECT 1", "--stage", "prova"], "denied", says);
  });

  test("asks in the analysts' workgroup, and is not sent there again", async () => {
    found(prova);
    others = { status: 400, type: "AccessDeniedException", message: "no" };
    workgroups.length = 0;
    await fails(
      ["query", "SELECT 1", "--workgroup", "analyst", "--stage", "prova"],
      "denied",
      /Next: aws sts get-caller-identity$/,
    );
    expect(workgroups).toEqual(["pregao-prova-analyst"]);
  });
});

describe("options that are a laptop's", () => {
  test.each<[string[], RegExp]>([
    [["status", "--state", "x"], /expected --stage prova without --state/],
    [
      ["ingest", "bovespa", "--url", "http://x", "--layout", "bovespa_refined=year,ticker"],
      /without --layout, which a deploy sets/,
    ],
    [["refine", "bovespa", "--engine", "duckdb"], /without --engine, which is Glue's there/],
    [["tail", "--state", "x", "--once"], /without --state/],
  ])("%j are refused before anybody is asked", async (args, says) => {
    regions.length = 0;
    await fails([...args, "--stage", "prova"], "usage", says);
    expect(regions).toEqual([]);
  });
});
