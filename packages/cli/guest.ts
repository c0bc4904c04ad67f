import { get } from "node:http";
import { PregaoError } from "../core/errors.ts";
import { GUEST_PATH } from "../local/lock.ts";

/**
 * Tells another command's stack that this one uses it, until what is returned is called or the process ends.
 * @throws PregaoError `state_in_use` if that stack is about to end.
 */
export const guestOf = (url: string): Promise<() => void> =>
  new Promise((resolve, reject) => {
    const ends = () =>
      reject(new PregaoError("state_in_use", `expected the river at ${url} to go on, it is ending: try again`));
    const request = get(url + GUEST_PATH, (response) => {
      // Nothing but this holds the process: it may end before it is answered to the end.
      response.socket.unref();
      response.on("error", () => undefined).resume();
      if (response.statusCode === 503) ends();
      else resolve(() => request.destroy());
    });
    // After the answer began: the stack has gone, which the next call to it finds.
    request.on("error", ends);
  });
