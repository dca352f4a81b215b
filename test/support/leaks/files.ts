import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Other programs of the machine write here too; these are ours, the packers' and the bases'.
const OURS = /squash|mmdebstrap|mksquashfs|crun/;

// A lock file stays: removing one would part those who hold it from those who come.
const LOCKS = new Set(['/run/lock/squash-setup.lock', '/run/lock/squash-test.lock']);

// Of a run that waits for its turn: script/lib/test/run-vitest.ts makes it before, and removes it.
const WAITING = /^\/tmp\/squash-counts-/;

async function list(folder: string, options: { readonly recursive: boolean }): Promise<string[]> {
  const names = await readdir(folder, options).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.map((name) => join(folder, name));
}

/** Files of run folders, and everything in the temporary folder that the gate gave to this test file. */
export async function listFiles(): Promise<Set<string>> {
  const shared = await Promise.all(
    ['/tmp', '/var/tmp', '/dev/shm', '/run', '/run/lock'].map((folder) => list(folder, { recursive: false })),
  );
  return new Set([
    ...shared.flat().filter((path) => OURS.test(path) && !LOCKS.has(path) && !WAITING.test(path)),
    ...(await list('/run/squash', { recursive: true })),
    ...(tmpdir() === '/tmp' ? [] : await list(tmpdir(), { recursive: false })),
  ]);
}
