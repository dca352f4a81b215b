import { SandboxError } from '../domain/errors.ts';
import type { SandboxId, SnapshotLabel } from '../domain/ids.ts';
import { digestsOf } from '../snapshots/snapshot.ts';
import type { SandboxParts } from './parts.ts';

/** @throws SNAPSHOT_NOT_FOUND, SNAPSHOT_IN_USE */
export async function removeSnapshot(id: SandboxId, label: SnapshotLabel, parts: SandboxParts): Promise<void> {
  const user = parts.registry.standingOn(id, label);
  if (user !== undefined)
    throw new SandboxError('SNAPSHOT_IN_USE', `Cannot delete snapshot "${label}": sandbox "${user.id}" stands on it`, {
      hint: 'Destroy the sandbox, or restore a snapshot that does not stand on this one',
      details: { sandbox: user.id },
    });
  // Of a damaged record nobody knows what it needed: that is collected at the next start.
  const snapshot = parts.snapshots.list(id).find((each) => each.label === label);
  await parts.snapshots.remove(id, label);
  for (const digest of snapshot === undefined ? [] : digestsOf(snapshot)) await parts.layers.discard(digest);
}
