import type { FastifyInstance } from 'fastify';
import { SandboxError } from '../../domain/errors.ts';
import { sandboxIdOf } from '../path-id.ts';
import { readJson } from '../read-json.ts';
import type { ApiServices } from '../services.ts';
import { parseCreateRequest } from './create-request.ts';

/** `/cgi-bin/api/sandboxes` and `/:id`: list, create, info, destroy. */
export function registerSandboxes(app: FastifyInstance, { sandboxes, settings }: ApiServices): void {
  app.get('/cgi-bin/api/sandboxes', () => sandboxes.list());

  app.post('/cgi-bin/api/sandboxes', async (request, reply) => {
    const body = await readJson(request.raw, reply.raw);
    const { request: create, namesLayers } = parseCreateRequest(body, settings.defaultLayers);
    reply.code(201);
    try {
      return await sandboxes.create(create);
    } catch (error) {
      throw namesLayers ? error : withWayOut(error);
    }
  });

  app.get('/cgi-bin/api/sandboxes/:id', (request) => sandboxes.info(sandboxIdOf(request)));

  app.delete('/cgi-bin/api/sandboxes/:id', async (request, reply) => {
    await sandboxes.destroy(sandboxIdOf(request));
    return reply.code(204).send();
  });
}

/** A newcomer's first create names no layers and finds none: the answer tells how to get them, in the line that `curl` shows. */
function withWayOut(error: unknown): unknown {
  if (!(error instanceof SandboxError) || error.code !== 'LAYER_NOT_FOUND') return error;
  const hint = 'run "squash sq-mkbase debian" and set SQUASH_DEFAULT_LAYERS=000-base-debian, or name "layers"';
  return new SandboxError(error.code, `${error.message} (${hint})`, { cause: error });
}
