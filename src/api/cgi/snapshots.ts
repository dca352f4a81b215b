import type { FastifyInstance } from 'fastify';
import { SandboxError } from '../../domain/errors.ts';
import { parseLayerName, parseSnapshotLabel } from '../../domain/ids.ts';
import { field, objectParser } from '../fields.ts';
import { sandboxIdOf } from '../path-id.ts';
import { readJson } from '../read-json.ts';
import type { ApiServices } from '../services.ts';
import { takenOnWire } from '../snapshot-wire.ts';

const isMissing = (value: unknown) => value === undefined || value === null || value === '';
const optionalLabel = field((value) => (isMissing(value) ? undefined : parseSnapshotLabel(value)));

const parseActivate = objectParser({
  module: field((value) => {
    if (isMissing(value)) throw new SandboxError('INVALID_ARGUMENT', 'module required');
    return parseLayerName(value);
  }),
});
const parseSnapshot = objectParser({ label: optionalLabel });
const parseRestore = objectParser({ label: optionalLabel, snapshot: optionalLabel });

/** `POST …/activate`, `…/snapshot`, `…/restore`: what changes or keeps the files of a sandbox as a whole. */
export function registerSnapshots(app: FastifyInstance, { sandboxes }: ApiServices): void {
  app.post('/cgi-bin/api/sandboxes/:id/activate', async (request, reply) => {
    const id = sandboxIdOf(request);
    const { module } = parseActivate(await readJson(request.raw, reply.raw));
    try {
      return await sandboxes.activate(id, module);
    } catch (error) {
      // The seed's word, which its scripts look for.
      if (error instanceof SandboxError && error.code === 'LAYER_NOT_FOUND' && error.details.layer === module)
        throw new SandboxError(error.code, `module ${error.message}`, { details: error.details, cause: error });
      throw error;
    }
  });

  app.post('/cgi-bin/api/sandboxes/:id/snapshot', async (request, reply) => {
    const id = sandboxIdOf(request);
    const { label } = parseSnapshot(await readJson(request.raw, reply.raw));
    return takenOnWire(await sandboxes.snapshot(id, label));
  });

  app.post('/cgi-bin/api/sandboxes/:id/restore', async (request, reply) => {
    const id = sandboxIdOf(request);
    const { label, snapshot } = parseRestore(await readJson(request.raw, reply.raw));
    const wanted = label ?? snapshot;
    if (wanted === undefined) throw new SandboxError('INVALID_ARGUMENT', 'label required');
    return sandboxes.restore(id, wanted);
  });
}
