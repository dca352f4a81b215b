import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify';
import { SandboxError } from '../domain/errors.ts';
import { answerMalformed } from './answer-malformed.ts';
import { registerExec } from './cgi/exec.ts';
import { registerHealth } from './cgi/health.ts';
import { registerLogs } from './cgi/logs.ts';
import { registerModules } from './cgi/modules.ts';
import { registerSandboxes } from './cgi/sandboxes.ts';
import { registerSnapshots } from './cgi/snapshots.ts';
import { endConnectionsOnClose } from './closing.ts';
import { JSON_TYPE, toErrorReply } from './error-reply.ts';
import { createGuard } from './guard.ts';
import { createGuardedServer, HEADERS_MAX_BYTES } from './guarded-server.ts';
import { writeLine } from './json-line.ts';
import { notFound } from './not-found.ts';
import { registerPage } from './page/page.ts';
import type { ApiServices } from './services.ts';
import { registerExecSocket } from './v1/exec-socket.ts';
import { registerFiles } from './v1/files.ts';
import { registerFork } from './v1/fork.ts';
import { registerMakeLayer } from './v1/make-layer.ts';
import { registerSnapshotList } from './v1/snapshots.ts';

/** The HTTP surface of the daemon, not listening yet. Closing it ends idle connections and lets answers under way finish. */
export function createServer(services: ApiServices): FastifyInstance {
  const guard = createGuard(services.settings);
  const answer = (error: unknown, reply: FastifyReply) => {
    const { status, headers, body } = toErrorReply(error, services.log);
    // A handler that failed late may have named another type.
    return reply.code(status).headers(headers).type(JSON_TYPE).send(writeLine(body));
  };
  const app = Fastify({
    forceCloseConnections: 'idle',
    // Its 503 is not of our shape; what comes while we close is served, and the connection then closed.
    return503OnClosing: false,
    // An id of any length gets our answer for a sandbox that does not exist, not the router's.
    routerOptions: { maxParamLength: HEADERS_MAX_BYTES },
    serverFactory: (route) => createGuardedServer(route, { guard, log: services.log }),
    frameworkErrors: (_error, _request, reply) => {
      answer(new SandboxError('INVALID_ARGUMENT', 'malformed URL'), reply);
    },
    clientErrorHandler: answerMalformed,
  });
  // Handlers read the body themselves: here no content type decides anything, and Fastify refuses those that it cannot parse.
  for (const method of app.supportedMethods) app.addHttpMethod(method, { hasBody: false, overrideExisting: true });
  app.setReplySerializer(writeLine);
  app.setErrorHandler((error, _request, reply) => answer(error, reply));
  app.setNotFoundHandler((request, reply) => answer(notFound(request.raw), reply));
  endConnectionsOnClose(app);

  registerHealth(app, services);
  registerModules(app, services);
  registerSandboxes(app, services);
  registerExec(app, services);
  registerLogs(app, services);
  registerSnapshots(app, services);
  registerSnapshotList(app, services);
  registerFork(app, services);
  registerMakeLayer(app, services);
  registerFiles(app, services);
  registerExecSocket(app, { services, guard });
  registerPage(app);
  return app;
}
