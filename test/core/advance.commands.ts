import fc from "fast-check";
import { crowd } from "./advance.crowd.ts";
import { settle } from "./advance.judge.ts";
import { object, rawKey } from "./advance.scenarios.ts";
import { DAY, HOUR, type Order, type Rules, type Scenario, type Spec, sin } from "./advance.world.ts";

/** What the test knows without looking into the stores. */
type Model = { landed: number; callers: number; kills: number };
/** The third failure that counts rejects an object: more kills could come to that for a good one. */
const KILLS = 2;
type Real = ReturnType<typeof crowd>;
type Command = fc.Command<Model, Real>;

const CALLS = 5;

const command = (name: string, check: (model: Model) => boolean, run: (real: Real, model: Model) => void): Command => ({
  check,
  run: (model, real) => {
    run(real, model);
    model.callers = real.callers();
    const { runs, commits } = real.world;
    if (commits.length > runs.length || runs.length > commits.length + 1)
      sin(`${runs.length} runs and ${commits.length} commits after ${name}`);
  },
  toString: () => name,
});
const always = () => true;
const someone = ({ callers }: Model) => callers > 0;
const room = ({ callers }: Model) => callers < CALLS;
const calls = (wish: string[]) => command(`call ${wish.join(" ")}`, room, (real) => real.call(wish));
const says = (said: Order) => command(`say ${JSON.stringify(said)}`, always, (real) => real.say(said));

const commands = ({ specs, clocksErr }: Scenario): fc.Arbitrary<Command>[] => {
  const rows = specs.flatMap((s) => Object.values(s.rows).flat());
  const who = fc.nat(CALLS - 1);
  const landing = command(
    "land",
    ({ landed }) => landed < specs.length,
    (real, model) => {
      real.land();
      model.landed++;
    },
  );
  return [
    fc.constant(landing),
    fc.constant(calls([])),
    fc.constantFrom<string[]>([], ["x"], ["y"], ["y", "x"]).map((wish) => calls(wish)),
    // One caller is often left where it is for long, while the others go on.
    ...[4, 12, 40, 40].map((most) =>
      fc
        .tuple(who, fc.integer({ min: 1, max: most }))
        .map(([n, steps]) => command(`go ${n} ${steps}`, someone, (real) => real.go(n, steps))),
    ),
    who.map((n) => command(`cut ${n}`, someone, (real) => real.cut(n))),
    who.map((n) =>
      command(
        `repeat ${n}`,
        (m) => someone(m) && room(m),
        (real) => real.repeat(n),
      ),
    ),
    who.map((n) => command(`reorder ${n}`, someone, (real) => real.reorder(n))),
    ...[1, 3].map((steps) => fc.constant(command(`work ${steps}`, always, (real) => real.work(steps)))),
    fc.constant(
      command(
        "kill",
        ({ kills }) => kills < KILLS,
        (real, model) => {
          real.kill();
          model.kills++;
        },
      ),
    ),
    fc.nat(specs.length - 1).map((n) =>
      command(
        `ring ${n}`,
        ({ landed }) => n < landed,
        (real) => real.ring(n),
      ),
    ),
    fc
      .constantFrom(HOUR, DAY, 4 * DAY, ...(clocksErr ? [-5 * DAY] : []))
      .map((ms) => command(`tick ${ms / HOUR} h`, always, (real) => real.tick(ms))),
    fc.constantFrom<Order>("pause", "resume", "resume").map(says),
    fc.constantFrom(...rows).map((withdraw) => says({ withdraw })),
    ...specs.filter((s) => s.kind !== "good").map((s) => fc.constant(says({ delete: s.key }))),
  ];
};

const kinds = fc.constantFrom<Spec["kind"]>("good", "good", "good", "poison", "bad", "junk");
const specs = (most: number): fc.Arbitrary<Spec[]> =>
  fc
    .array(
      fc.record({
        kind: kinds,
        units: fc.subarray(["x", "y"], { minLength: 1 }),
        day: fc.constantFrom("2025-01-09", "2025-01-10", "2025-01-14"),
        again: fc.boolean(),
        /** Has the rows of the first object, too. */
        copies: fc.boolean(),
      }),
      { minLength: 1, maxLength: most },
    )
    .map((list) => {
      const made = list.flatMap(({ kind, units, day, again }, n): Spec[] => {
        const first = object(`o${n}`, kind, units, { key: rawKey(`o${n}`, day) });
        // Firehose writes a key again with the rows it had, and more, perhaps of another unit.
        const more = { ...first, etag: "2", rows: { ...first.rows, y: [...(first.rows.y ?? []), `o${n}.y2`] } };
        return again && kind === "good" ? [first, more] : [first];
      });
      const copied = list[0]?.kind === "good" ? made[0]!.rows : {};
      return made.map((spec) => {
        const n = Number(/o(\d+)\.parquet/.exec(spec.key)?.[1]);
        if (n === 0 || !list[n]?.copies || spec.kind !== "good") return spec;
        const units = new Set([...Object.keys(spec.rows), ...Object.keys(copied)]);
        return {
          ...spec,
          rows: Object.fromEntries([...units].map((u) => [u, [...(copied[u] ?? []), ...(spec.rows[u] ?? [])]])),
        };
      });
    });

/** Units into which a good object is refined in the end: asked for then, a rebuild of each must be published. */
const refined = (list: readonly Spec[]): string[] => [
  ...new Set(list.filter((s) => s.kind === "good").flatMap((s) => Object.keys(s.rows))),
];

/** Any number of commands over any world of this size; then all comes to rest, and what must be so is so. */
export const property = (law: Rules, size: { objects: number; commands: number }) =>
  fc.property(
    fc
      .record({
        list: specs(size.objects),
        tables: fc.constantFrom<string[]>(["t"], ["t", "m"]),
        clocksErr: fc.boolean(),
      })
      .chain(({ list, tables, clocksErr }) => {
        const scenario: Scenario = {
          name: "random",
          specs: list,
          ticks: [],
          kills: 0,
          stalls: 0,
          tables,
          ...(clocksErr ? { clocksErr } : {}),
          orders: refined(list).map((rebuild) => ({ rebuild })),
        };
        return fc.tuple(
          fc.constant(scenario),
          fc.commands(commands(scenario), { maxCommands: size.commands, size: "max" }),
        );
      }),
    ([scenario, list]) => {
      const real = crowd(scenario, law);
      fc.modelRun(() => ({ model: { landed: 0, callers: 0, kills: 0 }, real }), list);
      real.drain();
      settle(real.world, scenario, law);
    },
  );
