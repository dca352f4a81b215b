import type { FastifyInstance } from 'fastify';
import type { SnapshotInfo } from '../../sandboxes/types.ts';
import type { Snapshot } from '../../snapshots/snapshot.ts';
import { sandboxIdOf } from '../path-id.ts';
import { snapshotLabelOf } from '../path-label.ts';
import type { ApiServices } from '../services.ts';
import { snapshotOnWire } from '../snapshot-wire.ts';

/** `/v1/sandboxes/:id/snapshots` and `/:label`: list and delete, also of a sandbox that is gone. Unstable. */
export function registerSnapshotList(app: FastifyInstance, { sandboxes }: ApiServices): void {
  app.get('/v1/sandboxes/:id/snapshots', (request) => sandboxes.snapshots(sandboxIdOf(request)).then(onWire));

  app.delete('/v1/sandboxes/:id/snapshots/:label', async (request, reply) => {
    await sandboxes.removeSnapshot(sandboxIdOf(request), snapshotLabelOf(request));
    return reply.code(204).send();
  });
}

function onWire(snapshots: readonly Snapshot[]): SnapshotInfo[] {
  return snapshots.map(snapshotOnWire);
}
