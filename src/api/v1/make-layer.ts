import type { FastifyInstance } from 'fastify';
import { parseLayerName } from '../../domain/ids.ts';
import type { Sidecar } from '../../layers/sidecar.ts';
import { booleanField, field, objectParser } from '../fields.ts';
import { sandboxIdOf } from '../path-id.ts';
import { snapshotLabelOf } from '../path-label.ts';
import { readJson } from '../read-json.ts';
import type { ApiServices } from '../services.ts';

const parseMade = objectParser({
  layer: field(parseLayerName),
  replace: booleanField('replace', { default: false }),
});

/** `POST /v1/sandboxes/:id/layer` and `…/snapshots/:label/promote`: layers of what was written. Unstable. */
export function registerMakeLayer(app: FastifyInstance, { sandboxes }: ApiServices): void {
  app.post('/v1/sandboxes/:id/layer', async (request, reply) => {
    const id = sandboxIdOf(request);
    const { layer: name, replace } = parseMade(await readJson(request.raw, reply.raw));
    return reply.code(201).send(onWire(await sandboxes.makeLayer(id, { name, replace })));
  });

  app.post('/v1/sandboxes/:id/snapshots/:label/promote', async (request, reply) => {
    const [id, label] = [sandboxIdOf(request), snapshotLabelOf(request)];
    const { layer: name, replace } = parseMade(await readJson(request.raw, reply.raw));
    return reply.code(201).send(onWire(await sandboxes.promote(id, label, { name, replace })));
  });
}

function onWire({ name, size, sha256 }: Sidecar) {
  return { name, size, digest: sha256 };
}
