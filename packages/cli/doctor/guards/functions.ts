import { environment } from "../../../core/stage.ts";
import { EVENTS, type FunctionSpec } from "../../../core/topology.ts";
import type { Expected } from "../expected.ts";
import { deploy, type Guard, guard, restart, type Subject } from "../guard.ts";
import { at, differences, object, said } from "../shapes.ts";

type Function = Subject & { spec: FunctionSpec };
const functions = (e: Expected): Function[] =>
  e.topology.functions.map((spec) => ({
    type: "AWS::Lambda::Function",
    id: e.name(spec.name),
    name: e.name(spec.name),
    spec,
  }));

const configure = (flags: (spec: FunctionSpec) => string) => (subject: Function, e: Expected) =>
  e.laptop
    ? restart
    : `aws lambda update-function-configuration --region ${e.stage.region} --function-name ${subject.id} ${flags(subject.spec)}`;

/** Lambda sets these itself, and nobody else may. */
const RESERVED = new Set(["AWS_REGION"]);
const variables = (e: Expected): Record<string, string> =>
  Object.fromEntries(Object.entries(environment(e.stage)).filter(([name]) => !RESERVED.has(name)));

/** Functions that are called by whoever does not wait: clocks, and S3 itself. */
const called = (e: Expected): Function[] =>
  functions(e)
    .filter(
      ({ spec }) =>
        e.topology.clocks.some((clock) => clock.function === spec.name) ||
        e.topology.notices.some(({ to }) => "function" in to && to.function === spec.name),
    )
    .map((one) => ({ ...one, type: "AWS::Lambda::EventInvokeConfig", id: `${one.name}|$LATEST` }));

export const roleOf = (e: Expected, who: string): string =>
  e.choices.role ?? `arn:aws:iam::${e.stage.account}:role/${e.name(who)}`;

/** Functions that S3 itself calls, and of which bucket. */
const told = (e: Expected): (Function & { bucket: string })[] =>
  e.topology.notices.flatMap(({ bucket, to }) =>
    functions(e)
      .filter(({ spec }) => "function" in to && to.function === spec.name)
      .map((one) => ({ ...one, bucket, type: "AWS::Lambda::Permission", id: `${one.name}|${bucket}-objects` })),
  );

export const functionGuards: Guard[] = [
  guard<Function & { bucket: string }>({
    id: "function.caller",
    protects: "S3 may call the function that its notification names, and no other account's bucket may",
    subjects: told,
    check: (is, { bucket }, e) =>
      differences(
        {
          ...{ Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com" },
          ...{ SourceArn: e.bucketArn(bucket), SourceAccount: e.stage.account },
        },
        (name) => is[name],
      ),
    mend: (_, e) => deploy(e),
  }),
  guard<Function>({
    id: "function.limits",
    protects: "a batch or a file has the time and the memory that it was measured to need",
    laptop: true,
    subjects: functions,
    check: (is, { spec }) => differences({ Timeout: spec.timeout, MemorySize: spec.memory }, (name) => is[name]),
    mend: configure(({ timeout, memory }) => `--timeout ${timeout} --memory-size ${memory}`),
  }),
  guard<Function>({
    id: "function.runtime",
    protects: "the code runs on what it was tested on",
    subjects: functions,
    check: (is) =>
      differences({ Runtime: "nodejs24.x", Architectures: ["arm64"], PackageType: "Zip" }, (name) =>
        name === "PackageType" ? (is[name] ?? "Zip") : is[name],
      ),
    mend: (_, e) => deploy(e),
  }),
  guard<Function>({
    id: "function.environment",
    protects: "a function knows which stage it is of: else it reads and writes another's stores",
    laptop: true,
    subjects: functions,
    check: (is, _, e) => differences(variables(e), (name) => object(at(is, "Environment", "Variables"))[name]),
    mend: (_, e) => (e.laptop ? restart : deploy(e)),
  }),
  guard<Function>({
    id: "function.role",
    chosen: true,
    protects: "a function may do what its own code does, and nothing else",
    subjects: functions,
    check: (is, { spec }, e) => differences({ Role: roleOf(e, spec.name) }, (name) => is[name]),
    mend: (_, e) => deploy(e),
  }),
  guard<Function>({
    id: "function.log",
    protects: "what a function says is kept for as long as the stage says, encrypted",
    subjects: functions,
    // Without one Lambda writes to the group of this very name.
    check: (is, { name }) =>
      differences(
        { LogGroup: `/aws/lambda/${name}` },
        (member) => at(is, "LoggingConfig", member) ?? `/aws/lambda/${name}`,
      ),
    mend: (subject, e) => configure(() => `--logging-config LogGroup=/aws/lambda/${subject.name}`)(subject, e),
  }),
  guard<Function>({
    id: "function.unreserved",
    protects: "a queue's receives are not throttled: they count, and would end valid messages as dead letters",
    subjects: functions,
    check: (is) =>
      is.ReservedConcurrentExecutions === undefined || is.ReservedConcurrentExecutions === null
        ? []
        : [
            {
              expected: "no reserved concurrency: mappings have their own maximum",
              came: `ReservedConcurrentExecutions ${said(is.ReservedConcurrentExecutions)}`,
            },
          ],
    mend: ({ id }, e) => `aws lambda delete-function-concurrency --region ${e.stage.region} --function-name ${id}`,
  }),
  guard<Function>({
    id: "function.retries",
    protects:
      "an event that nobody waits for is tried again when its function fails, and kept where no clock repeats it",
    subjects: called,
    check: (is, { spec }, e) => [
      ...differences(
        { MaximumRetryAttempts: EVENTS.retries, MaximumEventAgeInSeconds: EVENTS.age },
        (name) => is[name],
      ),
      ...(spec.failed
        ? differences({ Destination: e.queueArn(spec.failed) }, (name) =>
            at(is, "DestinationConfig", "OnFailure", name),
          )
        : []),
    ],
    mend: ({ name, spec }, e) =>
      `aws lambda put-function-event-invoke-config --region ${e.stage.region} --function-name ${name} --maximum-retry-attempts ${EVENTS.retries} --maximum-event-age-in-seconds ${EVENTS.age}${
        spec.failed ? ` --destination-config 'OnFailure={Destination=${e.queueArn(spec.failed)}}'` : ""
      }`,
  }),
];

/** Why guards of roles are off. */
export const named = (e: Expected): string | null =>
  e.choices.role === null ? null : `this stage names the role ${e.choices.role}: what it may do is not ours to say`;
