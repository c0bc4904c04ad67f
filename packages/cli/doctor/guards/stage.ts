import { choices, choicesParameter, stageParameter } from "../../../core/stage.ts";
import { deploy, type Guard, guard, type Subject } from "../guard.ts";
import { at, canonical, differences, list, object, said } from "../shapes.ts";

export const stageGuards: Guard[] = [
  guard<Subject>({
    id: "stage.document",
    protects: "commands with --stage find the stage that was deployed",
    subjects: (e) => [
      { type: "AWS::SSM::Parameter", id: stageParameter(e.stage.name), name: stageParameter(e.stage.name) },
    ],
    check: (is, _, e) =>
      canonical(object(is.Value)) === canonical(e.stage)
        ? []
        : [{ expected: `Value ${said(e.stage)}`, came: `Value ${said(is.Value)}` }],
    mend: (_, e) => deploy(e),
  }),
  guard<Subject>({
    id: "stage.choices",
    protects: "what is off at this stage is off because somebody chose so",
    subjects: (e) => [
      { type: "AWS::SSM::Parameter", id: choicesParameter(e.stage.name), name: choicesParameter(e.stage.name) },
    ],
    check: (is) =>
      choices.safeParse(object(is.Value)).success
        ? []
        : [{ expected: `Value with ${Object.keys(choices.shape).join(", ")}`, came: `Value ${said(is.Value)}` }],
    mend: (_, e) => deploy(e),
  }),
  guard<Subject>({
    id: "audit.trail",
    protects: "who read and wrote which object is written down",
    off: (e) => (e.choices.audit ? null : "PREGAO_AUDIT is not true at this stage"),
    subjects: (e) => [{ type: "AWS::CloudTrail::Trail", id: e.name("audit"), name: e.name("audit") }],
    check: (is, _, e) => {
      const audited = list(is.AdvancedEventSelectors).flatMap((one) =>
        list(at(one, "FieldSelectors")).flatMap((field) =>
          at(field, "Field") === "resources.ARN" ? list(at(field, "StartsWith")).map(String) : [],
        ),
      );
      return [
        ...differences({ IsLogging: true, EnableLogFileValidation: true }, (name) => is[name]),
        ...e.topology.buckets
          .map((logical) => `${e.bucketArn(logical)}/`)
          .filter((arn) => !audited.includes(arn))
          .map((arn) => ({ expected: `events of ${arn}`, came: `events of ${audited.join(", ") || "nothing"}` })),
      ];
    },
    mend: ({ name }, e) =>
      `aws cloudtrail start-logging --region ${e.stage.region} --name ${name} (if that is not it: ${deploy(e)})`,
  }),
  guard<Subject>({
    id: "catalog.encrypted",
    protects: "names, columns and views in Glue's catalog are encrypted",
    off: (e) =>
      e.choices.catalogEncryption
        ? null
        : "PREGAO_CATALOG_ENCRYPTION is not true at this stage: it is a setting of the whole account and region",
    subjects: (e) => [
      { type: "AWS::Glue::DataCatalogEncryptionSettings", id: e.stage.account, name: `catalog of ${e.stage.account}` },
    ],
    check: (is) =>
      differences({ CatalogEncryptionMode: "SSE-KMS" }, (name) =>
        at(is, "DataCatalogEncryptionSettings", "EncryptionAtRest", name),
      ),
    mend: (_, e) => deploy(e),
  }),
];
