import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SNAPSHOTS_FOLDER } from '../snapshots/snapshot-store.ts';

/** Removes the folder of a sandbox, but not its snapshots: they outlive it, for the next one of its name. Idempotent. */
export async function removeFolder(path: string): Promise<void> {
  const names = await readdir(path).catch(emptyWhenMissing);
  for (const name of names)
    if (name === SNAPSHOTS_FOLDER) await rmdir(join(path, name)).catch(whenNotEmpty);
    else await rm(join(path, name), { recursive: true, force: true });
  await rmdir(path).catch(whenNotEmpty);
}

function emptyWhenMissing(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}

function whenNotEmpty(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOTEMPTY' && error.code !== 'ENOENT') throw error;
}
