import type { FastifyInstance } from 'fastify';
import { sandboxIdOf } from '../path-id.ts';
import { readJson } from '../read-json.ts';
import type { ApiServices } from '../services.ts';
import { parseExecCall } from './exec-call.ts';

/** Time that commands have to end by themselves when the daemon stops. */
const STOP_GRACE_MS = 1_000;

/** `POST /cgi-bin/api/sandboxes/:id/exec`: one command, answered when it and its whole tree are gone. */
export function registerExec(app: FastifyInstance, { sandboxes }: ApiServices): void {
  const running = new Set<AbortController>();

  app.post('/cgi-bin/api/sandboxes/:id/exec', async (request, reply) => {
    const id = sandboxIdOf(request);
    const call = parseExecCall(await readJson(request.raw, reply.raw));
    const command = new AbortController();
    running.add(command);
    // A client that goes away takes its command with it: nobody is left to read the result.
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) command.abort();
    });
    try {
      return await sandboxes.exec(id, call, { signal: command.signal });
    } finally {
      running.delete(command);
    }
  });

  app.addHook('preClose', (done) => {
    const deadline = setTimeout(() => {
      for (const command of running) command.abort();
    }, STOP_GRACE_MS).unref();
    app.server.once('close', () => clearTimeout(deadline));
    done();
  });
}
