import { SandboxError } from '../domain/errors.ts';
import { type Digest, newUpperId } from '../domain/ids.ts';
import type { PinnedLayer, PinnedSnapshot } from '../domain/pinned-layer.ts';
import type { Capture, CaptureOptions } from '../runtime/runtime.ts';
import type { SandboxParts } from './parts.ts';
import type { Sandbox } from './sandbox.ts';
import { withMachine } from './wake.ts';

export interface CaptureUpperOptions {
  readonly parts: SandboxParts;
  /** Right below the upper, packed with it as one; top first. */
  readonly layers: readonly Digest[];
}

/**
 * Packs what the upper of a sandbox holds. Where it can be cloned, the sandbox stands still for that only, and goes on while the clone is packed.
 *
 * @throws CAPTURE_IMPOSSIBLE, NO_SPACE, DEADLINE_EXCEEDED, SANDBOX_BUSY when it is destroyed meanwhile
 */
export async function captureUpper(sandbox: Sandbox, { parts, layers }: CaptureUpperOptions): Promise<Capture> {
  const { record, label } = sandbox;
  await checkRoom(sandbox, parts);
  if (record.upperKind !== 'btrfs') return captureOf(sandbox, { upper: record.upper, of: 'upper', layers }, parts);
  const clone = newUpperId();
  const { pauseMs } = await withMachine(sandbox, parts, () => parts.runtime.cloneUpper(record.upper, clone, label));
  try {
    return { ...(await captureOf(sandbox, { upper: clone, of: 'clone', layers }, parts)), pauseMs };
  } finally {
    await parts.runtime.dropUpper(clone);
  }
}

/** As the port does it, for the machine of a sandbox, within the time that the settings give. */
export async function captureOf(
  sandbox: Sandbox,
  options: Omit<CaptureOptions, 'timeoutSeconds'>,
  parts: SandboxParts,
): Promise<Capture> {
  const { captureTimeoutSeconds: timeoutSeconds } = parts;
  try {
    return await withMachine(sandbox, parts, ({ machine }) => machine.capture({ ...options, timeoutSeconds }));
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

/** Whatever a packer made that hostile files have taken over: what cannot be mounted is neither snapshot nor layer. */
export async function mountOnce(
  captured: PinnedSnapshot | PinnedLayer,
  sandbox: Sandbox,
  { layers }: SandboxParts,
): Promise<AsyncDisposable> {
  try {
    return await layers.acquire([captured]);
  } catch (error) {
    if (!(error instanceof SandboxError && error.details.step === 'MOUNT')) throw error;
    await layers.discard(captured.digest);
    const message = `Cannot snapshot "${sandbox.id}": what was packed cannot be mounted`;
    throw new SandboxError('CAPTURE_IMPOSSIBLE', message, { cause: error });
  }
}

/** An image is at most about as large as what it is made of. */
async function checkRoom(sandbox: Sandbox, parts: SandboxParts): Promise<void> {
  const { usedBytes } = await parts.runtime.upperUsage(sandbox.record.upper);
  if (parts.spareBytes() < usedBytes) throw new SandboxError('NO_SPACE', 'no space for a snapshot');
}
