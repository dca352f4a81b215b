import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import { SandboxError } from '../../domain/errors.ts';
import { isSandboxId, type SandboxId } from '../../domain/ids.ts';
import { rawAnswer } from '../answer-malformed.ts';
import { toErrorReply } from '../error-reply.ts';
import type { Guard } from '../guard.ts';
import type { ApiServices } from '../services.ts';
import { ExecSession } from './exec-session.ts';
import { execSocketId } from './exec-socket-path.ts';
import { MESSAGE_MAX_BYTES } from './exec-wire.ts';

const CLOSE_GOING_AWAY = 1001;
/** Time for clients to answer a close before their connection is cut. */
const CLOSE_GRACE_MS = 1_000;

/** `GET /v1/sandboxes/:id/exec`, the WebSocket of a live command. */
export function registerExecSocket(
  app: FastifyInstance,
  { services, guard }: { readonly services: ApiServices; readonly guard: Guard },
): void {
  const { sandboxes, log } = services;
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_MAX_BYTES, perMessageDeflate: false });

  /** @throws everything that is answered before the upgrade, so that a client sees an HTTP status */
  const admit = async (request: IncomingMessage): Promise<SandboxId> => {
    guard(request);
    const id = decode(execSocketId(request.url));
    if (!isSandboxId(id)) throw new SandboxError('SANDBOX_NOT_FOUND', `not found: ${id}`);
    await sandboxes.info(id);
    return id;
  };
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const abandon = () => socket.destroy();
    // Node took its own listener away before it emitted `upgrade`.
    socket.on('error', abandon);
    try {
      const id = await admit(request);
      socket.off('error', abandon);
      sockets.handleUpgrade(request, socket, head, (client: WebSocket) => {
        new ExecSession(client, { log, spawn: (command, options) => sandboxes.spawn(id, command, options) });
      });
    } catch (error) {
      const { status, headers, body } = toErrorReply(error, log);
      socket.end(rawAnswer(status, body, headers));
    }
  };
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    void upgrade(request, socket, head);
  });

  app.get('/v1/sandboxes/:id/exec', { exposeHeadRoute: false }, () => {
    throw new SandboxError('INVALID_ARGUMENT', 'this route is a WebSocket: ask for the upgrade');
  });

  app.addHook('preClose', (done) => {
    for (const client of sockets.clients) client.close(CLOSE_GOING_AWAY, 'the daemon stops');
    const deadline = setTimeout(() => {
      for (const client of sockets.clients) client.terminate();
    }, CLOSE_GRACE_MS).unref();
    app.server.once('close', () => clearTimeout(deadline));
    done();
  });
}

function decode(segment = ''): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new SandboxError('INVALID_ARGUMENT', 'malformed URL', { cause });
  }
}
