import { damage, type Report } from "../../packages/core/report.ts";
import { attemptFolder, type Run, type TableMap } from "../../packages/core/run.ts";
import { type Job, type Rules, type Scenario, shapeFor, sin, specOf, type World } from "./advance.world.ts";

/** A step of the job. */
export const work = (world: World, scenario: Scenario, law: Rules, job: Job): World => {
  const to = (at: Job["at"], reason: string | null = null, more: Partial<World> = {}): World => ({
    ...world,
    ...more,
    jobs: world.jobs.map((j) => (j.id === job.id ? { ...j, at, reason } : j)),
  });
  const run = world.runs[job.run - 1]!;
  if (job.at === "written")
    return to("reported", null, { reports: { ...world.reports, [job.id]: reportOf(world, scenario, run, job.id) } });
  if (job.at === "reported") return to("ended");
  if (law.looksFirst && world.commits.length >= job.run) return to("ended");
  if (world.left.outage > 0) return to("ended", "outage", { left: { ...world.left, outage: world.left.outage - 1 } });
  const read = run.objects.map((o) => {
    const etag = world.raw[o.key]?.etag;
    return etag !== undefined && (etag === o.etag || !law.byEtag) ? specOf(scenario, { key: o.key, etag }) : null;
  });
  if (read.includes(null)) return to("ended", "an object changed");
  const unreadable = run.rebuild ? undefined : baseOf(run).find((key) => world.damaged.includes(key));
  if (unreadable !== undefined) return to("ended", damage(unreadable, "expected 1 row, came none"));
  if (read.some((spec) => spec?.kind === "poison")) return to("ended", "poison");
  const own = (unit: string) => !run.rebuild || run.units.includes(unit);
  const rows: Record<string, Set<string>> = Object.fromEntries(run.units.map((u) => [u, new Set<string>()]));
  for (const spec of read)
    for (const [unit, more] of Object.entries(spec?.rows ?? {}).filter(([u]) => own(u)))
      rows[unit] = new Set([...(rows[unit] ?? []), ...more.filter((row) => !run.withdrawn.includes(row))]);
  const lake = { ...world.lake };
  for (const table of shapeFor(scenario).tables)
    for (const [unit, added] of Object.entries(rows)) {
      const base = run.rebuild && law.fromRaw ? undefined : run.tables[table]?.[`u=${unit}`];
      const kept = base
        ? base.files.flatMap((f) => world.lake[base.folder + f.name] ?? sin(`${base.folder} is gone`))
        : [];
      lake[`${attemptFolder(table, job.run, job.id)}u=${unit}/f`] = [...new Set([...kept, ...added])].sort();
    }
  return to("written", null, { lake });
};

const baseOf = (run: Run): string[] =>
  Object.values(run.tables).flatMap((partitions) =>
    Object.values(partitions).flatMap(({ folder, files }) => files.map(({ name }) => folder + name)),
  );

/** The job's steps in one. */
export const done = (world: World, scenario: Scenario, law: Rules, { id }: Job): World => {
  let at = world;
  for (;;) {
    const job = at.jobs.find((j) => j.id === id)!;
    if (job.at === "ended") return at;
    at = work(at, scenario, law, job);
  }
};

const reportOf = (world: World, scenario: Scenario, run: Run, attempt: string): Report => {
  const tables: TableMap = {};
  for (const table of shapeFor(scenario).tables) {
    const folder = attemptFolder(table, run.run, attempt);
    tables[table] = Object.fromEntries(
      Object.entries(world.lake)
        .filter(([key]) => key.startsWith(folder))
        .map(([key, rows]) => {
          const partition = key.slice(folder.length, -2);
          return [
            partition,
            {
              folder: `${folder}${partition}/`,
              files: [{ name: "f", bytes: rows.length, rows: rows.length }],
              recipe: run.recipe,
            },
          ];
        }),
    );
  }
  const bad = run.objects.filter(
    (o) =>
      !world.mended.includes(o.key) &&
      scenario.specs.some((s) => s.key === o.key && s.etag === o.etag && s.kind === "bad"),
  );
  return {
    dataset: "d",
    run: run.run,
    attempt,
    recipe: run.recipe,
    engine: "world",
    rows: { read: 0, new: 0, superseded: 0, duplicate: 0 },
    tables,
    origins: {},
    audit: bad.map((o) => ({ law: "law", severity: "hold", session: o.key, origin: null, detail: "" })),
    seconds: 0,
  };
};
