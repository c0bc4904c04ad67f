import { describe, expect, test } from "vitest";
import {
  accepts,
  damage,
  damagedIn,
  disagreement,
  type Finding,
  holding,
  parseReport,
  type Report,
  type Submission,
} from "../../packages/core/report.ts";
import { broken, object, published, reportOf, runAfter } from "./documents.ts";

const base = published(null, [object("a")]);
const run = runAfter(base, [object("b")], { tables: base.tables });
const report = reportOf(run);
const submitted = (of: Report = report): Submission => ({
  attempt: "j",
  report: of,
  files: Object.fromEntries(
    Object.values(of.tables).flatMap((p) =>
      Object.values(p).flatMap((e) => e.files.map((f) => [e.folder + f.name, f.bytes])),
    ),
  ),
});
const says = (submission: Submission) => disagreement(run, submission, ["t", "m"], "year");

describe("a submission is refused, and says why", () => {
  test("without a report: what was wrong with it, or that there is none", () => {
    expect(says({ attempt: "j", report: null, problem: "it is no JSON", files: {} })).toBe("it is no JSON");
    expect(says({ attempt: "j", report: null, files: {} })).toBe("there is no report");
    expect(says(submitted())).toBeNull();
  });

  test("of another dataset, whose run has the same number", () => {
    expect(says(submitted({ ...report, dataset: "other" }))).toBe(
      "expected a report of d run 2 attempt j, came other run 2 attempt j",
    );
  });

  test("with a table that the dataset has not", () => {
    expect(says(submitted({ ...report, tables: { ...report.tables, q: {} } }))).toBe(
      "expected the tables t, m, came q",
    );
  });

  test("with a file that is named twice: its rows would be read twice", () => {
    const [table, partitions] = Object.entries(report.tables)[0]!;
    const entry = partitions["year=2024"]!;
    const twice = { "year=2024": { ...entry, files: [...entry.files, ...entry.files] } };
    expect(says(submitted({ ...report, tables: { ...report.tables, [table]: twice } }))).toBe(
      `${entry.folder}f is named twice`,
    );
  });

  test("with a partition that is no partition of the run: which", () => {
    const entry = report.tables.t!["year=2024"]!;
    expect(says(submitted({ ...report, tables: { t: { "year=2023": entry } } }))).toBe(
      "t year=2023 is of no unit of the run",
    );
  });
});

describe("a damaged base", () => {
  const file = `${base.tables.m!["year=2024"]!.folder}f`;

  test("is believed of a file of the run's own base, and that file is named", () => {
    expect(damagedIn(run, `j: FAILED ${damage(file, "expected 5 bytes, found 4")}`)).toBe(file);
  });

  test("is not believed because a message names such a file", () => {
    expect(damagedIn(run, `${file}: no space left on device`)).toBeNull();
    expect(damagedIn(run, damage(`${file}2`.slice(1), "x"))).toBeNull();
  });

  test("is none of a rebuild's, which reads no base", () => {
    expect(damagedIn({ ...run, rebuild: true }, damage(file, "x"))).toBeNull();
  });
});

test("what is accepted of one origin is not accepted of another", () => {
  const accepted = [{ law: "rows", session: null, origin: "o" }];
  expect(accepts(accepted, broken())).toBe(true);
  expect(accepts(accepted, { ...broken(), origin: "p" })).toBe(false);
});

test("a warning holds nothing", () => {
  const warning: Finding = { ...broken("near"), severity: "warn" };
  expect(
    holding([warning, broken("rows"), broken("unique")], [{ law: "unique", session: null, origin: null }]),
  ).toEqual([broken("rows")]);
});

test("a report goes through JSON unchanged, findings and all; one of another severity is refused", () => {
  const whole = { ...report, audit: [broken("rows"), { ...broken("near"), severity: "warn" as const, session: null }] };
  expect(parseReport(JSON.parse(JSON.stringify(whole)), "k")).toEqual(whole);
  expect(() => parseReport({ ...whole, audit: [{ ...broken(), severity: "fatal" }] }, "k")).toThrow("severity");
});
