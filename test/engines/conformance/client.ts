import type { Json } from "./case.ts";

/**
 * What a call came to, as its client shows it. `name`: the error's name in JavaScript, the class in Python; `code`:
 * boto3's `Error.Code`; `modelled`: the client has a class for it; `of_operation`: AWS's model names it among the
 * operation's errors, null where it knows no such error (boto3 only). Dates are `{ $date: seconds }`, bytes
 * `{ $blob: base64 }`. `wrong`: what the answer's raw body has that AWS's model does not allow (boto3 only).
 */
export type Outcome =
  | { ok: true; status: number; output: Json; wrong?: string[] }
  | {
      ok: false;
      status: number;
      name: string;
      code?: string;
      message: string;
      modelled: boolean;
      of_operation?: boolean | null;
      wrong?: string[];
    };

/** Somebody's AWS client at one endpoint. Calls may run side by side; one who cannot does them in order. */
export type Client = {
  call: (service: string, operation: string, input: Json) => Promise<Outcome>;
  stop: () => Promise<void>;
};
