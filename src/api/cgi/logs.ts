import type { FastifyInstance } from 'fastify';
import { sandboxIdOf } from '../path-id.ts';
import type { ApiServices } from '../services.ts';

/** `GET /cgi-bin/api/sandboxes/:id/logs`: what was run, oldest first. */
export function registerLogs(app: FastifyInstance, { sandboxes }: ApiServices): void {
  app.get('/cgi-bin/api/sandboxes/:id/logs', (request) => sandboxes.logs(sandboxIdOf(request)));
}
