import type { SnapshotLabel, UpperId } from '../domain/ids.ts';
import { checkSizes } from '../snapshots/check-sizes.ts';
import { pinnedOf } from '../snapshots/snapshot.ts';
import { changeStack } from './change-stack.ts';
import type { SandboxParts } from './parts.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * Brings back what a snapshot holds: an empty writable layer, over the snapshot, over those that it stands on, over the layers that it was
 * taken on. What was written since is gone.
 *
 * @throws SNAPSHOT_NOT_FOUND, SNAPSHOT_DAMAGED, NO_SPACE, and what `changeStack` throws
 */
export async function restoreSnapshot(sandbox: Sandbox, label: SnapshotLabel, parts: SandboxParts): Promise<void> {
  using held = parts.snapshots.hold(sandbox.id, label);
  sandbox.checkUsable();
  await sandbox.inTurn(async () => {
    sandbox.checkUsable();
    await checkSizes(held.chain, parts.imagesDir);
    const { upper: before, upperLimitBytes } = sandbox.record;
    const upper = parts.uppers.take(upperLimitBytes);
    try {
      await upper.make();
      const { layers, env } = held.chain.at(-1) ?? sandbox.record;
      const snapshots = held.chain.map(pinnedOf);
      await changeStack(sandbox, { layers, snapshots, env, upper: upper.id, upperKind: parts.upperKind }, parts);
    } catch (error) {
      giveUp(upper.id, { sandbox, parts });
      throw error;
    }
    giveUp(before, { sandbox, parts });
  });
}

/** Behind the answer: to unmount an upper takes as long as what was written in it takes to reach the disk. Swept by the next daemon after a crash. */
function giveUp(upper: UpperId, { sandbox, parts }: { readonly sandbox: Sandbox; readonly parts: SandboxParts }): void {
  const dropped = parts.runtime.dropUpper(upper).catch((error: unknown) => {
    parts.log.error({ err: error, id: sandbox.id, upper }, 'Cannot remove a writable layer that was replaced');
  });
  sandbox.chores = Promise.all([sandbox.chores, dropped]);
}
