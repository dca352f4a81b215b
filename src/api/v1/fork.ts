import type { FastifyInstance } from 'fastify';
import { parseSandboxId, type SandboxId } from '../../domain/ids.ts';
import { field, numberField, objectParser } from '../fields.ts';
import { sandboxIdOf } from '../path-id.ts';
import { readJson } from '../read-json.ts';
import type { ApiServices } from '../services.ts';

const FORKS_MAX = 100;

const parseFork = objectParser({
  id: field(parseSandboxId),
  count: numberField('count', { min: 1, max: FORKS_MAX, whole: true, default: 1 }),
});

/** `POST /v1/sandboxes/:id/fork`: new sandboxes on what this one has written. Unstable. */
export function registerFork(app: FastifyInstance, { sandboxes }: ApiServices): void {
  app.post('/v1/sandboxes/:id/fork', async (request, reply) => {
    const source = sandboxIdOf(request);
    const { id, count } = parseFork(await readJson(request.raw, reply.raw));
    return reply.code(201).send(await sandboxes.fork(source, namesOf(id, count)));
  });
}

/** One keeps its name, several are numbered. @throws INVALID_ARGUMENT when a number makes it too long */
function namesOf(id: SandboxId, count: number): readonly SandboxId[] {
  if (count === 1) return [id];
  return Array.from({ length: count }, (_, index) => parseSandboxId(`${id}-${index + 1}`));
}
