import type { IncomingMessage, ServerResponse } from 'node:http';

/** Time for a client to notice an early answer and to end its body. */
const LINGER_MS = 5_000;

/**
 * Keeps the connection of a request that is answered before its body has arrived: the rest of the body is read and dropped, for a while.
 * Kernel: closing a socket with unread bytes sends a reset, which can overtake the answer; the client then sees a dropped connection
 * in place of the 401 or 413 (RFC 9112 §9.6).
 */
export function lingerAfterEarlyAnswer(request: IncomingMessage, response: ServerResponse): void {
  response.once('finish', () => {
    if (request.complete) return;
    const deadline = setTimeout(() => request.socket.destroy(), LINGER_MS).unref();
    request.once('close', () => clearTimeout(deadline));
    request.resume();
  });
}
