import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SandboxError } from '../domain/errors.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * Whether the images are as large as their records say. What is in them, and whether they are there, is for who mounts them to look at.
 *
 * @param dir where the images are, by their digests
 * @throws SNAPSHOT_DAMAGED
 */
export async function checkSizes(chain: readonly Snapshot[], dir: string): Promise<void> {
  for (const { label, digest, sizeBytes } of chain) {
    const image = await stat(join(dir, `${digest}.squashfs`)).catch(undefinedWhenMissing);
    if (image !== undefined && image.size !== sizeBytes)
      throw new SandboxError(
        'SNAPSHOT_DAMAGED',
        `Cannot use snapshot "${label}": its image has ${image.size} bytes, and its record says ${sizeBytes}`,
        { details: { snapshot: label } },
      );
  }
}

function undefinedWhenMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
