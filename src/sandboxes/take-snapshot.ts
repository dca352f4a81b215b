import { SandboxError } from '../domain/errors.ts';
import { newUpperId, type SnapshotLabel } from '../domain/ids.ts';
import type { Capture, Machine } from '../runtime/runtime.ts';
import type { Snapshot } from '../snapshots/snapshot.ts';
import type { SandboxParts } from './parts.ts';
import type { Sandbox } from './sandbox.ts';
import { withMachine } from './wake.ts';

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
    await checkRoom(sandbox, parts);
    const capture = await captureUpper(sandbox, parts);
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
    await using _mounted = await mountOnce(snapshot, parts);
    await parts.snapshots.add(snapshot);
    parts.log.info({ id, label: reserved.label, upper, pauseMs: capture.pauseMs }, 'Took a snapshot');
    return snapshot;
  });
}

async function captureUpper(sandbox: Sandbox, parts: SandboxParts): Promise<Capture> {
  const timeoutSeconds = parts.captureTimeoutSeconds;
  try {
    return await withMachine(sandbox, parts, ({ machine }) => captureNow(sandbox, machine, parts));
  } catch (error) {
    // A destroy ends a capture that is under way.
    sandbox.checkUsable();
    if (!(error instanceof SandboxError && error.code === 'DEADLINE_EXCEEDED')) throw error;
    throw new SandboxError(error.code, `Cannot snapshot "${sandbox.id}": not done after ${timeoutSeconds} s`, {
      hint: 'Raise SQUASH_CAPTURE_TIMEOUT_S, or write less',
      cause: error,
    });
  }
}

/** Where the upper can be cloned, the sandbox stands still for that only, and goes on while the clone is packed. */
async function captureNow({ record, label }: Sandbox, machine: Machine, parts: SandboxParts): Promise<Capture> {
  const { captureTimeoutSeconds: timeoutSeconds, runtime } = parts;
  const options = { layers: [], timeoutSeconds };
  if (record.upperKind !== 'btrfs') return machine.capture({ ...options, upper: record.upper, isClone: false });
  const clone = newUpperId();
  const { pauseMs } = await runtime.cloneUpper(record.upper, clone, label);
  try {
    return { ...(await machine.capture({ ...options, upper: clone, isClone: true })), pauseMs };
  } finally {
    await runtime.dropUpper(clone);
  }
}

/** Whatever a packer made that hostile files have taken over: what cannot be mounted is no snapshot. */
async function mountOnce(snapshot: Snapshot, { layers }: SandboxParts): Promise<AsyncDisposable> {
  try {
    return await layers.acquire([snapshot]);
  } catch (error) {
    if (!(error instanceof SandboxError && error.details.step === 'MOUNT')) throw error;
    await layers.discard(snapshot.digest);
    const message = `Cannot snapshot "${snapshot.sandbox}": what was packed cannot be mounted`;
    throw new SandboxError('CAPTURE_IMPOSSIBLE', message, { cause: error });
  }
}

/** An image is at most about as large as what it is made of. */
async function checkRoom(sandbox: Sandbox, parts: SandboxParts): Promise<void> {
  const { usedBytes } = await parts.runtime.upperUsage(sandbox.record.upper);
  if (parts.spareBytes() < usedBytes) throw new SandboxError('NO_SPACE', 'no space for a snapshot');
}
