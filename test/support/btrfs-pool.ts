import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './run.ts';

const MIB = 1024 * 1024;

export interface BtrfsPool extends Disposable {
  /** The image, for `SQUASH_POOL`. */
  readonly path: string;
}

/** An image of an empty btrfs. To be disposed when no broker has it mounted any more. */
export function makeBtrfsPool(sizeMiB = 1024): BtrfsPool {
  const folder = mkdtempSync(join(tmpdir(), 'pool-'));
  const path = join(folder, 'pool.img');
  writeFileSync(path, '', { mode: 0o600 });
  truncateSync(path, sizeMiB * MIB);
  const { status, stderr } = run(['mkfs.btrfs', '-q', path]);
  if (status !== 0) throw new Error(`Cannot make a pool: ${stderr}`);
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}
