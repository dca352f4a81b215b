import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Replaces a file durably: after a crash at any moment there is the old content or the new, and once this resolves, the new. */
export async function writeFileDurably(path: string, content: string): Promise<void> {
  const beside = `${path}.new`;
  try {
    await using file = await open(beside, 'w', 0o600);
    await file.writeFile(content);
    await file.sync();
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  await rename(beside, path);
  // The rename is durable only when the folder is (fsync(2), notes).
  await syncFolder(dirname(path));
}

/** What was made, renamed or removed in the folder is so on disk when this resolves. */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}
