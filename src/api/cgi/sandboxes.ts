import type { FastifyInstance } from 'fastify';
import { sandboxIdOf } from '../path-id.ts';
import { readJson } from '../read-json.ts';
import type { ApiServices } from '../services.ts';
import { parseCreateRequest } from './create-request.ts';

/** `/cgi-bin/api/sandboxes` and `/:id`: list, create, info, destroy. */
export function registerSandboxes(app: FastifyInstance, { sandboxes, settings }: ApiServices): void {
  app.get('/cgi-bin/api/sandboxes', () => sandboxes.list());

  app.post('/cgi-bin/api/sandboxes', async (request, reply) => {
    const body = await readJson(request.raw, reply.raw);
    const info = await sandboxes.create(parseCreateRequest(body, settings.defaultLayers));
    return reply.code(201).send(info);
  });

  app.get('/cgi-bin/api/sandboxes/:id', (request) => sandboxes.info(sandboxIdOf(request)));

  app.delete('/cgi-bin/api/sandboxes/:id', async (request, reply) => {
    await sandboxes.destroy(sandboxIdOf(request));
    return reply.code(204).send();
  });
}
