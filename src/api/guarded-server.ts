import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Log } from '../lib/log.ts';
import { refuse, toErrorReply } from './error-reply.ts';
import { expectContinue } from './expect-continue.ts';
import type { Guard } from './guard.ts';
import { lingerAfterEarlyAnswer } from './lingering.ts';
import { isExecSocketRequest } from './v1/exec-socket-path.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Of a request's head; also Node's default, named here because ids are bounded by it. */
export const HEADERS_MAX_BYTES = 16 * 1024;
const HEADERS_DEADLINE_MS = 15_000;
const KEEP_ALIVE_MS = 60_000;
/** A dead client is noticed after this and ten probes more; its command is then ended. */
const PROBE_AFTER_MS = 30_000;
const CONNECTIONS_MAX = 2_048;

/** An HTTP server that lets the guard look at every request before the router does. */
export function createGuardedServer(route: Handler, options: { readonly guard: Guard; readonly log: Log }): Server {
  const { guard, log } = options;
  const server = createServer({
    maxHeaderSize: HEADERS_MAX_BYTES,
    headersTimeout: HEADERS_DEADLINE_MS,
    // Off: an upload may take long. Bodies have deadlines of their own, where they are read.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAlive: true,
    keepAliveInitialDelay: PROBE_AFTER_MS,
    noDelay: true,
    // Any other offer to upgrade (curl offers h2c) is declined by answering as if it had not been made.
    shouldUpgradeCallback: isExecSocketRequest,
  });
  server.maxConnections = CONNECTIONS_MAX;
  const handle: Handler = (request, response) => {
    const hasBody =
      request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
    if (hasBody) lingerAfterEarlyAnswer(request, response);
    response.setHeader('cache-control', 'no-store');
    response.setHeader('x-content-type-options', 'nosniff');
    try {
      guard(request);
    } catch (error) {
      refuse(response, toErrorReply(error, log));
      return;
    }
    route(request, response);
  };
  server.on('request', handle);
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    expectContinue(request, response);
    handle(request, response);
  });
  return server;
}
