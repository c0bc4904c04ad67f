import http, { type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import https from "node:https";
import type { TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { brotliDecompress, gunzip } from "node:zlib";
import { PregaoError } from "../core/errors.ts";
import { LONGEST_MS } from "./clock.ts";
import { bare, NO_PUBLIC_ADDRESS } from "./hosts.ts";
import type { Manners } from "./manners.ts";

/** What came with a status other than 200 says why, at most: its start is enough. */
const EXCUSE_BYTES = 64 * 1024;
/** What must come in each `idleMs`. */
const DRIP_BYTES = 1024;

export type Answer = { status: number; headers: IncomingHttpHeaders; bytes: Uint8Array };

export type Question = {
  /** Where it is asked; `of` is what the origin calls it, and what errors name. */
  url: URL;
  of: string;
  headers: Record<string, string>;
  most: number;
  manners: Manners;
  agent: http.Agent;
  signal: AbortSignal;
  /** The request is on its way: what came before this was not seen by the origin. */
  sent?: () => void;
  progress?: (done: number, total: number | null) => void;
};

const CERTIFICATE =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|ERR_TLS_CERT|HOSTNAME_|INVALID_(CA|PURPOSE)|PATH_LENGTH|CRL_|ERROR_IN_)/;

/** How an error names an address: as its origin does, and where it was asked if that was elsewhere. */
export const named = ({ url, of }: Pick<Question, "url" | "of">): string => of + elsewhere(url, of);

/** What an error says after the name of something at `of` that was asked at `url`. */
export const elsewhere = (url: URL, of: string): string => (url.href === of ? "" : ` (asked at ${url.host})`);

/** What a client's error says, for whoever asked. `details.reason` is its code. */
const unreachable = (question: Question, error: NodeJS.ErrnoException): PregaoError => {
  const from = named(question);
  const host = bare(question.url.hostname);
  const reason = error.code ?? error.name;
  const details = { url: question.of, reason };
  if (CERTIFICATE.test(reason))
    return new PregaoError(
      "origin_tls",
      `expected ${from} to prove with its certificate that it is ${host}, came ${reason}: ${error.message}`,
      details,
    );
  if (reason === NO_PUBLIC_ADDRESS)
    return new PregaoError(
      "origin_unreachable",
      `expected a public address for ${from}, ${host} leads into this machine's network alone (${reason}). If that is where it is to be asked, name it by its IP address`,
      { ...details, final: true },
    );
  const what = reason.startsWith("HPE_") ? "an answer that is not HTTP" : `no answer (${reason})`;
  return new PregaoError("origin_unreachable", `expected an answer from ${from}, came ${what}`, details);
};

const tooLarge = (question: Question): PregaoError => {
  const { of, most } = question;
  return new PregaoError("too_large", `expected at most ${most} bytes from ${named(question)}, came more`, {
    url: of,
    most,
  });
};

const short = (question: Question, expected: number | null, came: number): PregaoError =>
  new PregaoError(
    "origin_length",
    `expected ${expected === null ? "a body with an end" : `${expected} bytes`} from ${named(question)}, came ${came} and then nothing`,
    { url: question.of, expected, came },
  );

const misframed = (question: Question, reason: string): PregaoError =>
  new PregaoError(
    "origin_length",
    `expected as many bytes from ${named(question)} as it announces, came others after them or between (${reason})`,
    { url: question.of, reason },
  );

/**
 * One GET over a connection of its own, its body whole. Never bytes of an answer that broke off, dripped, or is longer
 * than `most`, before or after its encoding was undone. Of a body that only its connection's end ends (no length, no
 * chunks) HTTP cannot say whether it is whole: the request's `check` can.
 * @throws PregaoError `origin_unreachable`, `origin_tls`, `origin_slow`, `origin_length`, `too_large`, `origin_encoding`;
 * the signal's reason, if it was aborted.
 */
export const ask = async (question: Question): Promise<Answer> => {
  const { status, headers, bytes } = await exchange(question);
  return { status, headers, bytes: status === 200 ? await decoded(bytes, headers, question) : bytes };
};

const exchange = (question: Question): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { url, of, manners, signal, most } = question;
    if (signal.aborted) return reject(signal.reason);
    const request = (url.protocol === "https:" ? https : http).request(url, {
      agent: question.agent,
      headers: question.headers,
    });
    let timer: NodeJS.Timeout | undefined;
    const within = (ms: number, what: string): NodeJS.Timeout => {
      const said = `expected ${what} from ${named(question)} in ${ms / 1000} s, it did not come`;
      const error = new PregaoError("origin_slow", said, { url: of, ms });
      return setTimeout(() => broken(error), Math.min(ms, LONGEST_MS));
    };
    const whole = within(manners.wholeMs, "a whole answer");
    let settled = false;
    const settle = (): void => {
      settled = true;
      clearTimeout(whole);
      clearTimeout(timer);
      signal.removeEventListener("abort", aborted);
    };
    const fail = (error: unknown): void => {
      if (settled) return;
      settle();
      reject(error);
      request.destroy();
    };
    const aborted = (): void => fail(signal.reason);
    /** What a broken connection means, or a slow one: another thing once an answer has begun. */
    let broken = (error: Error): void => fail(error instanceof PregaoError ? error : unreachable(question, error));
    signal.addEventListener("abort", aborted);

    timer = within(manners.connectMs, "a connection");
    const connected = (): void => {
      clearTimeout(timer);
      timer = within(manners.idleMs, `${DRIP_BYTES} bytes or the end of the answer`);
    };
    request.once("socket", (socket) =>
      socket.once((socket as TLSSocket).encrypted ? "secureConnect" : "connect", connected),
    );
    request.once("finish", () => question.sent?.());
    // Also after the answer's end: what comes then is no part of it, and must not end the process.
    request.on("error", (error) => broken(error));

    request.once("response", (answer: IncomingMessage) => {
      const status = answer.statusCode ?? 0;
      const limit = status === 200 ? most : EXCUSE_BYTES;
      const declared = answer.headers["content-length"];
      const length = declared === undefined ? null : Number(declared);
      if (status === 200 && length !== null && length > most) return fail(tooLarge(question));
      const parts: Buffer[] = [];
      let size = 0;
      let mark = 0;
      const done = (): void => {
        if (settled) return;
        settle();
        resolve({ status, headers: answer.headers, bytes: Buffer.concat(parts) });
        request.destroy();
      };
      timer?.refresh();
      answer.on("data", (part: Buffer) => {
        if (settled) return;
        size += part.length;
        if (size > limit) return status === 200 ? fail(tooLarge(question)) : done();
        parts.push(part);
        if (size - mark >= DRIP_BYTES) {
          mark = size;
          timer?.refresh();
        }
        if (status === 200) question.progress?.(size, length);
      });
      broken = (error) => {
        const { code = "" } = error as NodeJS.ErrnoException;
        // A status that is an error is one with or without its text.
        if (status !== 200) done();
        else if (error instanceof PregaoError) fail(error);
        else fail(code.startsWith("HPE_") ? misframed(question, code) : short(question, length, size));
      };
      answer.once("end", () => (answer.complete ? done() : broken(new Error("aborted"))));
      answer.on("error", (error) => broken(error));
      answer.once("close", () => answer.complete || broken(new Error("closed")));
    });
    request.end();
  });

const decoders = { gzip: promisify(gunzip), "x-gzip": promisify(gunzip), br: promisify(brotliDecompress) };

const decoded = async (bytes: Uint8Array, headers: IncomingHttpHeaders, question: Question): Promise<Uint8Array> => {
  const encoding = headers["content-encoding"]?.trim().toLowerCase() || "identity";
  if (encoding === "identity" || bytes.length === 0) return bytes;
  if (!Object.hasOwn(decoders, encoding))
    throw new PregaoError(
      "origin_encoding",
      `expected gzip, br or no encoding from ${named(question)}, came ${JSON.stringify(encoding.slice(0, 40))}`,
      { url: question.of },
    );
  try {
    return await decoders[encoding as keyof typeof decoders](bytes, { maxOutputLength: question.most });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(question);
    throw new PregaoError(
      "origin_encoding",
      `expected ${encoding} from ${named(question)}, came bytes that are not: ${message}`,
      { url: question.of, reason: code },
    );
  }
};
