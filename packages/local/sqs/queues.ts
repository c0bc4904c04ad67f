import { AwsError } from "../service.ts";
import type { State } from "../state.ts";
import { invalid, invalidValue, noSuchQueue } from "./errors.ts";
import { MAX_BYTES } from "./limits.ts";

/** A queue as the others need it; times in milliseconds. */
export type Queue = {
  id: number;
  name: string;
  attributes: Readonly<Record<string, string>>;
  tags: Readonly<Record<string, string>>;
  created: number;
  modified: number;
  purged: number | null;
  visibility: number;
  delay: number;
  retention: number;
  wait: number;
  maximum: number;
  redrive: { target: string; maxReceive: number } | null;
};

export type Queues = ReturnType<typeof queues>;

type Range = { default: string; min: number; max: number };
/** Settable numbers with their bounds (SetQueueAttributes, API reference). Seconds and bytes. */
const numbers: Readonly<Record<string, Range>> = {
  VisibilityTimeout: { default: "30", min: 0, max: 43_200 },
  DelaySeconds: { default: "0", min: 0, max: 900 },
  MaximumMessageSize: { default: String(MAX_BYTES), min: 1024, max: MAX_BYTES },
  MessageRetentionPeriod: { default: "345600", min: 60, max: 1_209_600 },
  ReceiveMessageWaitTimeSeconds: { default: "0", min: 0, max: 20 },
  KmsDataKeyReusePeriodSeconds: { default: "300", min: 60, max: 86_400 },
};
/** Kept and returned, without effect here. */
const opaque = new Set(["Policy", "KmsMasterKeyId", "SqsManagedSseEnabled", "RedriveAllowPolicy"]);
const fifo = new Set(["FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"]);

/** A name cannot be used again for so long after its queue was deleted. */
const DELETED_MS = 60_000;
const PURGE_MS = 60_000;

const json = (text: string): Record<string, unknown> | null => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
};

/** Queues, their attributes and tags. Reads come from memory: this process is the only one that writes the database. */
export const queues = (state: State, deps: { account: string; region: string; now: () => number }) => {
  const { db } = state;
  const { account, region, now } = deps;
  db.exec(`
    CREATE TABLE IF NOT EXISTS sqs_queue(
      id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, attributes TEXT NOT NULL, tags TEXT NOT NULL,
      created INTEGER NOT NULL, modified INTEGER NOT NULL, purged INTEGER) STRICT;
    CREATE TABLE IF NOT EXISTS sqs_deleted(name TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;
  `);
  const all = db.prepare("SELECT * FROM sqs_queue ORDER BY name");
  const insert = db.prepare("INSERT INTO sqs_queue(name, attributes, tags, created, modified) VALUES (?, ?, ?, ?, ?)");
  const update = db.prepare("UPDATE sqs_queue SET attributes = ?, modified = ? WHERE id = ?");
  const retag = db.prepare("UPDATE sqs_queue SET tags = ? WHERE id = ?");
  const purge = db.prepare("UPDATE sqs_queue SET purged = ? WHERE id = ?");
  const drop = db.prepare("DELETE FROM sqs_queue WHERE id = ?");
  const bury = db.prepare("INSERT OR REPLACE INTO sqs_deleted(name, at) VALUES (?, ?)");
  const buried = db.prepare("SELECT at FROM sqs_deleted WHERE name = ?");
  const unbury = db.prepare("DELETE FROM sqs_deleted WHERE name = ?");

  const arn = (name: string): string => `arn:aws:sqs:${region}:${account}:${name}`;
  /** A queue's name from its ARN or URL; null if it is of another account or region, or no name at all. */
  const nameOfArn = (text: string): string | null => (text.startsWith(arn("")) ? text.slice(arn("").length) : null);

  let known: Map<string, Queue> | null = null;
  const load = (): Map<string, Queue> => {
    const loaded = new Map<string, Queue>();
    for (const row of all.all() as {
      id: number;
      name: string;
      attributes: string;
      tags: string;
      created: number;
      modified: number;
      purged: number | null;
    }[]) {
      const attributes = JSON.parse(row.attributes) as Record<string, string>;
      const number = (name: string) => Number(attributes[name] ?? numbers[name]!.default);
      const policy = attributes.RedrivePolicy ? json(attributes.RedrivePolicy) : null;
      loaded.set(row.name, {
        ...row,
        attributes,
        tags: JSON.parse(row.tags) as Record<string, string>,
        visibility: number("VisibilityTimeout") * 1000,
        delay: number("DelaySeconds") * 1000,
        retention: number("MessageRetentionPeriod") * 1000,
        wait: number("ReceiveMessageWaitTimeSeconds") * 1000,
        maximum: number("MaximumMessageSize"),
        redrive: policy
          ? { target: nameOfArn(String(policy.deadLetterTargetArn)) ?? "", maxReceive: Number(policy.maxReceiveCount) }
          : null,
      });
    }
    return loaded;
  };
  const map = (): Map<string, Queue> => {
    known ??= load();
    return known;
  };
  /** Memory is dropped before and after: what a transaction that rolls back has read must not stay. */
  const change = <T>(work: () => T): T => {
    try {
      return state.transaction(work);
    } finally {
      known = null;
      state.afterCommit(() => {
        known = null;
        state.touch();
      });
    }
  };

  const find = (name: string): Queue | null => map().get(name) ?? null;
  const get = (name: string): Queue => {
    const queue = find(name);
    if (!queue) throw noSuchQueue();
    return queue;
  };

  const checkName = (name: string): void => {
    if (name.endsWith(".fifo"))
      throw new AwsError(
        "UnsupportedOperation",
        `FIFO queues are not part of this stand-in; came ${name}, use a standard queue.`,
      );
    if (!/^[A-Za-z0-9_-]{1,80}$/.test(name))
      throw invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
  };

  const checkRedrive = (value: string, from: string): void => {
    const policy = json(value);
    const bad = (reason: string) => invalidValue(value, "RedrivePolicy", reason);
    if (!policy) throw bad("Redrive policy is not a valid JSON map.");
    for (const key of ["deadLetterTargetArn", "maxReceiveCount"])
      if (policy[key] === undefined) throw bad(`Redrive policy does not contain mandatory attribute: ${key}.`);
    const count = Number(policy.maxReceiveCount);
    if (!Number.isInteger(count) || count < 1 || count > 1000)
      throw bad(
        `Invalid value for maxReceiveCount: ${String(policy.maxReceiveCount)}, valid values are from 1 to 1000 both inclusive.`,
      );
    const target = nameOfArn(String(policy.deadLetterTargetArn));
    const queue = target === null ? null : find(target);
    if (!queue) throw bad("Dead letter target does not exist.");
    const allow = queue.attributes.RedriveAllowPolicy ? json(queue.attributes.RedriveAllowPolicy) : null;
    const sources = Array.isArray(allow?.sourceQueueArns) ? allow.sourceQueueArns : [];
    if (
      allow?.redrivePermission === "denyAll" ||
      (allow?.redrivePermission === "byQueue" && !sources.includes(arn(from)))
    )
      throw bad(`Queue does not have permission to use ${queue.name} as a dead letter queue.`);
  };

  /** Judges attributes to be set; an empty value clears one. */
  const checkAttributes = (attributes: Readonly<Record<string, string>>, name: string): void => {
    for (const [key, value] of Object.entries(attributes)) {
      if (fifo.has(key)) throw new AwsError("InvalidAttributeName", `Unknown Attribute ${key}.`);
      const range = numbers[key];
      if (range) {
        const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
        if (!(number >= range.min && number <= range.max))
          throw new AwsError("InvalidAttributeValue", `Invalid value for the parameter ${key}.`);
      } else if (key === "RedrivePolicy") {
        if (value !== "") checkRedrive(value, name);
      } else if (!opaque.has(key)) throw new AwsError("InvalidAttributeName", `Unknown Attribute ${key}.`);
    }
  };

  const merged = (before: Readonly<Record<string, string>>, attributes: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries({ ...before, ...attributes }).filter(([, value]) => value !== ""));

  const set = (name: string, attributes: Readonly<Record<string, string>>): void => {
    const queue = get(name);
    checkAttributes(attributes, name);
    change(() => update.run(JSON.stringify(merged(queue.attributes, attributes)), Math.floor(now() / 1000), queue.id));
  };

  const make = (
    name: string,
    attributes: Readonly<Record<string, string>>,
    tags: Readonly<Record<string, string>>,
  ): void => {
    checkName(name);
    checkAttributes(attributes, name);
    const at = Math.floor(now() / 1000);
    change(() => {
      unbury.run(name);
      insert.run(name, JSON.stringify(merged({}, attributes)), JSON.stringify(tags), at, at);
    });
  };

  return {
    arn,
    nameOfArn,
    find,
    get,
    set,
    list: (): Queue[] => [...map().values()],
    /** Makes a queue, or gives an existing one these attributes. */
    ensure: (name: string, attributes: Readonly<Record<string, string>>): void =>
      find(name) ? set(name, attributes) : make(name, attributes, {}),
    /** CreateQueue: an existing queue must agree with every attribute that is given. */
    create: (
      name: string,
      attributes: Readonly<Record<string, string>>,
      tags: Readonly<Record<string, string>>,
    ): void => {
      checkName(name);
      const queue = find(name);
      if (!queue) {
        const at = (buried.get(name) as { at: number } | undefined)?.at;
        if (at !== undefined && now() - at < DELETED_MS)
          throw new AwsError(
            "QueueDeletedRecently",
            "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
          );
        make(name, attributes, tags);
        return;
      }
      checkAttributes(attributes, name);
      for (const [key, value] of Object.entries(attributes))
        if (value !== (queue.attributes[key] ?? numbers[key]?.default ?? ""))
          throw new AwsError(
            "QueueNameExists",
            `A queue already exists with the same name and a different value for attribute ${key}`,
          );
    },
    /** Forgets the queue; its messages are the caller's to remove, in the same transaction. */
    remove: (queue: Queue): void =>
      change(() => {
        drop.run(queue.id);
        bury.run(queue.name, now());
      }),
    tag: (name: string, tags: Readonly<Record<string, string>>): void => {
      const queue = get(name);
      const next = { ...queue.tags, ...tags };
      if (Object.keys(next).length > 50) throw invalid("Too many tags added for queue. The maximum is 50.");
      change(() => retag.run(JSON.stringify(next), queue.id));
    },
    untag: (name: string, keys: readonly string[]): void => {
      const queue = get(name);
      change(() =>
        retag.run(
          JSON.stringify(Object.fromEntries(Object.entries(queue.tags).filter(([key]) => !keys.includes(key)))),
          queue.id,
        ),
      );
    },
    /** Notes a purge; refused within 60 s of the last. */
    purge: (queue: Queue): void => {
      if (queue.purged !== null && now() - queue.purged < PURGE_MS)
        throw new AwsError(
          "PurgeQueueInProgress",
          `Only one PurgeQueue operation on ${queue.name} is allowed every 60 seconds.`,
          403,
        );
      change(() => purge.run(now(), queue.id));
    },
    /** Queues whose dead letters go to this one. */
    sourcesOf: (name: string): Queue[] => [...map().values()].filter((queue) => queue.redrive?.target === name),
    /** Every settable attribute with its value, its default where it was never set. */
    settings: (queue: Queue): Record<string, string> => ({
      ...Object.fromEntries(
        Object.entries(numbers)
          .filter(([name]) => name !== "KmsDataKeyReusePeriodSeconds")
          .map(([name, range]) => [name, range.default]),
      ),
      SqsManagedSseEnabled: "true",
      ...queue.attributes,
    }),
  };
};
