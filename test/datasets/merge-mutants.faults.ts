import { describe, expect, test } from "vitest";
import { small, wrong } from "./merge.carry.ts";
import { sampled } from "./merge.worlds.ts";

/** The old sins, planted again. A test that lets one live proves nothing about the rule. */
const mutants: { sin: string; step: string; from: string; to: string; besides?: [string, string] }[] = [
  {
    sin: "completeness is kept as a number, to which what arrives is added",
    step: "origens",
    from: "COUNT(DISTINCT event_id) AS vistas",
    to: "COUNT(DISTINCT CASE WHEN fonte = 0 THEN event_id END) AS vistas",
    besides: ["linhas_esperadas, 0, 0,", "linhas_esperadas, COALESCE(linhas_vistas, 0), 0,"],
  },
  {
    sin: "what has lost its key is not counted as arrived",
    step: "linhas",
    from: "FROM atual_bovespa_espera JOIN tocadas ON tocada = data_pregao",
    to: "FROM atual_bovespa_espera JOIN tocadas ON tocada = data_pregao WHERE FALSE",
  },
  {
    sin: "the origin that came last wins, whatever its version",
    step: "origens",
    from: "ORDER BY o_versao NULLS FIRST, o_instante NULLS FIRST",
    to: "ORDER BY o_instante NULLS FIRST, o_versao NULLS FIRST",
  },
  {
    sin: "rows of one origin and one key depend on which was kept",
    step: "disputa",
    from: "ORDER BY ordem DESC, event_id DESC, fonte) AS posicao",
    to: "ORDER BY ordem DESC, fonte DESC, event_id DESC) AS posicao",
  },
  {
    sin: "a session that this run has nothing about is dropped",
    step: "bovespa_derivativos",
    from: "LEFT JOIN tocadas",
    to: "JOIN tocadas",
  },
  {
    sin: "an event that came twice completes a session whose other row never came",
    step: "origens",
    from: "COUNT(DISTINCT event_id)",
    to: "COUNT(*)",
  },
  {
    sin: "completeness is counted among the winners",
    step: "bovespa_espera",
    from: "declaradas > 0 AND (ordem_completa IS NULL OR ordem > ordem_completa)",
    to: "FALSE",
  },
  {
    sin: "a row without origin_rows does not come back when what beat it is superseded",
    step: "bovespa_espera",
    from: "declaradas = 0 AND avulsas = 1",
    to: "FALSE",
  },
  {
    sin: "the complete origin goes back once its rows were superseded",
    step: "origens",
    from: "OR era_completa = 1",
    to: "",
  },
  {
    sin: "more rows than stated are not complete",
    step: "origens",
    from: "vistas >= o_declaradas",
    to: "vistas = o_declaradas",
  },
  {
    sin: "rows of lesser origins stay where their key did not return",
    step: "disputa",
    from: "WHERE declaradas = 0 OR ordem_completa IS NULL OR ordem >= ordem_completa",
    to: "",
  },
  {
    sin: "a row without origin_rows is superseded by a complete origin",
    step: "disputa",
    from: "WHERE declaradas = 0 OR",
    to: "WHERE",
  },
  {
    sin: "origins are ordered by when they came, without their version",
    step: "origens",
    from: "ORDER BY o_versao NULLS FIRST, ",
    to: "ORDER BY ",
  },
  { sin: "copies wait, each of them", step: "bovespa_espera", from: "AND copia = 0", to: "" },
  {
    sin: "the session's origins are forgotten",
    step: "bovespa_sessoes",
    from: "WHERE o_declaradas > 0",
    to: "WHERE o_declaradas > 0 AND vistas > 0",
  },
];

describe("the tests of merging notice when", () => {
  test.each(mutants)(
    "$sin",
    async ({ step, from, to, besides: [also, instead] = ["", ""] }) => {
      let planted = 0;
      const dataset = small((name, sql) => {
        if (name !== step) return sql;
        planted += sql.split(from).length - 1;
        expect(sql).toContain(also);
        return sql.replace(from, to).replace(also, instead);
      });
      expect(planted).toBe(1);
      // A mutant that ends in an error is noticed as well.
      const worlds = sampled(5, 150);
      const noticed = await wrong(dataset, worlds).then(
        (w) => w.length > 0,
        () => true,
      );
      expect(noticed).toBe(true);
    },
    60_000,
  );
});
