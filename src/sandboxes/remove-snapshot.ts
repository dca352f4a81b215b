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
  const snapshot = parts.snapshots.list(id).find((each) => each.label === label);
  await parts.snapshots.remove(id, label);
  // Of a record that was damaged nobody knows what it needed.
  if (snapshot === undefined) await parts.layers.collect();
  else for (const digest of digestsOf(snapshot)) await parts.layers.discard(digest);
}
