import { workgroup } from "../../../core/stage.ts";
import { SCANNED_BYTES } from "../../../core/topology.ts";
import type { Expected } from "../expected.ts";
import { deploy, type Guard, guard, type Subject } from "../guard.ts";
import { at, differences, said } from "../shapes.ts";
import { isKey, keyed } from "./key.ts";

const groups = (e: Expected): Subject[] =>
  (["people", "analyst"] as const).map((whose) => {
    const id = workgroup(e.stage, whose);
    return { type: "AWS::Athena::WorkGroup", id, name: id };
  });
const update = (updates: string) => (subject: Subject, e: Expected) =>
  `aws athena update-work-group --region ${e.stage.region} --work-group ${subject.id} --configuration-updates ${updates}`;
const configuration = (is: Record<string, unknown>, ...path: string[]) => at(is, "WorkGroupConfiguration", ...path);

export const queryGuards: Guard[] = [
  guard<Subject>({
    id: "workgroup.enforced",
    protects: "what the workgroup says holds, whatever a client asks for",
    subjects: groups,
    check: (is) => [
      ...differences({ EnforceWorkGroupConfiguration: true }, (name) => configuration(is, name)),
      ...differences({ State: "ENABLED" }, (name) => is[name] ?? "ENABLED"),
    ],
    mend: update("EnforceWorkGroupConfiguration=true"),
  }),
  guard<Subject>({
    id: "workgroup.cutoff",
    protects: "a query that forgot its dates is ended before it is paid for",
    subjects: groups,
    check: (is) => differences({ BytesScannedCutoffPerQuery: SCANNED_BYTES }, (name) => configuration(is, name)),
    mend: update(`BytesScannedCutoffPerQuery=${SCANNED_BYTES}`),
  }),
  guard<Subject>({
    id: "workgroup.encrypted",
    protects: "results are encrypted by the stage's key",
    subjects: (e) => groups(e).map((one) => keyed(one, e)),
    check: (is, _, e, need) => {
      const by = configuration(is, "ResultConfiguration", "EncryptionConfiguration");
      return [
        ...differences({ EncryptionOption: "SSE_KMS" }, (name) => at(by, name)),
        ...isKey(at(by, "KmsKey"), "KmsKey", e, need),
      ];
    },
    mend: (_, e) => deploy(e),
  }),
  guard<Subject>({
    id: "workgroup.results",
    protects: "results lie in the stage's own bucket, and no bucket of that name of somebody else's gets them",
    subjects: groups,
    check: (is, _, e) => {
      const place = String(configuration(is, "ResultConfiguration", "OutputLocation") ?? "");
      return [
        ...(place.startsWith(`s3://${e.bucket("results")}/`)
          ? []
          : [
              {
                expected: `OutputLocation under s3://${e.bucket("results")}/`,
                came: `OutputLocation ${said(place || undefined)}`,
              },
            ]),
        ...differences({ ExpectedBucketOwner: e.stage.account }, (name) =>
          configuration(is, "ResultConfiguration", name),
        ),
      ];
    },
    mend: (_, e) => deploy(e),
  }),
];
