import type { IncomingMessage, ServerResponse } from 'node:http';

const waiting = new WeakSet<IncomingMessage>();

/**
 * Notes that a client waits to be told to send its body (`Expect: 100-continue`, which curl uses over 1 MiB). Until `askForBody`, an answer
 * means that the body is not wanted; whether it comes nevertheless is up to the client, so the connection cannot be used again.
 */
export function expectContinue(request: IncomingMessage, response: ServerResponse): void {
  waiting.add(request);
  response.setHeader('connection', 'close');
}

/** Called by whoever begins to read a body. */
export function askForBody(request: IncomingMessage, response: ServerResponse): void {
  if (!waiting.delete(request)) return;
  response.removeHeader('connection');
  response.writeContinue();
}
