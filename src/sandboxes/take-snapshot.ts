import type { SnapshotLabel } from '../domain/ids.ts';
import type { Snapshot } from '../snapshots/snapshot.ts';
import { captureUpper, mountOnce } from './capture-upper.ts';
import type { SandboxParts } from './parts.ts';
import type { Sandbox } from './sandbox.ts';

/**
 * Keeps what the writable layer of a sandbox holds at one moment, commands going on after a pause.
 * When it resolves, the snapshot is on disk, and its bytes have been mounted once: it can be restored.
 *
 * @param label undefined: one is made of the time
 * @throws SANDBOX_BUSY, SNAPSHOT_EXISTS, CAPTURE_IMPOSSIBLE, NO_SPACE, DEADLINE_EXCEEDED
 */
export async function takeSnapshot(
  sandbox: Sandbox,
  label: SnapshotLabel | undefined,
  parts: SandboxParts,
): Promise<Snapshot> {
  sandbox.checkUsable();
  using reserved = parts.snapshots.reserve(sandbox.id, label, parts.now());
  // Awaited here: the label is kept until the snapshot has it.
  return await sandbox.inTurn(async () => {
    sandbox.checkUsable();
    const { upper } = sandbox.record;
    const capture = await captureUpper(sandbox, { parts, layers: [] });
    const { id, record } = sandbox;
    const snapshot: Snapshot = {
      format: 1,
      sandbox: id,
      label: reserved.label,
      digest: capture.digest,
      parent: record.snapshots.at(-1) ?? null,
      layers: record.layers,
      env: record.env,
      sizeBytes: capture.sizeBytes,
      pauseMs: capture.pauseMs,
      lost: capture.lost,
      created: parts.now().toISOString(),
    };
    await using _mounted = await mountOnce(snapshot, sandbox, parts);
    await parts.snapshots.add(snapshot);
    parts.log.info({ id, label: reserved.label, upper, pauseMs: capture.pauseMs }, 'Took a snapshot');
    return snapshot;
  });
}
