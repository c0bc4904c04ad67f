/// <reference path="../.sst/platform/config.d.ts" />
import { workgroup } from "../packages/core/stage.ts";
import { SCANNED_BYTES } from "../packages/core/topology.ts";
import type { Stores } from "./lake.ts";
import { PEOPLE, RESULTS } from "./permissions.ts";
import type { River } from "./river.ts";
import { role } from "./roles.ts";

const means = {
  people: "commands of the river, and whoever runs it",
  analyst: "analysts: refined tables and views only",
} as const;

/**
 * Where statements are run: a workgroup for people of the river and one for analysts, whose results lie apart. What a
 * workgroup says holds whatever a client asks for. That results are given again is asked for with each statement and no
 * setting of a workgroup (StartQueryExecution: ResultReuseConfiguration); both keep what it needs, results in one place.
 * Views are tables of the catalog, and made with them.
 */
export const query = (river: River, { key, buckets, databases }: Stores): void => {
  for (const whose of ["people", "analyst"] as const) {
    const group = new aws.athena.Workgroup(`${whose}Workgroup`, {
      name: workgroup(river.stage, whose),
      description: `pregao ${river.stage.name}: ${means[whose]}`,
      state: "ENABLED",
      // Else a stage is not removed while there is a statement in its history, which is all that goes with it.
      forceDestroy: true,
      configuration: {
        enforceWorkgroupConfiguration: true,
        publishCloudwatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: SCANNED_BYTES,
        requesterPaysEnabled: false,
        engineVersion: { selectedEngineVersion: "Athena engine version 3" },
        resultConfiguration: {
          outputLocation: $interpolate`s3://${buckets.results!.bucket}/${RESULTS[whose]}`,
          expectedBucketOwner: river.stage.account,
          encryptionConfiguration: { encryptionOption: "SSE_KMS", kmsKeyArn: key.arn },
        },
      },
    });
    for (const dataset of river.datasets)
      for (const [name, { means: description, sql }] of Object.entries(dataset.queries))
        new aws.athena.NamedQuery(`${whose}-${dataset.name}-${name}`, {
          name,
          description,
          query: sql,
          database: databases[dataset.database]!.name,
          workgroup: group.name,
        });
  }
  for (const who of PEOPLE) role(river, who, "account", key.arn);
};
