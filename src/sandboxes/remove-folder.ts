import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SNAPSHOTS_FOLDER } from '../snapshots/snapshot-store.ts';

/**
 * Removes the folder of a sandbox, but not its snapshots: they outlive it, for the next one of its name. Idempotent.
 *
 * @returns whether there was anything to remove
 */
export async function removeFolder(path: string): Promise<boolean> {
  const names = await readdir(path).catch(emptyWhenMissing);
  const others = names.filter((name) => name !== SNAPSHOTS_FOLDER);
  for (const name of others) await rm(join(path, name), { recursive: true, force: true });
  await removeEmpty(join(path, SNAPSHOTS_FOLDER));
  return (await removeEmpty(path)) || others.length > 0;
}

async function removeEmpty(path: string): Promise<boolean> {
  try {
    await rmdir(path);
    return true;
  } catch (error) {
    if (!['ENOTEMPTY', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return false;
  }
}

function emptyWhenMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
