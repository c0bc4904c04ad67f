import { expect, test } from "vitest";
import { bovespa } from "../../packages/datasets/bovespa/index.ts";
import { document, pregao } from "./command.ts";

const names = Object.keys(bovespa.views);

test("datasets and schema name every view with what it means, and each of its columns", async () => {
  const listed = await pregao(["datasets"]);
  for (const [name, { means }] of Object.entries(bovespa.views))
    expect(listed.out).toMatch(new RegExp(`${name} +\\(view\\) ${means.slice(0, 20)}`));
  expect(document<{ views: string[] }[]>(await pregao(["datasets", "--json"]))[0]!.views).toEqual(names);
  const { views } = document<{ views: { name: string; sql: string; columns: object[] }[] }>(
    await pregao(["schema", "bovespa", "--json"]),
  );
  expect(views.map(({ name }) => name)).toEqual(names);
  expect(views.find(({ name }) => name === "bovespa_hoje")!.columns).toContainEqual({
    name: "data_referencia",
    type: "date",
    means: "hoje, em São Paulo",
  });
  expect((await pregao(["schema", "bovespa"])).out).toContain("bovespa_database.bovespa_variacao (view): ");
});
