import { randomUUID } from "node:crypto";
import { AwsError } from "../service.ts";
import type { State } from "../state.ts";
import { invalidValue } from "./errors.ts";
import { type Draft, type MessageAttributes, md5OfAttributes } from "./limits.ts";
import type { Queue, Queues } from "./queues.ts";

/** A message as a receiver gets it. `attributes` are the system's, under AWS's names, all of them. */
export type Received = {
  messageId: string;
  receiptHandle: string;
  body: string;
  md5OfBody: string;
  attributes: Record<string, string>;
  messageAttributes: MessageAttributes | null;
  md5OfMessageAttributes: string | null;
};

/** `held`: a mapping's poller has them; if it dies with this process, the receive is undone at the next start. */
export type Take = {
  max: number;
  visibility: number;
  held?: boolean;
  /** Asked before a message is taken; false ends the batch before it. */
  fits?: (message: Received) => boolean;
};

type Row = {
  seq: number;
  id: string;
  bytes: number;
  md5: string;
  md5_attributes: string | null;
  attributes: string | null;
  trace: string | null;
  grp: string | null;
  sent: number;
  received: number;
  arrived: number;
  first: number | null;
  turn: number;
  source: string | null;
};

const HANDLE = /^(\d+)\.(\d+)\.(\d+)\.([0-9a-f]{8})$/;
/** In flight at once in a standard queue, about; a receive above it is OverLimit (quotas of SQS). */
const MAX_IN_FLIGHT = 120_000;
/** Nothing hides a message for longer (API reference: a visibility timeout's maximum). */
export const MAX_VISIBILITY_SECONDS = 43_200;

export type Messages = ReturnType<typeof messages>;

/**
 * The messages of all queues. Bodies are in a table of their own: a receive rewrites a row, and must not rewrite a
 * body with it. Everything here runs in the caller's transaction, or in one of its own.
 */
export const messages = (
  state: State,
  deps: { queues: Queues; account: string; now: () => number; onExpired: (queue: Queue, count: number) => void },
) => {
  const { db, transaction } = state;
  const { now } = deps;
  db.exec(`
    CREATE TABLE IF NOT EXISTS sqs_message(
      seq INTEGER PRIMARY KEY, queue INTEGER NOT NULL, id TEXT NOT NULL, bytes INTEGER NOT NULL, md5 TEXT NOT NULL,
      md5_attributes TEXT, attributes TEXT, trace TEXT, grp TEXT, sent INTEGER NOT NULL,
      visible INTEGER NOT NULL, flight INTEGER NOT NULL DEFAULT 0, held INTEGER NOT NULL DEFAULT 0,
      received INTEGER NOT NULL DEFAULT 0, arrived INTEGER NOT NULL DEFAULT 0, first INTEGER,
      turn INTEGER NOT NULL DEFAULT 0, source TEXT) STRICT;
    CREATE TABLE IF NOT EXISTS sqs_body(seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE INDEX IF NOT EXISTS sqs_due ON sqs_message(queue, visible, seq, bytes);
    CREATE INDEX IF NOT EXISTS sqs_age ON sqs_message(queue, sent);
  `);
  const insert = db.prepare(
    "INSERT INTO sqs_message(queue, id, bytes, md5, md5_attributes, attributes, trace, grp, sent, visible) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const insertBody = db.prepare("INSERT INTO sqs_body(seq, body) VALUES (?, ?)");
  const due = db.prepare(
    "SELECT seq, id, bytes, md5, md5_attributes, attributes, trace, grp, sent, received, arrived, first, turn, source FROM sqs_message WHERE queue = ? AND visible <= ? ORDER BY visible, seq LIMIT ?",
  );
  const bodyOf = db.prepare("SELECT body FROM sqs_body WHERE seq = ?");
  const mark = db.prepare(
    "UPDATE sqs_message SET visible = ?, flight = 1, held = ?, received = received + 1, turn = turn + 1, first = coalesce(first, ?) WHERE seq = ?",
  );
  const bury = db.prepare(
    "UPDATE sqs_message SET queue = ?, source = ?, visible = ?, flight = 0, held = 0, arrived = received, turn = turn + 1 WHERE seq = ?",
  );
  const find = db.prepare(
    "SELECT seq, visible, flight, sent FROM sqs_message WHERE seq = ? AND queue = ? AND turn = ? AND substr(id, 1, 8) = ?",
  );
  const drop = db.prepare("DELETE FROM sqs_message WHERE seq = ?");
  const dropBody = db.prepare("DELETE FROM sqs_body WHERE seq = ?");
  const show = db.prepare("UPDATE sqs_message SET visible = ?, flight = ?, held = 0 WHERE seq = ?");
  const unhold = db.prepare("UPDATE sqs_message SET held = 0 WHERE seq = ?");
  const oldest = db.prepare("SELECT min(sent) AS sent FROM sqs_message WHERE queue = ?");
  const expiredBodies = db.prepare(
    "DELETE FROM sqs_body WHERE seq IN (SELECT seq FROM sqs_message WHERE queue = ? AND sent <= ?)",
  );
  const expired = db.prepare("DELETE FROM sqs_message WHERE queue = ? AND sent <= ?");
  const first = db.prepare("SELECT visible FROM sqs_message WHERE queue = ? ORDER BY visible LIMIT 1");
  const reveal = db.prepare("UPDATE sqs_message SET visible = ?, flight = 0 WHERE queue = ? AND visible > ?");
  const waiting = db.prepare(
    "SELECT count(*) AS count, total(bytes) AS bytes FROM (SELECT bytes FROM sqs_message WHERE queue = ? AND visible <= ? ORDER BY visible, seq LIMIT ?)",
  );
  const counts = db.prepare(
    `SELECT count(*) FILTER (WHERE visible <= :now) AS visible, count(*) FILTER (WHERE visible > :now AND flight = 1) AS inFlight,
       count(*) FILTER (WHERE visible > :now AND flight = 0) AS delayed FROM sqs_message WHERE queue = :queue`,
  );
  const hidden = db.prepare(
    "SELECT count(*) AS count FROM (SELECT 1 FROM sqs_message WHERE queue = ? AND visible > ? LIMIT ?)",
  );
  const undo = db.prepare(
    "UPDATE sqs_message SET visible = ?, flight = 0, held = 0, received = received - 1 WHERE held = 1",
  );

  const handleOf = (queue: Queue, seq: number, turn: number, id: string): string =>
    Buffer.from(`${queue.id}.${seq}.${turn}.${id.slice(0, 8)}`).toString("base64url");

  /** The row a receipt handle names; null if it was received again, moved or removed since. */
  const lookup = (queue: Queue, handle: string) => {
    const [, owner, seq, turn, id] = HANDLE.exec(Buffer.from(handle, "base64url").toString("latin1")) ?? [];
    if (Number(owner) !== queue.id)
      throw new AwsError(
        "ReceiptHandleIsInvalid",
        `The input receipt handle "${handle}" is not a valid receipt handle.`,
        404,
      );
    return (find.get(Number(seq), queue.id, Number(turn), id!) ?? null) as {
      seq: number;
      visible: number;
      flight: number;
      sent: number;
    } | null;
  };

  /** Names of queues that keep their messages until somebody removes them. */
  const kept = new Set<string>();
  const isKept = (name: string): boolean =>
    kept.has(name) || [...kept].some((source) => deps.queues.find(source)?.redrive?.target === name);

  /** What is older than its queue keeps it is gone, and never without a word. */
  const expire = (queue: Queue): void => {
    if (isKept(queue.name)) return;
    const limit = now() - queue.retention;
    const { sent } = oldest.get(queue.id) as { sent: number | null };
    if (sent === null || sent > limit) return;
    transaction(() => {
      expiredBodies.run(queue.id, limit);
      const { changes } = expired.run(queue.id, limit);
      state.afterCommit(() => deps.onExpired(queue, Number(changes)));
      state.afterCommit(state.touch);
    });
  };

  const systemAttributes = (row: Row, at: number): Record<string, string> => ({
    ApproximateReceiveCount: String(row.received + 1),
    ...(row.trace === null ? {} : { AWSTraceHeader: row.trace }),
    SentTimestamp: String(row.sent),
    ...(row.grp === null ? {} : { MessageGroupId: row.grp }),
    SenderId: deps.account,
    ApproximateFirstReceiveTimestamp: String(row.first ?? at),
    ...(row.source === null ? {} : { DeadLetterQueueSourceArn: row.source }),
  });

  /** Messages become in flight until `visibility` (ms) has passed; those received too often go to the dead-letter queue. */
  const take = (queue: Queue, want: Take): Received[] =>
    transaction(() => {
      expire(queue);
      const at = now();
      const out: Received[] = [];
      const target = queue.redrive && deps.queues.find(queue.redrive.target);
      let touched = false;
      let ended = false;
      // What is moved or taken is no longer due; with visibility 0 it is again at once, but nobody gets it twice here.
      for (const seen = new Set<number>(); out.length < want.max && !ended; ) {
        const rows = (due.all(queue.id, at, want.max - out.length + seen.size) as Row[]).filter(
          (row) => !seen.has(row.seq),
        );
        if (rows.length === 0) break;
        for (const row of rows) {
          touched = true;
          if (target && row.received - row.arrived >= queue.redrive!.maxReceive) {
            bury.run(target.id, deps.queues.arn(queue.name), at, row.seq);
            continue;
          }
          const message: Received = {
            messageId: row.id,
            receiptHandle: handleOf(queue, row.seq, row.turn + 1, row.id),
            body: (bodyOf.get(row.seq) as { body: string }).body,
            md5OfBody: row.md5,
            attributes: systemAttributes(row, at),
            messageAttributes: row.attributes === null ? null : (JSON.parse(row.attributes) as MessageAttributes),
            md5OfMessageAttributes: row.md5_attributes,
          };
          if (want.fits && !want.fits(message)) {
            ended = true;
            break;
          }
          if (want.visibility === 0) seen.add(row.seq);
          mark.run(at + want.visibility, want.held ? 1 : 0, at, row.seq);
          out.push(message);
        }
      }
      if (touched) state.afterCommit(state.touch);
      return out;
    });

  const put = (queue: Queue, drafts: readonly Draft[]): string[] =>
    transaction(() => {
      const at = now();
      state.afterCommit(state.touch);
      return drafts.map((d) => {
        const id = randomUUID();
        const visible = at + (d.delay === undefined ? queue.delay : d.delay * 1000);
        const { lastInsertRowid } = insert.run(
          queue.id,
          id,
          d.bytes,
          d.md5,
          d.md5OfAttributes,
          d.attributes && JSON.stringify(d.attributes),
          d.trace,
          d.group,
          at,
          visible,
        );
        insertBody.run(lastInsertRowid, d.body);
        return id;
      });
    });

  const removeRow = (seq: number): void => {
    drop.run(seq);
    dropBody.run(seq);
  };

  return {
    put,
    take,
    expire,
    keep: (name: string): void => void kept.add(name),
    /** Throws ReceiptHandleIsInvalid; an earlier receive's handle removes nothing, and is no error. */
    remove: (queue: Queue, handle: string): void =>
      transaction(() => {
        const row = lookup(queue, handle);
        if (row) removeRow(row.seq);
        state.afterCommit(state.touch);
      }),
    /**
     * Hides a message for `visibility` ms from now; 0 shows it. Of one that is visible again it changes nothing, as on
     * AWS: it may be in somebody else's hands next. Throws for a handle that no longer names a message.
     */
    hide: (queue: Queue, handle: string, visibility: number): void =>
      transaction(() => {
        const row = lookup(queue, handle);
        if (!row)
          throw invalidValue(
            handle,
            "ReceiptHandle",
            "Message does not exist or is not available for visibility timeout change.",
          );
        const at = now();
        if (row.visible <= at) return;
        show.run(at + visibility, visibility > 0 ? 1 : 0, row.seq);
        state.afterCommit(state.touch);
      }),
    /** A mapping's batch has ended: `done` are removed, `failed` stay in flight until their visibility timeout. */
    settle: (queue: Queue, done: readonly string[], failed: readonly string[]): void =>
      transaction(() => {
        for (const handle of done) {
          const row = lookup(queue, handle);
          if (row) removeRow(row.seq);
        }
        for (const handle of failed) {
          const row = lookup(queue, handle);
          if (row) unhold.run(row.seq);
        }
        state.afterCommit(state.touch);
      }),
    /** Undoes the receives of pollers that died with their process: nobody can have an answer for them any more. */
    undoHeld: (): number =>
      transaction(() => {
        const { changes } = undo.run(now());
        if (Number(changes) > 0) state.afterCommit(state.touch);
        return Number(changes);
      }),
    /** All messages of a queue, in flight or not. */
    clear: (queue: Queue): void =>
      transaction(() => {
        expiredBodies.run(queue.id, Number.MAX_SAFE_INTEGER);
        expired.run(queue.id, Number.MAX_SAFE_INTEGER);
        state.afterCommit(state.touch);
      }),
    /** When the first message is or becomes visible, in ms since 1970; null if there is no message. */
    nextVisible: (queue: Queue): number | null => {
      const found = first.get(queue.id) as { visible: number } | undefined;
      if (!found) return null;
      const at = now();
      const latest = at + MAX_VISIBILITY_SECONDS * 1000;
      if (found.visible <= latest) return found.visible;
      // The clock was ahead when these were hidden, and has been set back.
      transaction(() => {
        reveal.run(at, queue.id, latest);
        state.afterCommit(state.touch);
      });
      return at;
    },
    /** Whether `max` messages or `bytes` of them can be received now. */
    full: (queue: Queue, max: number, bytes: number): boolean => {
      const found = waiting.get(queue.id, now(), max) as { count: number; bytes: number };
      return found.count >= max || found.bytes >= bytes;
    },
    isOverLimit: (queue: Queue): boolean =>
      (hidden.get(queue.id, now(), MAX_IN_FLIGHT) as { count: number }).count >= MAX_IN_FLIGHT,
    /** Counts now, and the age of the oldest message in ms (null: none). */
    depth: (queue: Queue): { visible: number; inFlight: number; delayed: number; oldestMs: number | null } => {
      expire(queue);
      const found = counts.get({ now: now(), queue: queue.id }) as {
        visible: number;
        inFlight: number;
        delayed: number;
      };
      const { sent } = oldest.get(queue.id) as { sent: number | null };
      return { ...found, oldestMs: sent === null ? null : now() - sent };
    },
    selectAttributes: (
      attributes: MessageAttributes | null,
      wanted: readonly string[],
    ): { attributes: MessageAttributes; md5: string } | null => {
      if (!attributes || wanted.length === 0) return null;
      const all = wanted.includes("All") || wanted.includes(".*");
      const picked = Object.fromEntries(
        Object.entries(attributes).filter(
          ([name]) =>
            all || wanted.some((want) => want === name || (want.endsWith(".*") && name.startsWith(want.slice(0, -2)))),
        ),
      );
      return Object.keys(picked).length ? { attributes: picked, md5: md5OfAttributes(picked) } : null;
    },
  };
};
