import type { UpperId } from '../domain/ids.ts';
import type { Snapshot } from '../snapshots/snapshot.ts';
import { changeStack } from './change-stack.ts';
import type { SandboxParts } from './parts.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * Brings back what a snapshot holds: an empty writable layer, over the snapshot, over those that it stands on, over the layers that it was
 * taken on. What was written since is gone.
 *
 * @throws SNAPSHOT_DAMAGED, NO_SPACE, and what `changeStack` throws
 */
export function restoreSnapshot(sandbox: Sandbox, snapshot: Snapshot, parts: SandboxParts): Promise<void> {
  sandbox.checkUsable();
  return sandbox.inTurn(async () => {
    sandbox.checkUsable();
    const { upper: before, upperLimitBytes } = sandbox.record;
    const upper = parts.uppers.take(upperLimitBytes);
    try {
      await upper.make();
      const { layers, env } = snapshot;
      const snapshots = parts.snapshots.chain(snapshot);
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
